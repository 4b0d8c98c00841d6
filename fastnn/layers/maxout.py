"""Maxout: the largest of several linear functions."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.dense import Dense
from fastnn.layers.sizes import positive_integer
from fastnn.ops.products import dense
from fastnn.tensor import Tensor


class Maxout(Dense):
    """Each unit is the largest of ``pieces`` linear functions of the input: max_j(x @ w_j + b_j).

    A convex activation function that is learned; with two pieces of which one has no weights, it is
    relu. Input [..., features], output [..., units]; weights kernel [features, units * pieces],
    bias [units * pieces]: the pieces of a unit lie side by side.

    Goodfellow et al., "Maxout networks" (2013).

    Args:
        units: how many outputs, a positive integer.
        pieces: how many linear functions each has, a positive integer.
        kwargs: the other arguments of ``Dense``; an activation sees the maxima.

    Raises:
        ValueError: units or pieces is not a positive integer; what ``Dense`` refuses.

    >>> import numpy as np
    >>> layer = Maxout(2, pieces=2)
    >>> layer.build((None, 4))
    >>> layer.set_weights([np.eye(4), np.zeros(4)])
    >>> layer(np.array([[5.0, 7.0, -1.0, 1.0]])).tolist()
    [[7.0, 1.0]]
    """

    def __init__(self, units: int, pieces: int = 2, **kwargs: Any):
        super().__init__(units, **kwargs)
        self.pieces = positive_integer("Maxout", "pieces", pieces)

    def _width(self) -> int:
        return self.units * self.pieces

    def call(self, inputs: Tensor) -> Tensor:
        z = dense(inputs, self.kernel, self.bias)
        grouped = ops.reshape(z, (*z.shape[:-1], self.units, self.pieces))
        return self.activation(ops.max(grouped, axis=-1))

    def get_config(self) -> dict:
        return {**super().get_config(), "pieces": self.pieces}
