"""Running means that choose how far back they look, element by element.

Schaul, Zhang and LeCun, "No more pesky learning rates", ICML 2013, section 4.2: a mean moves by
`1 / memory` of the way; where values scatter around it memory grows, where they all say the same it
is about 1.
"""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.tensor import Tensor, Variable

TINY = 1e-30  # keeps a quotient of squares finite where both are 0


def move(mean: Variable, value: Tensor, memory: Tensor) -> None:
    """Moves a mean towards a value. With a memory of 1 it becomes that value, without rounding."""
    share = 1 / memory
    mean.assign((1 - share) * mean + share * value)


def is_outlier(value: Tensor, mean: Tensor, square: Tensor) -> Tensor:
    """Whether values are more than two standard deviations from their mean."""
    variance = ops.maximum(square - ops.square(mean), 0.0)
    return ops.abs(value - mean) > 2 * ops.sqrt(variance)


def next_memory(memory: Tensor, mean: Tensor, square: Tensor) -> Any:
    """The memory after a step in which a mean and a mean square moved."""
    return (1 - ops.square(mean) / (square + TINY)) * memory + 1
