"""Reshape: another shape behind the batch axis."""

from __future__ import annotations

import math
from typing import Any

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor


class Reshape(Layer):
    """[batch, ...] to [batch, *target_shape]; one entry may be -1 (whatever is left).

    >>> import numpy as np
    >>> Reshape((-1, 2))(np.ones((3, 8))).shape
    (3, 4, 2)
    """

    def __init__(self, target_shape: tuple, **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = tuple(int(n) for n in target_shape)
        if self.target_shape.count(-1) > 1 or any(n < -1 for n in self.target_shape):
            raise ValueError(
                f"Reshape: target_shape must be extents with at most one -1, got {target_shape}"
            )

    def _resolved(self, rest: tuple) -> tuple:
        """The target for known extents behind the batch axis."""
        size = math.prod(rest)
        known = math.prod(n for n in self.target_shape if n != -1)
        fits = known and size % known == 0 if -1 in self.target_shape else known == size
        if not fits:
            raise ValueError(
                f"{self.name}: an input of shape {rest} behind the batch axis has {size} elements, "
                f"which do not fit target_shape {self.target_shape}"
            )
        return tuple(size // known if n == -1 else n for n in self.target_shape)

    def call(self, inputs: Tensor) -> Tensor:
        return ops.reshape(inputs, (inputs.shape[0], *self._resolved(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        if None in input_shape[1:]:
            return (input_shape[0], *(None if n == -1 else n for n in self.target_shape))
        return (input_shape[0], *self._resolved(tuple(input_shape[1:])))

    def get_config(self) -> dict:
        return {**super().get_config(), "target_shape": self.target_shape}
