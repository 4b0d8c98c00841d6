"""Conv1D, Conv2D, Conv3D: activation(x * kernel + bias)."""

from __future__ import annotations

from typing import Any

from fastnn.layers.convolution import Convolution
from fastnn.layers.parameters import weight_arguments
from fastnn.ops.conv import conv
from fastnn.tensor import Tensor


class Conv(Convolution):
    """A convolution: every filter gives the sum of products of its kernel and each window.

    Input [batch, spatial.., channels], or [batch, channels, spatial..] if channels_first; output
    likewise with ``filters`` channels. Weights kernel [window.., channels / groups, filters], bias
    [filters]. Method: Y. LeCun et al., "Gradient-based learning applied to document recognition"
    (1998).

    Args:
        filters: how many, a positive integer; a multiple of groups.
        kernel_size: the window, an integer or one a spatial axis.
        strides: the step from a window to the next, an integer or one a spatial axis.
        padding: "valid" (none), "same" (ceil(n / stride) results), for one axis also "causal" (on
            the left only, so that no result sees what follows it).
        data_format: "channels_last" or "channels_first"; None: ``config.image_data_format()``.
        dilation_rate: the distance of a window's elements, an integer or one a spatial axis.
        groups: channels and filters fall into so many; filters read their own group.
        activation: a name or function; None for none. The common ones are applied on the way.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: names, initializers or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions, names or None.
        kernel_constraint, bias_constraint: functions, names or None.

    >>> import numpy as np
    >>> from fastnn.layers import Conv2D
    >>> Conv2D(4, 3, activation="relu")(np.ones((2, 8, 8, 1))).shape
    (2, 6, 6, 4)
    """

    kept = ("filters", "groups")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        weights = weight_arguments(locals())
        windows = (kernel_size, strides, padding, data_format, dilation_rate)
        kwargs["activity_regularizer"] = activity_regularizer
        super().__init__(*windows, activation, use_bias, weights, **kwargs)
        self.filters = self.count("filters", filters)
        self.groups = self.count("groups", groups)
        if self.filters % self.groups:
            raise ValueError(
                f"{type(self).__name__}: filters is {filters}, expected a multiple of "
                f"groups={groups}"
            )

    def add_kernels(self, channels: int) -> None:
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: the input has {channels} channels, expected a multiple of "
                f"groups={self.groups}"
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_parameter("kernel", "kernel", shape)

    def filters_of(self, channels: int) -> int:
        return self.filters

    def convolve(self, inputs: Tensor, activation: str) -> Tensor:
        return conv(inputs, self.kernel, *self.places(), bias=self.bias, activation=activation)


class Conv1D(Conv):
    __doc__ = Conv.__doc__
    rank = 1
    paddings = ("valid", "same", "causal")

    def causal(self) -> tuple:
        """The padding that keeps a window to the left of its result."""
        return (((self.kernel_size[0] - 1) * self.dilation_rate[0], 0),)

    def places(self) -> tuple:
        padding = self.causal() if self.padding == "causal" else self.padding
        return self.strides, padding, self.data_format, self.dilation_rate


class Conv2D(Conv):
    __doc__ = Conv.__doc__
    rank = 2


class Conv3D(Conv):
    __doc__ = Conv.__doc__
    rank = 3
