"""Callbacks: functions that fit, evaluate and predict call on their way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Callback:
    """Override the hooks that matter; `fit` calls no other.

    `self.model` is the model, `self.params` holds "epochs", "steps" and "verbose". Logs are
    dictionaries of Python floats: those of a batch hold the means since the epoch began. They are
    made only when some callback has a batch hook.

    >>> import fastnn as fn
    >>> class Stop(fn.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.model.stop_training = logs["loss"] < 0.1
    """

    def __init__(self) -> None:
        self.params: dict = {}
        self.model: Any = None

    def set_params(self, params: dict) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """After the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """After an epoch and its validation. What is added to `logs` reaches the callbacks that
        follow, and the history."""

    def on_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Before a training step; batches are counted from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """After a training step."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Before an evaluation, those inside `fit` too."""

    def on_test_end(self, logs: dict | None = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: dict | None = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """After a batch of a prediction; logs holds "outputs"."""

    def _on_error(self) -> None:
        """When `fit`, `evaluate` or `predict` ends with an exception, which may be a callback's:
        the place to undo what would have been undone in a later hook."""


_ALSO = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def has_hook(callback: Any, name: str) -> bool:
    """Whether a callback does something at a hook."""
    for hook in (name, _ALSO.get(name, name)):
        own = getattr(callback, hook, None)
        if own is not None and getattr(own, "__func__", own) is not getattr(Callback, hook):
            return True
    return False


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin, on_epoch_end: functions of (epoch, logs).
        on_train_begin, on_train_end: functions of logs.
        on_train_batch_begin, on_train_batch_end: functions of (batch, logs).
        hooks: those of the other hooks, by name.

    Raises:
        TypeError: a name that is not a hook, a value that is not a function.

    >>> import fastnn as fn
    >>> fn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    <LambdaCallback on_epoch_end>
    """

    def __init__(
        self,
        on_epoch_begin: Callable | None = None,
        on_epoch_end: Callable | None = None,
        on_train_begin: Callable | None = None,
        on_train_end: Callable | None = None,
        on_train_batch_begin: Callable | None = None,
        on_train_batch_end: Callable | None = None,
        **hooks: Callable | None,
    ):
        super().__init__()
        hooks |= {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in hooks.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback: {name!r} is not a hook")
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback: {name} must be a function, got {function!r}")
                setattr(self, name, function)

    def __repr__(self) -> str:
        hooks = [name for name in vars(self) if name.startswith("on_")]
        return f"<LambdaCallback {' '.join(hooks)}>"


class History(Callback):
    """What `fit` returns: `history` maps each figure to its values, one an epoch; `epoch` lists
    the epochs' numbers; `at` maps each figure to the epochs, counted from 1, that it has a value
    of (`validation_freq` leaves some out)."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list] = {}
        self.epoch: list[int] = []
        self.at: dict[str, list[int]] = {}
        self._ended = 0  # epochs, where a training that follows another one counts on

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch.append(epoch)
        self._ended = max(epoch, self._ended) + 1
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self.at.setdefault(name, []).append(self._ended)

    def plot(self, path: Any = None) -> Any:
        """Draws the loss and the metrics over the epochs, a panel each, with training and
        validation in it: `fn.plots.history`.

        Args:
            path: a file to write, whose name ends with the format: .png, .pdf, .svg ...

        Returns:
            The Drawing, which a notebook shows.

        Raises:
            ImportError: matplotlib (extra `demo`) is not installed.
            ValueError: nothing was trained; a format that matplotlib does not write.
            OSError: the file cannot be written.

        >>> import fastnn as fn, numpy as np
        >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0)
        >>> try:
        ...     drawing = history.plot("training.png")
        ... except ImportError:  # an extra package: pip install 'fastnn[demo]'
        ...     pass
        """
        from fastnn import plots

        drawing = plots.history(self)
        if path is not None:
            drawing.save(path)
        return drawing
