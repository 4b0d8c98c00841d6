"""Dropout: zeroes a random share of the elements while training."""

from __future__ import annotations

from typing import Any

from fastnn import random
from fastnn.layers.dropping import Dropping
from fastnn.tensor import Tensor


class Dropout(Dropping):
    """Drops each element with probability ``rate`` and scales the others by 1 / (1 - rate).

    In inference it passes the input on (Srivastava et al., 2014).

    Args:
        rate: the share that is dropped, 0 to 1; it may be set between steps.
        noise_shape: the shape of the mask, which broadcasts to the input's; None entries mean the
            input's extent. ``(None, 1, None)`` drops the same features at all time steps.
        seed: an integer; None draws one from Python's ``random``.

    >>> import numpy as np
    >>> Dropout(0.5)(np.ones((2, 3))).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    def __init__(
        self,
        rate: float,
        noise_shape: tuple | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed, **kwargs)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self._finish_build((), {})

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self._rate, self._noise_shape(inputs), self.seed_generator)

    def _noise_shape(self, inputs: Tensor) -> tuple | None:
        if self.noise_shape is None:
            return None
        if len(self.noise_shape) != inputs.ndim:
            raise ValueError(
                f"{self.name}: noise_shape is {self.noise_shape}, the input's shape is "
                f"{inputs.shape}: as many entries are needed"
            )
        pairs = zip(self.noise_shape, inputs.shape)
        return tuple(extent if wanted is None else wanted for wanted, extent in pairs)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "noise_shape": self.noise_shape}
