"""Standout: a dense layer that keeps each unit with a probability of its own."""

from __future__ import annotations

from typing import Any

from fastnn import ops, random
from fastnn.layers.dense import Dense
from fastnn.ops.products import dense
from fastnn.tensor import Tensor
from fastnn.utils.numbers import number


class Standout(Dense):
    """A ``Dense`` layer under a network with weights alpha * w + beta that says which units stay.

    Both networks see the same input: a unit with weights w (its bias belongs to an input of 1) is
    kept with probability sigmoid(sum_i (alpha * w_i + beta) * x_i). While training it is kept or
    set to zero at random; in inference it is multiplied by that probability, its mean. Training
    moves w by the gradient of what was kept, and the overlaid network with it.
    Input [..., features], output [..., units].

    Ba and Frey, "Adaptive dropout for training deep neural networks" (2013).

    Args:
        units: how many outputs, a positive integer.
        alpha: how much the magnitude of a unit's input decides; 0 with beta 0 is dropout of 0.5.
        beta: what is added to each overlaid weight: higher keeps more, where inputs are positive.
        seed: an integer; None draws one from Python's ``random``.
        kwargs: the other arguments of ``Dense``.

    Raises:
        TypeError, ValueError: alpha or beta is no finite number; what ``Dense`` refuses.

    >>> import numpy as np
    >>> layer = Standout(2, alpha=0.0, kernel_initializer="ones")
    >>> layer(np.ones((1, 3))).tolist()
    [[1.5, 1.5]]
    """

    def __init__(
        self,
        units: int,
        alpha: float = 1.0,
        beta: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(units, **kwargs)
        self.alpha = number(f"{self.name}: alpha", alpha)
        self.beta = number(f"{self.name}: beta", beta)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        z = dense(inputs, self.kernel, self.bias)
        keep = ops.sigmoid(self._overlaid(inputs, z))
        if training:
            drawn = random.uniform(keep.shape, dtype=keep.dtype, seed=self.seed_generator)
            keep = ops.cast(ops.less(drawn, keep), keep.dtype)
        return self.activation(z) * keep

    def _overlaid(self, inputs: Tensor, z: Tensor) -> Tensor:
        """What the units of the overlaid network add up: by z, without weights of its own."""
        if self.beta == 0:
            return z * self.alpha
        total = ops.sum(inputs, axis=-1, keepdims=True) + float(self.use_bias)
        return z * self.alpha + total * self.beta

    def get_config(self) -> dict:
        own = {"alpha": self.alpha, "beta": self.beta, "seed": self.seed}
        return {**super().get_config(), **own}
