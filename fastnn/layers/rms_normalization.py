"""RMSNormalization: each example by its root mean square."""

from __future__ import annotations

from typing import Any

from fastnn.layers.layer import Layer
from fastnn.layers.scale_and_shift import extents
from fastnn.ops.normalization import rms_normalization
from fastnn.tensor import Tensor


class RMSNormalization(Layer):
    """x / sqrt(mean(x^2) + epsilon) * scale over an axis or several.

    Zhang and Sennrich, "Root mean square layer normalization" (2019). The weight ``scale`` has the
    extents of the axes and starts at 1.

    Args:
        axis: an integer or a list; usually the features.
        epsilon: added to the mean square.

    >>> import numpy as np
    >>> RMSNormalization(epsilon=0.0)(np.array([[3.0, -3.0]])).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon
        self.scale: Any = None

    def build(self, input_shape: tuple) -> None:
        self.axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = extents(self, self.axis, input_shape)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")

    def call(self, inputs: Tensor) -> Tensor:
        return rms_normalization(inputs, self.scale, self.axis, self.epsilon)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
