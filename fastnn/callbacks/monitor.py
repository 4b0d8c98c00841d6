"""What callbacks that wait for a figure to improve share."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastnn.callbacks.callback import Callback
from fastnn.utils.serialization import nearest


class Monitor(Callback):
    """Reads one figure of the logs and knows which of two values is the better one.

    Args:
        monitor: the figure's name in the logs.
        mode: "min", "max", or "auto": the loss and errors are to fall, accuracies to rise.
        min_delta: what a change must exceed to be an improvement.
    """

    def __init__(self, monitor: str, mode: str, best: float | None = None, min_delta: float = 0.0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: mode must be 'auto', 'min' or 'max', got {mode!r}; "
                "'auto' is used",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = best
        self.min_delta = abs(min_delta)
        self._sign = {"min": -1, "max": 1}.get(mode, 0)  # 0: to be found out

    def get_monitor_value(self, logs: dict | None) -> Any:
        """The figure, or None with a warning."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            near = nearest(self.monitor, logs or ())
            warnings.warn(
                f"{type(self).__name__}: the logs have no {self.monitor!r}; they have: "
                f"{', '.join(logs or ())}{f'; did you mean {near!r}?' if near else ''}",
                stacklevel=2,
            )
        return value

    def _is_improvement(self, current: Any, reference: Any) -> bool:
        """Whether a value is better than another by more than `min_delta`; than None, always.

        As in Keras the last comparison is of float32: digits beyond it decide nothing.
        """
        sign = self._sign = self._sign or self._direction()
        if reference is None:
            return True
        with np.errstate(over="ignore"):
            change = np.float32(current - sign * self.min_delta), np.float32(reference)
        return bool(change[0] > change[1] if sign > 0 else change[0] < change[1])

    def _direction(self) -> int:
        """1 if the figure is to rise, -1 if it is to fall. Asked for late: what "accuracy" means
        is known only when a model has seen data."""
        name = self.monitor.removeprefix("val_")
        known = [(m.name, m) for m in self.model.metrics] + self.model._named_metrics()
        found = {label: getattr(metric, "_direction", None) for label, metric in known}
        direction = "down" if name == "loss" else found.get(name)
        if direction is None:
            raise ValueError(
                f"{type(self).__name__}: mode='auto' cannot tell whether {self.monitor!r} is to "
                "rise or to fall; pass mode='max' or mode='min'"
            )
        return 1 if direction == "up" else -1
