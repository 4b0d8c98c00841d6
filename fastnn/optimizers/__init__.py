"""Optimizers by Keras's names."""

from __future__ import annotations

from typing import Any

from fastnn.optimizers import schedules
from fastnn.optimizers.adadelta import Adadelta
from fastnn.optimizers.adafactor import Adafactor
from fastnn.optimizers.adagrad import Adagrad
from fastnn.optimizers.adam import Adam, Adamax, AdamW, Nadam
from fastnn.optimizers.adasecant import AdaSecant
from fastnn.optimizers.ftrl import Ftrl
from fastnn.optimizers.lamb import Lamb
from fastnn.optimizers.lion import Lion
from fastnn.optimizers.loss_scale import LossScaleOptimizer
from fastnn.optimizers.multi import MultiOptimizer, OptimizerMap
from fastnn.optimizers.muon import Muon
from fastnn.optimizers.optimizer import Optimizer
from fastnn.optimizers.rmsprop import RMSprop
from fastnn.optimizers.schedule_free import ScheduleFreeAdamW
from fastnn.optimizers.sgd import SGD
from fastnn.optimizers.vsgd import VSGD
from fastnn.utils.identifiers import known_names, resolve
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "SGD",
    "VSGD",
    "AdaSecant",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_classes = [
    AdaSecant,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Adamax,
    Ftrl,
    Lamb,
    Lion,
    Muon,
    Nadam,
    RMSprop,
    SGD,
    ScheduleFreeAdamW,
    VSGD,
]
_known = known_names(_classes, {cls.__name__.lower(): cls for cls in _classes})


def get(identifier: Any) -> Optimizer | None:
    """The optimizer meant by a name, a class, a configuration or itself.

    Raises:
        ValueError: an unknown name; the message lists the known ones and suggests the nearest.
        TypeError: something that is not an optimizer.

    >>> import fastnn as fn
    >>> fn.optimizers.get("adam").rule
    'adam'
    """
    optimizer = resolve(identifier, _known, "optimizer")
    if optimizer is not None and not hasattr(optimizer, "apply"):
        raise TypeError(f"optimizer: expected an optimizer or its name, got {identifier!r}")
    return optimizer


def serialize(optimizer: Optimizer) -> dict:
    """`{"class_name": ..., "config": ...}`, without the state."""
    return serialize_keras_object(optimizer)


def deserialize(config: dict, custom_objects: dict | None = None) -> Optimizer:
    """The inverse of `serialize`."""
    return deserialize_keras_object(config, custom_objects)
