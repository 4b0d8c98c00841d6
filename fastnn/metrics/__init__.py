"""Metrics by Keras's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.losses import (
    Loss,
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from fastnn.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
)
from fastnn.metrics.from_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    function_of_loss,
)
from fastnn.metrics.metric import Mean, MeanMetricWrapper, Metric, Sum
from fastnn.utils.identifiers import known_names, resolve
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "Sum",
    "accuracy",
    "binary_accuracy",
    "binary_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
]

_known = known_names(
    [
        Accuracy,
        BinaryAccuracy,
        BinaryCrossentropy,
        CategoricalAccuracy,
        CategoricalCrossentropy,
        Mean,
        MeanAbsoluteError,
        MeanMetricWrapper,
        MeanSquaredError,
        RootMeanSquaredError,
        SparseCategoricalAccuracy,
        SparseCategoricalCrossentropy,
        Sum,
    ],
    {
        "mse": MeanSquaredError,
        "mae": MeanAbsoluteError,
        "rmse": RootMeanSquaredError,
        "bce": BinaryCrossentropy,
    },
)


def get(identifier: Any) -> Metric | Callable | None:
    """The metric meant by a name, a class, a configuration, a function or itself.

    Raises:
        ValueError: an unknown name; the message lists the known ones.
        TypeError: something that is not a metric.

    >>> import fastnn as fn
    >>> fn.metrics.get("mse")
    <MeanSquaredError mean_squared_error>
    """
    if isinstance(identifier, Loss):
        return function_of_loss(identifier)
    return resolve(identifier, _known, "metric")


def serialize(metric: Metric | Callable) -> Any:
    """Its configuration as plain values: `{"class_name": ..., "config": ...}`."""
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: dict | None = None) -> Metric | Callable:
    """The inverse of `serialize`."""
    return deserialize_keras_object(config, custom_objects)
