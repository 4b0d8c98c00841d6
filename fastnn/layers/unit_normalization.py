"""UnitNormalization: each example by its Euclidean length."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor

_SHORTEST = 1e-12  # a length below counts as this one, so that zeros stay zeros


class UnitNormalization(Layer):
    """x / sqrt(sum(x^2)) over an axis or several.

    Args:
        axis: an integer or a list; usually the features.

    Raises:
        TypeError: axis is neither.
        ValueError: an axis that the input does not have.

    >>> import numpy as np
    >>> UnitNormalization()(np.array([[3.0, 4.0], [0.0, 0.0]], "float32")).tolist()[1]
    [0.0, 0.0]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        if not isinstance(axis, (int, np.integer, list, tuple)):
            raise TypeError(f"UnitNormalization: axis must be an integer or several, got {axis!r}")
        super().__init__(**kwargs)
        self.axis = int(axis) if isinstance(axis, (int, np.integer)) else list(axis)
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        for axis in axes:
            if not -len(input_shape) <= axis < len(input_shape):
                raise ValueError(
                    f"{self.name}: axis {axis} is outside an input of shape {tuple(input_shape)}"
                )

    def call(self, inputs: Tensor) -> Tensor:
        axis = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        return ops.normalize(inputs, axis, 2, _SHORTEST)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "axis": self.axis}
