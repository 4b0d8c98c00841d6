"""Penalties on weights or outputs that are added to the loss, with Keras 3's names and defaults.

A regularizer is a function of a tensor that returns a scalar: an object from here, or any other.

>>> l2(0.5)([1.0, 2.0]).item()
2.5
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn import ops
from fastnn.ops.core import as_float
from fastnn.tensor import Tensor
from fastnn.utils.identifiers import known_names, resolve
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object
from fastnn.utils.tracking import Configured


class Regularizer(Configured):
    """Base class: ``regularizer(x)`` returns a scalar Tensor."""

    def __call__(self, x: Any) -> Any:
        return 0.0

    def get_config(self) -> dict:
        """The arguments to make an equal regularizer with."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_config")

    @classmethod
    def from_config(cls, config: dict) -> Regularizer:
        """A regularizer from ``get_config``'s dictionary."""
        return cls(**config)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x²).

    Args:
        l1, l2: the factors, not negative; None is 0.

    >>> L1L2(l1=0.5, l2=2.0)([-1.0, 2.0]).item()
    11.5
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0):
        self.l1 = _factor("L1L2: l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("L1L2: l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Tensor:
        x = as_float(x, "L1L2: x")
        parts = []
        if self.l1:
            parts.append(_magnitudes(x) * self.l1)
        if self.l2:
            parts.append(_squares(x) * self.l2)
        return sum(parts) if parts else ops.zeros((), x.dtype)

    def get_config(self) -> dict:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(|x|), which drives weights to zero (Tibshirani, 1996).

    Args:
        l1: the factor, not negative.

    >>> L1(0.5)([-1.0, 2.0]).item()
    1.5
    """

    def __init__(self, l1: float | None = 0.01):
        self.l1 = _factor("L1: l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Any) -> Tensor:
        return _magnitudes(as_float(x, "L1: x")) * self.l1

    def get_config(self) -> dict:
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x²), which keeps weights small.

    Weight decay is often written `w <- 0.99 w - rate * g`. The gradient of this penalty is
    `2 l2 w`, so that `SGD` without momentum does that where `2 * l2 * rate` is 0.01. Optimizers
    that rescale gradients rescale this one too; their `weight_decay` acts on the weights
    themselves: see `fastnn.optimizers.Optimizer`.

    Args:
        l2: the factor, not negative.

    >>> L2(0.5)([-1.0, 2.0]).item()
    2.5
    """

    def __init__(self, l2: float | None = 0.01):
        self.l2 = _factor("L2: l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Any) -> Tensor:
        return _squares(as_float(x, "L2: x")) * self.l2

    def get_config(self) -> dict:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor times the mean of |cosine| over all pairs of rows (or columns) of a matrix.

    Args:
        factor: not negative.
        mode: "rows" or "columns".

    Raises:
        ValueError: called on anything but a matrix.

    >>> OrthogonalRegularizer(2.0)([[1.0, 0.0], [3.0, 4.0]]).item()
    1.2000000476837158
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        self.factor = _factor("OrthogonalRegularizer: factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(
                f"OrthogonalRegularizer: mode must be 'rows' or 'columns', got {mode!r}"
            )
        self.mode = mode

    def __call__(self, x: Any) -> Tensor:
        x = as_float(x, "OrthogonalRegularizer: x")
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer: x must be a matrix, its shape is {x.shape}")
        rows = x if self.mode == "rows" else ops.transpose(x)
        rows = ops.normalize(rows, axis=1)
        count = rows.shape[0]
        cosines = ops.matmul(rows, ops.transpose(rows)) * (1.0 - ops.eye(count, dtype=x.dtype))
        pairs = max(count * (count - 1) / 2, 1.0)  # a single row has none: 0, where Keras has NaN
        return _magnitudes(cosines) * (0.5 * self.factor / pairs)

    def get_config(self) -> dict:
        return {"factor": self.factor, "mode": self.mode}


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer


def _magnitudes(x: Tensor) -> Tensor:
    return ops.sum(ops.absolute(x))


def _squares(x: Tensor) -> Tensor:
    return ops.sum(ops.square(x))


def _factor(what: str, value: Any) -> float:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} must be a number that is not negative, got {value!r}")
    return float(value)


_KNOWN = known_names([L1, L2, L1L2, OrthogonalRegularizer], {"l1_l2": L1L2})


def get(identifier: Any) -> Any:
    """A regularizer from a name, class, object, function, configuration or None.

    Raises:
        ValueError: unknown name; the message lists the known ones.
        TypeError: something that is no regularizer.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    return resolve(identifier, _KNOWN, "regularizer")


serialize = serialize_keras_object
deserialize = deserialize_keras_object
