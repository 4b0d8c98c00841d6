"""What layers of images share: a batch or one image, channels last or first."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.ops.windows import channels_back, channels_last, data_format_of
from fastnn.tensor import Tensor


class ImageLayer(Layer):
    """Base class of layers whose input is images.

    Input: [batch, height, width, channels] or one image, [height, width, channels]; with
    data_format "channels_first" the channels come before the height. Whatever the input's dtype,
    the output has the layer's.

    Args:
        data_format: "channels_last" or "channels_first"; Keras's setting if None.

    Raises:
        ValueError: another data_format; an input without 3 or 4 axes.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format_of(type(self).__name__, data_format)

    def _check(self, shape: tuple) -> None:
        if len(shape) not in (3, 4):
            raise ValueError(
                f"{self.name}: the input must have 3 or 4 axes, its shape is {tuple(shape)}"
            )

    def _batch(self, inputs: Tensor) -> Tensor:
        """The input as [batch, height, width, channels] in the layer's dtype."""
        self._check(inputs.shape)
        x = ops.cast(inputs, self.compute_dtype)
        return channels_last(x if x.ndim == 4 else x[None], self.data_format)

    def _result(self, batch: Tensor, inputs: Tensor) -> Tensor:
        """A batch as ``_batch`` makes it, laid out as the input was."""
        y = channels_back(batch, self.data_format)
        return y if inputs.ndim == 4 else y[0]

    def get_config(self) -> dict:
        return {**super().get_config(), "data_format": self.data_format}
