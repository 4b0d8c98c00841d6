"""Where a model computes: where its weights lie, whatever device its thread makes tensors on.

Home is where its first weight lies; what lies elsewhere, and states of dropout, optimizer and
metrics, move there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from fastnn import _core
from fastnn.backends import devices
from fastnn.models.records import position_of
from fastnn.tensor import Variable, move


def home_of(model: Any) -> str:
    """The device of a model; of one without weights that on which its thread makes tensors."""
    weights = model.weights
    return weights[0].device if weights else _core.get_device()


def at_home(method: Callable) -> Callable:
    """The method of a Model, run on its device; what belongs to its training moves there."""

    @functools.wraps(method)
    def run(model: Any, *args: Any, **kwargs: Any) -> Any:
        if not _core.devices_in_use():
            return method(model, *args, **kwargs)
        home = home_of(model)
        settle([*model.variables, *_of_training(model)], home)
        with devices.device(home):
            return method(model, *args, **kwargs)

    return run


def settle(variables: Iterable[Variable], device: str | None = None) -> None:
    """Moves variables to a device, the thread's if none is named."""
    for variable in variables:
        move(variable, device or _core.get_device())


def _of_training(model: Any) -> list:
    """The variables of metrics and optimizer, which may be older than the model, and where a pass
    over its data is."""
    if not model.compiled:
        return []
    found = [variable for metric in model.metrics for variable in metric.variables]
    found.append(position_of(model))
    return found + (model.optimizer.state_variables() if model.optimizer is not None else [])
