"""The recorded steps of a model, which outlive the call of `fit` that made them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastnn import config
from fastnn.captured import Call, Captured
from fastnn.tensor import Variable


class EagerCall(partial):
    """The `Call` of a step that stays eager."""

    def repeat(self, times: int, seconds: float) -> tuple[Any, int]:
        return self(), 1


class RecordedStep(Captured):
    """A step of `fit`, `evaluate` or `predict`."""

    isolated = False  # the data set is among the arguments, and too large to be copied
    eager = False

    def bind(self, *args: Any, **kwargs: Any) -> Call:
        if self.eager:
            return EagerCall(self.function, *args, **kwargs)
        return super().bind(*args, **kwargs)


class Records:
    """What a model keeps: its steps by kind, and where a pass over its data is."""

    def __init__(self) -> None:
        self.steps: dict[str, tuple[int, RecordedStep]] = {}
        self.position = Variable([0], dtype="int64", trainable=False, name="position")

    def __reduce__(self) -> tuple:  # a copy of the model starts without them
        return Records, ()


def recorded(model: Any, kind: str, make: Callable[[Any], Callable]) -> RecordedStep:
    """The step of a kind; `make(model)` is its function under the present settings."""
    steps = _records(model).steps
    version, step = steps.get(kind, (None, None))
    if step is None or version != config.version:
        function = make(model)
        if step is None:
            step = RecordedStep(function, f"{model.name}: {kind}")
        step.function, step.eager = function, model.run_eagerly
        steps[kind] = (config.version, step)
    return step


def position_of(model: Any) -> Variable:
    """How many samples of a shuffled pass were gathered, [1]."""
    return _records(model).position


def _records(model: Any) -> Records:
    own = vars(model)
    if "_records" not in own:
        own["_records"] = Records()
    return own["_records"]
