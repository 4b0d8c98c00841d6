"""Callbacks that set the optimizer's learning rate, and put it into the logs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.callbacks.callback import Callback
from fastnn.callbacks.monitor import Monitor


def _rate(callback: Callback) -> float:
    return float(callback.model.optimizer.learning_rate)


def _set_rate(callback: Callback, rate: float) -> None:
    """The rate is in an array that the recorded step reads: the next step uses the new one."""
    try:
        callback.model.optimizer.learning_rate = rate
    except TypeError as error:
        raise TypeError(f"{type(callback).__name__}: {error}") from error


def _takes_two(function: Callable) -> bool:
    """Whether a function can be called with two arguments, as far as it tells."""
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # some written in C do not tell
        return True
    return True


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch; the logs get it as "learning_rate".

    Args:
        schedule: a function of the epoch, counted from 0, and the rate so far (or of the epoch
            alone) that returns the new rate, a float.
        verbose: 1 prints it.

    Raises:
        TypeError: `schedule` is not a function; in training: the optimizer has a schedule itself.
        ValueError: in training: `schedule` returned something else than a float.

    >>> import fastnn as fn, numpy as np
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile(fn.optimizers.SGD(0.1), "mse")
    >>> halve = fn.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> x, y = np.ones((4, 2)), np.ones((4, 1))
    >>> model.fit(x, y, epochs=3, verbose=0, callbacks=[halve]).history["learning_rate"]
    [0.1, 0.05, 0.025]
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0):
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: schedule must be a function, got {schedule!r}")
        self.schedule = schedule
        self._with_rate = _takes_two(schedule)
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        rate = self.schedule(epoch, _rate(self)) if self._with_rate else self.schedule(epoch)
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(
                f"LearningRateScheduler: schedule must return a float, got {rate!r} for epoch "
                f"{epoch}"
            )
        _set_rate(self, float(rate))
        if self.verbose:
            print(f"LearningRateScheduler: epoch {epoch + 1} has learning rate {rate}")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = _rate(self)


class ReduceLROnPlateau(Monitor):
    """Lowers the learning rate when a figure has not improved for some epochs; the logs get the
    rate of each epoch as "learning_rate".

    Args:
        monitor: the figure's name in the logs.
        factor: what the rate is multiplied by, below 1.
        patience: how many epochs without improvement lower it.
        verbose: 1 prints the new rate.
        mode: "min", "max", or "auto": by the metric.
        min_delta: what a change must exceed to be an improvement.
        cooldown: how many epochs after a reduction do not count.
        min_lr: the lowest rate.

    Raises:
        ValueError: a factor of 1 or more; in training: "auto" cannot tell the direction.
        TypeError: in training: the optimizer has a schedule of its own.

    >>> import fastnn as fn, numpy as np
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile(fn.optimizers.SGD(0.001), "mse")
    >>> reduce = fn.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=100)
    >>> x, y = np.ones((4, 2)), np.ones((4, 1))
    >>> model.fit(x, y, epochs=4, verbose=0, callbacks=[reduce]).history["learning_rate"]
    [0.001, 0.001, 0.001, 0.0005]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, got {factor}")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._start()

    def _start(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._start()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = _rate(self)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        before = _rate(self)
        if np.float32(before) <= np.float32(self.min_lr):  # Keras's rates are float32
            return
        rate = max(before * self.factor, self.min_lr)
        _set_rate(self, rate)
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            print(f"ReduceLROnPlateau: learning rate {rate} after epoch {epoch + 1}")

    def in_cooldown(self) -> bool:
        """Whether epochs do not count at the moment."""
        return self.cooldown_counter > 0
