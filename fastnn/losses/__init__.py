"""Losses by Keras's names, as functions (a value per sample) and as classes (one number)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from fastnn.losses.ctc import CTC, ctc
from fastnn.losses.loss import Loss, LossFunctionWrapper
from fastnn.losses.regression import (
    MeanAbsoluteError,
    MeanSquaredError,
    mean_absolute_error,
    mean_squared_error,
)
from fastnn.utils.identifiers import known_names, resolve
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "ctc",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]

_known = known_names(
    [
        CTC,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        MeanAbsoluteError,
        MeanSquaredError,
        SparseCategoricalCrossentropy,
    ],
    {
        "mean_squared_error": mean_squared_error,
        "mse": mean_squared_error,
        "mean_absolute_error": mean_absolute_error,
        "mae": mean_absolute_error,
        "categorical_crossentropy": categorical_crossentropy,
        "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
        "binary_crossentropy": binary_crossentropy,
        "bce": binary_crossentropy,
        "ctc": ctc,
    },
)


def get(identifier: Any) -> Loss | Callable | None:
    """The loss meant by a name, a class, a configuration, a function or itself.

    Names in snake case give the function, names of classes an object.

    Raises:
        ValueError: an unknown name; the message lists the known ones.
        TypeError: something that is not a loss.

    >>> import fastnn as fn
    >>> fn.losses.get("mse") is fn.losses.mean_squared_error
    True
    """
    return resolve(identifier, _known, "loss")


def serialize(loss: Loss | Callable) -> Any:
    """Its configuration as plain values: `{"class_name": ..., "config": ...}`."""
    return serialize_keras_object(loss)


def deserialize(config: Any, custom_objects: dict | None = None) -> Loss | Callable:
    """The inverse of `serialize`."""
    return deserialize_keras_object(config, custom_objects)
