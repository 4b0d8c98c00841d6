"""Permute: the axes behind the batch's in another order."""

from __future__ import annotations

from operator import index
from typing import Any

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor


class Permute(Layer):
    """[batch, ...] with its other axes in another order.

    Args:
        dims: which axis comes next, 1 being the first behind the batch's.

    >>> import numpy as np
    >>> Permute((2, 1))(np.ones((3, 4, 5))).shape
    (3, 5, 4)
    """

    def __init__(self, dims: tuple, **kwargs: Any):
        super().__init__(**kwargs)
        try:
            self.dims = tuple(map(index, dims))
        except TypeError:
            raise TypeError(f"Permute: dims must be integers in a tuple, got {dims!r}") from None
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Permute: dims must be the numbers 1 to {len(self.dims)} in some order, got {dims}"
            )

    def call(self, inputs: Tensor) -> Tensor:
        self.compute_output_shape(inputs.shape)
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        if len(input_shape) != len(self.dims) + 1:
            raise ValueError(
                f"{self.name}: dims {self.dims} needs an input of {len(self.dims) + 1} axes, its "
                f"shape is {tuple(input_shape)}"
            )
        return (input_shape[0], *(input_shape[i] for i in self.dims))

    def get_config(self) -> dict:
        return {**super().get_config(), "dims": self.dims}
