"""GaussianRBM: a restricted Boltzmann machine for real-valued data."""

from __future__ import annotations

import math
from typing import Any

from fastnn import ops, random
from fastnn.pretraining.rbm import RBM
from fastnn.tensor import Tensor


class GaussianRBM(RBM):
    """A restricted Boltzmann machine with real-valued visible units of unit variance.

    Its energy is E(x, h) = |x - visible_bias|^2 / 2 - x @ kernel @ h - hidden_bias @ h: given the
    hidden units, visible ones are normal. Bring each column of the data to mean 0 and variance 1
    first. Learning rates are ten to a hundred times smaller than with binary visible units (here
    0.01 unless said otherwise). Hinton and Salakhutdinov (2006); Hinton, "A practical guide to
    training restricted Boltzmann machines" (2010), section 13.2.

    Called on data [samples, visible] it gives the probabilities of its hidden units. Weights kernel
    [visible, units], hidden_bias [units], visible_bias [visible]; they start as ``BernoulliRBM``'s.

    Args:
        units: how many hidden units, a positive integer.
        seed: of the kernel and of all that the machine draws, an integer; None draws one from
            Python's ``random``.
        kwargs: dtype, name and the others of ``Layer``.

    Raises:
        ValueError: units is not a positive integer.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((200, 5))
    >>> machine = GaussianRBM(3, seed=0)
    >>> _ = machine.fit(x, epochs=2, verbose=0)
    >>> machine.reconstruct(x).shape, machine.log_likelihood(x).shape
    ((200, 5), (200,))
    """

    binary = False
    learning_rate = 0.01
    visible_activation = "linear"

    def draw_visible(self, means: Tensor) -> Tensor:
        return means + random.normal(means.shape, dtype=means.dtype, seed=self.seed_generator)

    def log_visible_sum(self, field: Any, visible_bias: Tensor) -> Tensor:
        """log of the integral over x of exp(x @ field - |x - visible_bias|^2 / 2)."""
        half = visible_bias.shape[0] * math.log(2 * math.pi) / 2
        return half + ops.sum(field * (visible_bias + field / 2), -1)

    def _visible_energy(self, x: Tensor, visible_bias: Tensor) -> Tensor:
        return ops.sum(ops.square(x - visible_bias), -1) / 2

    def _check_values(self, operation: str, x: Tensor) -> None:
        if not ops.all(ops.isfinite(x)):
            raise ValueError(f"{self.name}: {operation}: x holds NaN or infinity")
