"""Rescaling: numbers in another unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import config, ops
from fastnn.layers.layer import Layer
from fastnn.layers.sizes import numbers
from fastnn.tensor import Tensor


class Rescaling(Layer):
    """inputs * scale + offset, in the layer's dtype.

    ``Rescaling(1 / 255)`` brings bytes to 0 to 1, ``Rescaling(1 / 127.5, -1)`` to -1 to 1.

    Args:
        scale, offset: numbers, or lists that broadcast to the input's last axes; where images have
            their channels first, lists of one number a channel.

    Raises:
        ValueError: one of them holds no numbers.

    >>> import numpy as np
    >>> Rescaling(1 / 2, -1)(np.array([0, 1, 4], np.uint8)).tolist()
    [-1.0, -0.5, 1.0]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = _numbers("scale", scale)
        self.offset = _numbers("offset", offset)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        scale, offset = (
            ops.cast(_by_channel(n), self.compute_dtype) for n in (self.scale, self.offset)
        )
        return ops.cast(inputs, self.compute_dtype) * scale + offset

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


def _by_channel(value: Any) -> np.ndarray:
    """Numbers as the configured place of channels asks for."""
    array = np.asarray(value)
    if array.ndim == 0 or config.image_data_format() == "channels_last":
        return array
    return array.reshape(array.shape + (1,) * (3 - array.ndim))


def _numbers(name: str, value: Any) -> Any:
    """A number, or a list of them (of lists ...) as configurations hold it."""
    array = numbers(f"Rescaling: {name}", value).astype(np.float64)
    return value if isinstance(value, (int, float)) else array.tolist()
