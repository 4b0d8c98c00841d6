"""Softmax: as a layer that takes a mask."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.ops.core import as_tensor
from fastnn.tensor import Tensor

_FAR_BELOW = -1e9  # exp of it is 0 beside any logit that counts


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along an axis, over the elements that a mask leaves.

    Call arguments: ``inputs`` of any shape, and ``mask``, booleans or numbers that broadcast to it:
    what is False, or at most 0.5, gets 0, also where a whole axis is.

    Args:
        axis: an axis, or several that are taken as one.

    Raises:
        ValueError: a mask that does not broadcast to the input.

    >>> import numpy as np
    >>> Softmax()(np.zeros((1, 3)), mask=np.array([True, True, False])).tolist()
    [[0.5, 0.5, 0.0]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self._finish_build((), {})

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        if mask is None:
            return ops.softmax(inputs, self.axis)
        mask = as_tensor(mask, None, f"{self.name}: mask")
        fits = zip(mask.shape[::-1], inputs.shape[::-1])
        if mask.ndim > inputs.ndim or any(m not in (1, n) for m, n in fits):
            raise ValueError(
                f"{self.name}: the mask's shape is {mask.shape}, expected one that broadcasts to "
                f"the input's, {inputs.shape}"
            )
        if mask.dtype != "bool":
            mask = ops.greater(mask, 0.5)
        y = ops.softmax(ops.where(mask, inputs, _FAR_BELOW), self.axis)
        return ops.where(mask, y, 0.0)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "axis": self.axis}
