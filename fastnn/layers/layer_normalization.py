"""LayerNormalization: each example by its own mean and variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.layers.scale_and_shift import ScaleAndShift, extents
from fastnn.ops.normalization import layer_normalization
from fastnn.tensor import Tensor


class LayerNormalization(ScaleAndShift):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta over an axis or several.

    Ba et al., "Layer normalization" (2016). Weights gamma and beta have the extents of the axes.

    Args:
        axis: an integer or a list; usually the features.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: names, initializers or functions.
        beta_regularizer, gamma_regularizer: functions, names or None.
        beta_constraint, gamma_constraint: functions, names or None.
        rms_scaling: divide by the standard deviation only, without centring; no beta. Not RMS
            normalization: that is ``RMSNormalization``.

    >>> import numpy as np
    >>> LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ):
        if not isinstance(axis, (int, np.integer, list, tuple)):
            raise TypeError(f"LayerNormalization: axis must be an integer or several, got {axis!r}")
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis = int(axis) if isinstance(axis, (int, np.integer)) else list(axis)
        self.rms_scaling = rms_scaling
        if rms_scaling:
            self.scale, self.center = True, False

    def build(self, input_shape: tuple) -> None:
        self.axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        self.add_scale_and_shift(extents(self, self.axis, input_shape))

    def call(self, inputs: Tensor) -> Tensor:
        return layer_normalization(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, self.rms_scaling
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "axis": self.axis, "rms_scaling": self.rms_scaling}
