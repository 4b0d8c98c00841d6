"""DropConnect: a dense layer whose weights are dropped while training."""

from __future__ import annotations

from typing import Any

from fastnn import random
from fastnn.layers.dense import Dense
from fastnn.layers.dropping import Dropping
from fastnn.tensor import Tensor


class DropConnect(Dropping, Dense):
    """A ``Dense`` layer that drops each weight, not each unit, with probability ``rate``.

    While training, output = activation(x @ (M * kernel) + m * bias), where M and m hold 0 with
    probability rate, else 1 / (1 - rate): kernel and bias are themselves the means of the dropped
    ones, and inference uses them. Input [..., features], output [..., units].

    Wan et al., "Regularization of neural networks using DropConnect" (2013). The paper draws a mask
    for each example, here a batch shares one, which keeps the layer a single matrix product; and
    where the paper samples z from a normal distribution in inference, here is its mean.

    Args:
        units: how many outputs, a positive integer.
        rate: the share of weights that is dropped, 0 to 1; it may be set between steps.
        seed: an integer; None draws one from Python's ``random``.
        kwargs: the other arguments of ``Dense``.

    Raises:
        ValueError: rate is outside [0, 1]; what ``Dense`` refuses.

    >>> import numpy as np
    >>> layer = DropConnect(2, rate=0.5, kernel_initializer="ones")
    >>> layer(np.ones((1, 3))).tolist()
    [[3.0, 3.0]]
    """

    def __init__(self, units: int, rate: float = 0.5, seed: int | None = None, **kwargs: Any):
        super().__init__(rate, seed, units=units, **kwargs)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        kernel, bias = self.kernel, self.bias
        if training and self.rate > 0:
            kernel = random.dropout(kernel, self._rate, seed=self.seed_generator)
            if bias is not None:
                bias = random.dropout(bias, self._rate, seed=self.seed_generator)
        return self._activated(inputs, kernel, bias)
