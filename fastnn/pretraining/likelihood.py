"""The partition function of a small machine, by a sum over all states of one side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastnn import ops
from fastnn.tensor import Tensor

MOST_UNITS = 20  # on the side that is summed over: a million states
_TOGETHER = 4096  # states that are summed at a time


def summed_units(machine: Any) -> int:
    """How many units the side has whose states are summed over: the hidden one, or, where visible
    units are binary, the smaller one.

    Raises:
        ValueError: too many.
    """
    visible, hidden = machine.kernel.shape
    units = min(visible, hidden) if machine.binary else hidden
    if units > MOST_UNITS:
        sides = "hidden or visible" if machine.binary else "hidden"
        raise ValueError(
            f"{machine.name}: log_likelihood: a sum over all states is for machines of at most "
            f"{MOST_UNITS} {sides} units, this one has {visible} visible and {hidden} hidden ones"
        )
    return units


def log_partition(machine: Any, weights: list[Tensor]) -> Tensor:
    """log Z, a scalar: Z is the sum (over real-valued units the integral) of exp(-energy) over all
    states. One side is summed state by state, the other in closed form.

    weights: the machine's, in the dtype to compute in
    Raises ValueError where `summed_units` does.
    """
    kernel, hidden_bias, visible_bias = weights
    units = summed_units(machine)
    parts = []
    for states in _all_states(units, kernel.dtype):
        if units == kernel.shape[1]:
            field = ops.matmul(states, ops.transpose(kernel))
            terms = ops.matmul(states, hidden_bias) + machine.log_visible_sum(field, visible_bias)
        else:
            terms = -machine.free_energy_with(weights, states)
        parts.append(ops.logsumexp(terms))
    return ops.logsumexp(ops.stack(parts))


def _all_states(units: int, dtype: str) -> Iterator[np.ndarray]:
    """All 2 ** units rows of zeros and ones, some at a time."""
    for start in range(0, 2**units, _TOGETHER):
        numbers = np.arange(start, min(start + _TOGETHER, 2**units))
        yield (numbers[:, None] >> np.arange(units) & 1).astype(dtype)
