"""Dot: sums of products of two inputs, example by example."""

from __future__ import annotations

from operator import index
from typing import Any

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor


class Dot(Layer):
    """Sums the products of two inputs over an axis of each, for each example of the batch.

    Inputs [batch, a.., n, b..] and [batch, c.., n, d..] give [batch, a.., b.., c.., d..]; two
    inputs [batch, n] give [batch, 1].

    Args:
        axes: the axis that is summed over, or a pair of them; not 0, which is the batch.
        normalize: whether the inputs are first divided by their length along it: the result is
            the cosine of their angle.

    >>> import numpy as np
    >>> Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[11.0]]
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = list(axes) if isinstance(axes, (tuple, list)) else [axes, axes]
        if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ValueError(
                f"{self.name}: axes must be an integer or a pair of them, got {axes!r}"
            )
        self.axes = axes
        self.normalize = normalize
        self.supports_masking = True

    def _axes(self, shapes: Any) -> list[int]:
        """The axis of each input, from the front; ValueError if the shapes do not fit."""
        several = isinstance(shapes, (list, tuple)) and all(
            isinstance(shape, (list, tuple)) for shape in shapes
        )
        if not several or len(shapes) != 2:
            raise ValueError(f"{self.name}: a list of two inputs is needed, got shape {shapes}")
        pair = self.axes if isinstance(self.axes, (tuple, list)) else (self.axes, self.axes)
        axes = []
        for axis, shape in zip(map(index, pair), shapes):
            if not -len(shape) < axis < len(shape) or axis == 0:
                raise ValueError(
                    f"{self.name}: axis {axis} is not one behind the batch of an input of shape "
                    f"{tuple(shape)}"
                )
            axes.append(axis % len(shape))
        first, second = (shape[axis] for axis, shape in zip(axes, shapes))
        if first is not None and second is not None and first != second:
            raise ValueError(
                f"{self.name}: the inputs' shapes {tuple(shapes[0])} and {tuple(shapes[1])} differ "
                f"along the axes {tuple(axes)} that are summed over"
            )
        return axes

    def build(self, input_shape: Any) -> None:
        self._axes(input_shape)

    def call(self, inputs: Any) -> Tensor:
        axes = self._axes([x.shape for x in inputs])
        if self.normalize:
            inputs = [ops.normalize(x, axis=axis) for x, axis in zip(inputs, axes)]
        first, second = (ops.moveaxis(x, axis, -1) for x, axis in zip(inputs, axes))
        batch, size = first.shape[0], first.shape[-1]
        rows = ops.reshape(first, (batch, -1, size))
        columns = ops.swapaxes(ops.reshape(second, (batch, -1, size)), 1, 2)
        shape = (batch, *first.shape[1:-1], *second.shape[1:-1])
        return ops.reshape(ops.matmul(rows, columns), shape if len(shape) > 1 else (batch, 1))

    def compute_output_shape(self, input_shape: Any) -> tuple:
        axes = self._axes(input_shape)
        rest = [
            n
            for axis, shape in zip(axes, input_shape)
            for i, n in enumerate(shape)
            if i not in (0, axis)
        ]
        return (input_shape[0][0], *(rest or [1]))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        return None

    def get_config(self) -> dict:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Dot(axes, **kwargs)(inputs)."""
    return Dot(axes, **kwargs)(inputs)
