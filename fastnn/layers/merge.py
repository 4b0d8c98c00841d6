"""Layers that merge several inputs element by element."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor


class Merge(Layer):
    """Base class: combines a list of two or more inputs whose shapes broadcast.

    Batch axes agree. The output is masked where all inputs are, if all inputs have masks.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def _combine(self, x1: Tensor, x2: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no _combine method")

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Tensor:
        result = inputs[0]
        for x in inputs[1:]:
            result = self._combine(result, x)
        return result

    def compute_output_shape(self, input_shape: Any) -> tuple:
        several = isinstance(input_shape, (list, tuple)) and all(
            isinstance(shape, (list, tuple)) for shape in input_shape
        )
        if not several or not input_shape:
            raise ValueError(f"{self.name}: a list of inputs is needed, got shape {input_shape}")
        batch = {shape[0] for shape in input_shape if shape and shape[0] is not None}
        if len(batch) > 1:
            raise ValueError(f"{self.name}: the inputs' batch sizes differ: {input_shape}")
        result = tuple(input_shape[0])
        for shape in input_shape[1:]:
            result = self._broadcast(result, tuple(shape), input_shape)
        return result

    def _broadcast(self, a: tuple, b: tuple, shapes: Any) -> tuple:
        rank = max(len(a), len(b))
        a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
        extents = []
        for m, n in zip(a, b):
            if m is not None and n is not None and 1 not in (m, n) and m != n:
                raise ValueError(f"{self.name}: the inputs' shapes do not broadcast: {shapes}")
            extents.append(n if m == 1 or (m is None and n != 1) else m)
        return tuple(extents)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        given = [mask for mask in previous_mask or () if mask is not None]
        if not given or len(given) < len(inputs):
            return None
        result = given[0]
        for mask in given[1:]:
            result = ops.logical_or(result, mask)
        return result


def _aligned(mask: Tensor, x: Tensor) -> Tensor:
    """A mask of x's leading axes as it broadcasts against x."""
    return ops.reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))


class Add(Merge):
    """The sum of a list of inputs.

    >>> import numpy as np
    >>> Add()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
    [[2.0, 2.0]]
    """

    _combine = staticmethod(ops.add)


class Subtract(Merge):
    """The first of two inputs minus the second."""

    _combine = staticmethod(ops.subtract)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"{self.name}: two inputs are needed, got {len(input_shape)}")


class Multiply(Merge):
    """The product of a list of inputs; masked elements count as 1, and as 0 where all inputs are
    masked."""

    _combine = staticmethod(ops.multiply)

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        given = [None if m is None else _aligned(m, x) for m, x in zip(mask, inputs)]
        y = super().call([x if m is None else ops.where(m, x, 1) for m, x in zip(given, inputs)])
        every = Merge.compute_mask(self, inputs, given)
        return y if every is None else ops.where(every, y, 0)


class _Extreme(Merge):
    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        result, so_far = inputs[0], mask[0]
        for x, own in zip(inputs[1:], mask[1:]):
            if own is not None:
                x = ops.where(_aligned(own, x), x, result)
            if so_far is not None:
                result = ops.where(_aligned(so_far, x), result, x)
            result = self._combine(result, x)
            both = own is not None and so_far is not None
            so_far = ops.logical_or(own, so_far) if both else None
        return result


class Maximum(_Extreme):
    """The largest of a list of inputs; masked elements do not count."""

    _combine = staticmethod(ops.maximum)


class Minimum(_Extreme):
    """The smallest of a list of inputs; masked elements do not count."""

    _combine = staticmethod(ops.minimum)


class Average(Add):
    """The mean of a list of inputs."""

    def call(self, inputs: Any) -> Tensor:
        return ops.divide(super().call(inputs), float(len(inputs)))


def add(inputs: Any, **kwargs: Any) -> Any:
    """Add(**kwargs)(inputs); likewise the functions below."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first of two inputs minus the second."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of a list of inputs."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of a list of inputs."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of a list of inputs."""
    return Minimum(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of a list of inputs."""
    return Average(**kwargs)(inputs)
