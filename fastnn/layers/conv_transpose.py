"""Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: images grow again."""

from __future__ import annotations

from typing import Any

from fastnn.layers.convolution import Convolution
from fastnn.layers.parameters import weight_arguments
from fastnn.ops.conv_transpose import conv_transpose, transposed_extents
from fastnn.ops.windows import per_axis
from fastnn.tensor import Tensor


class ConvTranspose(Convolution):
    """The transpose of a convolution: every input element adds its kernel times itself.

    Input [batch, spatial.., channels], or [batch, channels, spatial..] if channels_first; output
    likewise with ``filters`` channels. Weights kernel [window.., filters, channels], bias
    [filters]. Method: M. D. Zeiler et al., "Deconvolutional networks" (2010).

    Args:
        filters: how many, a positive integer.
        kernel_size: the window, an integer or one a spatial axis.
        strides: how far apart the inputs' windows lie, an integer or one a spatial axis.
        padding: "valid": (n - 1) * stride + max(window, stride) results; "same": n * stride.
        output_padding: None, or how many results more than (n - 1) * stride + window ("valid") or
            (n - 1) * stride + window % 2 ("same"); below the strides.
        data_format: "channels_last" or "channels_first"; None: ``config.image_data_format()``.
        dilation_rate: the distance of a window's elements, an integer or one a spatial axis.
        activation: a name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: names, initializers or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions, names or None.
        kernel_constraint, bias_constraint: functions, names or None.

    >>> import numpy as np
    >>> from fastnn.layers import Conv2DTranspose
    >>> Conv2DTranspose(4, 3, strides=2, padding="same")(np.ones((2, 5, 5, 1))).shape
    (2, 10, 10, 4)
    """

    kept = ("filters", "output_padding")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        who = type(self).__name__
        self.output_padding = (
            None
            if output_padding is None
            else per_axis(who, "output_padding", output_padding, self.rank, 0)
        )
        self._extents(who, (None,) * self.rank)  # checks that it is less than the strides

    def _extents(self, who: str, spatial: tuple) -> tuple:
        return transposed_extents(
            who,
            self.padding,
            self.output_padding,
            spatial,
            self.kernel_size,
            self.strides,
            self.dilation_rate,
        )[0]

    def extents_of(self, spatial: tuple) -> tuple:
        return self._extents(self.name, spatial)

    def add_kernels(self, channels: int) -> None:
        shape = (*self.kernel_size, self.filters, channels)
        self.kernel = self.add_parameter("kernel", "kernel", shape)

    def filters_of(self, channels: int) -> int:
        return self.filters

    def convolve(self, inputs: Tensor, activation: str) -> Tensor:
        places = (self.strides, self.padding, self.output_padding, self.data_format)
        return conv_transpose(
            inputs,
            self.kernel,
            *places,
            self.dilation_rate,
            bias=self.bias,
            activation=activation,
        )


class Conv1DTranspose(ConvTranspose):
    __doc__ = ConvTranspose.__doc__
    rank = 1


class Conv2DTranspose(ConvTranspose):
    __doc__ = ConvTranspose.__doc__
    rank = 2


class Conv3DTranspose(ConvTranspose):
    __doc__ = ConvTranspose.__doc__
    rank = 3

    def __init__(  # Keras's order here
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        *args: Any,
        **kwargs: Any,
    ):
        first = (filters, kernel_size, strides, padding, output_padding, data_format)
        super().__init__(*first, *args, **kwargs)
