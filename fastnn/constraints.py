"""Where weights are put back to after each update, with Keras 3's names and defaults.

A constraint is a function of a variable that returns its new value: an object from here, or any
other. Norms are taken over ``axis``: 0 for a Dense kernel [inputs, units], whose columns are the
weights of a unit; (0, 1, 2) for a kernel [rows, columns, inputs, filters].

>>> max_norm(1.0)([[3.0], [4.0]]).numpy().round(3).tolist()
[[0.6000000238418579], [0.800000011920929]]
"""

from __future__ import annotations

from typing import Any

from fastnn import config, ops
from fastnn.ops.core import as_float
from fastnn.tensor import Tensor
from fastnn.utils.identifiers import known_names, resolve
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object
from fastnn.utils.tracking import Configured


class Constraint(Configured):
    """Base class: ``constraint(w)`` returns a tensor like w; this one w itself."""

    def __call__(self, w: Any) -> Any:
        return w

    def get_config(self) -> dict:
        """The arguments to make an equal constraint with."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Constraint:
        """A constraint from ``get_config``'s dictionary."""
        return cls(**config)


class MaxNorm(Constraint):
    """Scales w down where its norm is above ``max_value`` (Srebro & Shraibman, 2005).

    Args:
        max_value: the largest norm.
        axis: of the norms; an integer or several.
    """

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = as_float(w, "MaxNorm: w")
        norms = _norms(w, self.axis)
        return _scaled(w, ops.minimum(norms, self.max_value), norms)

    def get_config(self) -> dict:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """max(w, 0).

    >>> NonNeg()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Any) -> Tensor:
        return ops.maximum(w, 0.0)


class UnitNorm(Constraint):
    """Scales w to norm 1.

    Args:
        axis: of the norms; an integer or several.
    """

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = as_float(w, "UnitNorm: w")
        return w / (_norms(w, self.axis) + config.epsilon())

    def get_config(self) -> dict:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Scales w to a norm between two bounds, or part of the way there.

    Args:
        min_value, max_value: the bounds.
        rate: the part of the way that an update goes; 1 is all of it.
        axis: of the norms; an integer or several.
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = as_float(w, "MinMaxNorm: w")
        norms = _norms(w, self.axis)
        inside = ops.clip(norms, self.min_value, self.max_value)
        return _scaled(w, inside * self.rate + norms * (1 - self.rate), norms)

    def get_config(self) -> dict:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm


def _norms(w: Tensor, axis: Any) -> Tensor:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


def _scaled(w: Tensor, wanted: Tensor, norms: Tensor) -> Tensor:
    """w with norms as wanted; zeros stay."""
    return w * (wanted / (norms + config.epsilon()))


_KNOWN = known_names([MaxNorm, NonNeg, UnitNorm, MinMaxNorm])


def get(identifier: Any) -> Any:
    """A constraint from a name, class, object, function, configuration or None.

    Raises:
        ValueError: unknown name; the message lists the known ones.
        TypeError: something that is no constraint.

    >>> get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return resolve(identifier, _KNOWN, "constraint")


serialize = serialize_keras_object
deserialize = deserialize_keras_object
