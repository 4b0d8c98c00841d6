"""RepeatVector: each example again and again, along a new axis."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.layers.sizes import positive_integer
from fastnn.tensor import Tensor


class RepeatVector(Layer):
    """[batch, features] to [batch, n, features].

    >>> import numpy as np
    >>> RepeatVector(2)(np.array([[1.0, 3.0]])).tolist()
    [[[1.0, 3.0], [1.0, 3.0]]]
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = positive_integer("RepeatVector", "n", n)

    def call(self, inputs: Tensor) -> Tensor:
        batch, n, features = self.compute_output_shape(inputs.shape)
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (batch, n, features))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        if len(input_shape) != 2:
            raise ValueError(
                f"{self.name}: the input must have 2 axes, its shape is {tuple(input_shape)}"
            )
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> dict:
        return {**super().get_config(), "n": self.n}
