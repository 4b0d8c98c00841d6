"""DepthwiseConv1D, DepthwiseConv2D: every channel has kernels of its own."""

from __future__ import annotations

from typing import Any

from fastnn.layers.convolution import Convolution
from fastnn.layers.parameters import weight_arguments
from fastnn.ops.conv import depthwise_conv
from fastnn.tensor import Tensor


class DepthwiseConv(Convolution):
    """A convolution of every channel with ``depth_multiplier`` kernels of its own.

    Input [batch, spatial.., channels], or [batch, channels, spatial..] if channels_first; output
    likewise with channels * depth_multiplier channels, those of one input channel side by side.
    Weights kernel [window.., channels, depth_multiplier], bias [channels * depth_multiplier].

    Args:
        kernel_size: the window, an integer or one a spatial axis.
        strides: the step from a window to the next, an integer or one a spatial axis.
        padding: "valid" (none) or "same" (ceil(n / stride) results).
        depth_multiplier: kernels a channel.
        data_format: "channels_last" or "channels_first"; None: ``config.image_data_format()``.
        dilation_rate: the distance of a window's elements, an integer or one a spatial axis.
        activation: a name or function; None for none. The common ones are applied on the way.
        use_bias: whether a bias is added.
        depthwise_initializer, bias_initializer: names, initializers or functions.
        depthwise_regularizer, bias_regularizer, activity_regularizer: functions, names or None.
        depthwise_constraint, bias_constraint: functions, names or None.

    >>> import numpy as np
    >>> from fastnn.layers import DepthwiseConv2D
    >>> DepthwiseConv2D(3, depth_multiplier=2)(np.ones((2, 8, 8, 3))).shape
    (2, 6, 6, 6)
    """

    kept = ("depth_multiplier",)

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        weights = weight_arguments(locals())
        windows = (kernel_size, strides, padding, data_format, dilation_rate)
        kwargs["activity_regularizer"] = activity_regularizer
        super().__init__(*windows, activation, use_bias, weights, **kwargs)
        self.depth_multiplier = self.count("depth_multiplier", depth_multiplier)

    def add_kernels(self, channels: int) -> None:
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self.add_parameter("kernel", "depthwise", shape)

    def filters_of(self, channels: int) -> int:
        return channels * self.depth_multiplier

    def convolve(self, inputs: Tensor, activation: str) -> Tensor:
        places = self.places()
        return depthwise_conv(inputs, self.kernel, *places, bias=self.bias, activation=activation)


class DepthwiseConv1D(DepthwiseConv):
    __doc__ = DepthwiseConv.__doc__
    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    __doc__ = DepthwiseConv.__doc__
    rank = 2
