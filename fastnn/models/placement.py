"""Where a model computes: where its weights lie, whatever device its thread makes tensors on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fastnn import _core
from fastnn.backends import devices
from fastnn.tensor import move


def at_home(method: Callable) -> Callable:
    """The method of a Model, run on the model's device; what belongs to its training moves there.

    A model without weights is at home where its thread makes tensors.
    """

    @functools.wraps(method)
    def run(model: Any, *args: Any, **kwargs: Any) -> Any:
        if not devices.in_use():
            return method(model, *args, **kwargs)
        variables = model.variables
        home = variables[0].device if variables else _core.get_device()
        for variable in _of_training(model):
            move(variable, home)
        with devices.device(home):
            return method(model, *args, **kwargs)

    return run


def _of_training(model: Any) -> list:
    """The variables of metrics and optimizer, which may be older than the model."""
    if not model.compiled:
        return []
    found = [variable for metric in model.metrics for variable in metric.variables]
    return found + (model.optimizer.state_variables() if model.optimizer is not None else [])
