"""GroupNormalization: each example by groups of its channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.layers.input_spec import InputSpec
from fastnn.layers.scale_and_shift import ScaleAndShift, extents
from fastnn.ops.normalization import group_normalization
from fastnn.tensor import Tensor


class GroupNormalization(ScaleAndShift):
    """Mean and variance of each example over a group of channels and all positions.

    Wu and He, "Group normalization" (2018). Weights gamma and beta have an element a channel.

    Args:
        groups: how many; it divides the number of channels. -1: one a channel (instance
            normalization).
        axis: the channels.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: names, initializers or functions.
        beta_regularizer, gamma_regularizer: functions, names or None.
        beta_constraint, gamma_constraint: functions, names or None.

    >>> import numpy as np
    >>> GroupNormalization(2, epsilon=0.0)(np.array([[1.0, 3.0, 10.0, 30.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        if not isinstance(groups, (int, np.integer)) or (groups <= 0 and groups != -1):
            raise ValueError(
                f"GroupNormalization: groups must be a positive integer or -1, got {groups!r}"
            )
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
        self.groups = groups
        self.axis = axis

    def build(self, input_shape: tuple) -> None:
        (channels,) = extents(self, self.axis, input_shape)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: the input has {channels} channels, expected a multiple of "
                f"groups={self.groups}"
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self.add_scale_and_shift((channels,))

    def call(self, inputs: Tensor) -> Tensor:
        return group_normalization(
            inputs, self.groups, self.gamma, self.beta, self.axis, self.epsilon
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis}
