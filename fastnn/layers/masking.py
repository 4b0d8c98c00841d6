"""Masking: tells later layers which time steps hold no data."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers import masks
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor


class Masking(Layer):
    """Masks the time steps all of whose features are `mask_value`, and makes them zeros.

    Input and output [batch, steps, ..., features]; mask [batch, steps, ...].

    Args:
        mask_value: a number.

    >>> import numpy as np
    >>> Masking(9.0)(np.array([[[9.0, 9.0], [9.0, 1.0]]])).tolist()
    [[[0.0, 0.0], [9.0, 1.0]]]
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        masks.state.in_use = True
        self._finish_build((), {})

    def call(self, inputs: Tensor) -> Tensor:
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(kept, inputs, 0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Which time steps have another feature than `mask_value`."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "mask_value": self.mask_value}
