"""Layers whose weights have an initializer, a regularizer and a constraint among the arguments."""

from __future__ import annotations

from typing import Any

from fastnn import constraints, initializers, regularizers
from fastnn.layers.layer import Layer
from fastnn.utils.serialization import serialize_keras_object

_KINDS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def weight_arguments(arguments: dict) -> dict:
    """The initializers, regularizers and constraints of weights among a constructor's arguments."""
    return {
        name: value
        for name, value in arguments.items()
        if name.rsplit("_", 1)[-1] in _KINDS and name != "activity_regularizer"
    }


class Parameterized(Layer):
    """A layer with arguments such as kernel_initializer, kernel_regularizer, kernel_constraint.

    Args:
        weights: initializers, regularizers and constraints by the name of their argument.
    """

    def __init__(self, weights: dict, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in weights.items():
            setattr(self, name, _KINDS[name.rsplit("_", 1)[1]].get(value))
        self._weight_arguments = tuple(weights)

    def add_parameter(self, name: str, prefix: str, shape: tuple, **options: Any) -> Any:
        """A weight with the layer's arguments of this prefix; options instead of them."""
        arguments = {kind: getattr(self, f"{prefix}_{kind}") for kind in _KINDS}
        return self.add_weight(name=name, shape=shape, **(arguments | options))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            **{
                name: serialize_keras_object(getattr(self, name)) for name in self._weight_arguments
            },
        }
