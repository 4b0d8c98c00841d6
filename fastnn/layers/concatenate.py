"""Concatenate: inputs joined along an axis."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor


class Concatenate(Layer):
    """Joins a list of inputs along ``axis``; their other axes agree.

    >>> import numpy as np
    >>> Concatenate()([np.ones((2, 3)), np.ones((2, 4))]).shape
    (2, 7)
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Tensor:
        return ops.concatenate(inputs, self.axis)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        several = isinstance(input_shape, (list, tuple)) and all(
            isinstance(shape, (list, tuple)) for shape in input_shape
        )
        if not several or not input_shape:
            raise ValueError(f"{self.name}: a list of inputs is needed, got shape {input_shape}")
        rank = len(input_shape[0])
        if any(len(shape) != rank for shape in input_shape) or not -rank <= self.axis < rank:
            raise ValueError(
                f"{self.name}: inputs of one rank with an axis {self.axis} are needed, "
                f"got shapes {input_shape}"
            )
        axis = self.axis % rank
        result = list(input_shape[0])
        for shape in input_shape[1:]:
            for i, n in enumerate(shape):
                if i == axis:
                    result[i] = None if None in (n, result[i]) else n + result[i]
                elif n is not None and result[i] not in (n, None):
                    raise ValueError(
                        f"{self.name}: the inputs' shapes differ outside axis {self.axis}: "
                        f"{input_shape}"
                    )
                elif result[i] is None:
                    result[i] = n
        return tuple(result)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        if previous_mask is None or all(mask is None for mask in previous_mask):
            return None
        parts = []
        for x, mask in zip(inputs, previous_mask):
            if mask is None:
                parts.append(ops.ones(x.shape, "bool"))
                continue
            while mask.ndim < x.ndim:
                mask = ops.expand_dims(mask, -1)
            parts.append(ops.broadcast_to(mask, x.shape))
        return ops.any(ops.concatenate(parts, self.axis), axis=-1)

    def get_config(self) -> dict:
        return {**super().get_config(), "axis": self.axis}


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Concatenate(axis, **kwargs)(inputs)."""
    return Concatenate(axis, **kwargs)(inputs)
