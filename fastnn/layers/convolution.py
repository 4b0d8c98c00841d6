"""What convolution layers share: windows, weights by name, bias, activation, configuration."""

from __future__ import annotations

from typing import Any

from fastnn import activations
from fastnn.layers.input_spec import InputSpec
from fastnn.layers.parameters import Parameterized
from fastnn.ops.windows import data_format_of, output_extents, per_axis
from fastnn.tensor import Tensor
from fastnn.utils.serialization import serialize_keras_object


class Convolution(Parameterized):
    """A layer that slides windows over ``rank`` spatial axes.

    A subclass has ``rank``, names in ``kept`` what its configuration holds beside the arguments
    here, makes kernels in ``add_kernels`` and computes in ``convolve``.

    Args:
        kernel_size, strides, dilation_rate: an integer, or one a spatial axis.
        padding: "valid", "same", or another that the subclass allows.
        data_format: "channels_last" or "channels_first"; None: ``config.image_data_format()``.
        activation: a name or function; None for none.
        use_bias: whether a bias is added.
        weights: initializers, regularizers and constraints by the name of their argument.
    """

    rank: int
    kept: tuple = ()
    paddings: tuple = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        weights: dict,
        **kwargs: Any,
    ):
        super().__init__(weights, **kwargs)
        who = type(self).__name__
        self.kernel_size = per_axis(who, "kernel_size", kernel_size, self.rank)
        self.strides = per_axis(who, "strides", strides, self.rank)
        self.dilation_rate = per_axis(who, "dilation_rate", dilation_rate, self.rank)
        self.padding = padding.lower() if isinstance(padding, str) else padding
        if self.padding not in self.paddings:
            raise ValueError(
                f"{who}: padding is {padding!r}, expected one of {', '.join(self.paddings)}"
            )
        self.data_format = data_format_of(who, data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel: Any = None
        self.bias: Any = None

    def count(self, name: str, value: Any) -> int:
        """A positive integer, or a ValueError that names the argument."""
        (value,) = per_axis(type(self).__name__, name, value, 1)
        return value

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def channels_of(self, input_shape: tuple) -> int:
        """The channels of an input, whose shape must have the layer's axes."""
        if len(input_shape) != self.rank + 2:
            raise ValueError(
                f"{self.name}: the input must have {self.rank + 2} axes, its shape is "
                f"{tuple(input_shape)}"
            )
        channels = input_shape[self.channel_axis]
        if not channels:
            raise ValueError(
                f"{self.name}: the input must have a known number of channels, its shape is "
                f"{tuple(input_shape)}"
            )
        return channels

    def build(self, input_shape: tuple) -> None:
        channels = self.channels_of(input_shape)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})
        self.compute_output_shape(input_shape)
        self.add_kernels(channels)
        if self.use_bias:
            self.bias = self.add_parameter("bias", "bias", (self.filters_of(channels),))

    def add_kernels(self, channels: int) -> None:
        """Makes the kernels for this many channels."""
        raise NotImplementedError

    def filters_of(self, channels: int) -> int:
        """The channels of the result."""
        raise NotImplementedError

    def convolve(self, inputs: Tensor, activation: str) -> Tensor:
        """activation(convolution + bias)."""
        raise NotImplementedError

    def places(self) -> tuple:
        """strides, padding, data_format, dilation_rate: arguments of most functions."""
        return self.strides, self.padding, self.data_format, self.dilation_rate

    def call(self, inputs: Tensor) -> Tensor:
        fused = activations.FUSED.get(self.activation)
        if fused is None:
            return self.activation(self.convolve(inputs, "linear"))
        return self.convolve(inputs, fused)

    def extents_of(self, spatial: tuple) -> tuple:
        """The spatial shape of the result."""
        strides, padding, _, dilation = self.places()
        return output_extents(self.name, padding, spatial, self.kernel_size, strides, dilation)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        filters = self.filters_of(self.channels_of(input_shape))
        if self.data_format == "channels_last":
            return (input_shape[0], *self.extents_of(input_shape[1:-1]), filters)
        return (input_shape[0], filters, *self.extents_of(input_shape[2:]))

    def get_config(self) -> dict:
        own = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in (*self.kept, *own)},
            "activation": activations.serialize(self.activation),
            "activity_regularizer": serialize_keras_object(self.activity_regularizer),
        }
