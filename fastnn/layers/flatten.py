"""Flatten: all axes but the batch's in one."""

from __future__ import annotations

import math
from typing import Any

from fastnn import config, ops
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor


class Flatten(Layer):
    """[batch, ...] to [batch, product]; [batch] to [batch, 1].

    Args:
        data_format: "channels_first" inputs are brought to channels_last order before.

    >>> import numpy as np
    >>> Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format or config.image_data_format()
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(
                f"Flatten: data_format is {data_format!r}, not channels_last or _first"
            )

    def call(self, inputs: Tensor) -> Tensor:
        rank = inputs.ndim
        if self.data_format == "channels_first" and rank > 2:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))

    def get_config(self) -> dict:
        return {**super().get_config(), "data_format": self.data_format}
