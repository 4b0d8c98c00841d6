"""SeparableConv1D, SeparableConv2D: windows first, then a mixture of channels."""

from __future__ import annotations

from typing import Any

from fastnn.layers.convolution import Convolution
from fastnn.layers.parameters import weight_arguments
from fastnn.ops.conv import separable_conv
from fastnn.tensor import Tensor


class SeparableConv(Convolution):
    """A depthwise convolution, then one over single elements that mixes channels.

    Input [batch, spatial.., channels], or [batch, channels, spatial..] if channels_first; output
    likewise with ``filters`` channels. Weights depthwise_kernel [window.., channels,
    depth_multiplier], pointwise_kernel [1.., channels * depth_multiplier, filters], bias [filters].

    Args:
        filters: how many, a positive integer.
        kernel_size: the window, an integer or one a spatial axis.
        strides: the step from a window to the next, an integer or one a spatial axis.
        padding: "valid" (none) or "same" (ceil(n / stride) results).
        data_format: "channels_last" or "channels_first"; None: ``config.image_data_format()``.
        dilation_rate: the distance of a window's elements, an integer or one a spatial axis.
        depth_multiplier: kernels a channel.
        activation: a name or function; None for none. The common ones are applied on the way.
        use_bias: whether a bias is added.
        depthwise_initializer, pointwise_initializer, bias_initializer: names, initializers or
            functions.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer:
            functions, names or None.
        depthwise_constraint, pointwise_constraint, bias_constraint: functions, names or None.

    >>> import numpy as np
    >>> from fastnn.layers import SeparableConv2D
    >>> SeparableConv2D(4, 3)(np.ones((2, 8, 8, 3))).shape
    (2, 6, 6, 4)
    """

    kept = ("filters", "depth_multiplier")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        weights = weight_arguments(locals())
        windows = (kernel_size, strides, padding, data_format, dilation_rate)
        kwargs["activity_regularizer"] = activity_regularizer
        super().__init__(*windows, activation, use_bias, weights, **kwargs)
        self.filters = self.count("filters", filters)
        self.depth_multiplier = self.count("depth_multiplier", depth_multiplier)
        self.depthwise_kernel: Any = None
        self.pointwise_kernel: Any = None

    def add_kernels(self, channels: int) -> None:
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.add_parameter("depthwise_kernel", "depthwise", shape)
        shape = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = self.add_parameter("pointwise_kernel", "pointwise", shape)

    def filters_of(self, channels: int) -> int:
        return self.filters

    def convolve(self, inputs: Tensor, activation: str) -> Tensor:
        kernels = (self.depthwise_kernel, self.pointwise_kernel)
        places = self.places()
        return separable_conv(inputs, *kernels, *places, bias=self.bias, activation=activation)


class SeparableConv1D(SeparableConv):
    __doc__ = SeparableConv.__doc__
    rank = 1


class SeparableConv2D(SeparableConv):
    __doc__ = SeparableConv.__doc__
    rank = 2
