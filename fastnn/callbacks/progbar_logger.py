"""Progress as a callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.callbacks.callback import Callback


class ProgbarLogger(Callback):
    """Shows what `fit`, `evaluate` and `predict` show by themselves, and in their place.

    There is no need for it but in loops of one's own: it has a hook after every batch, for which
    the figures must be ready, where `fit` reads them ten times a second. "verbose", "epochs" and
    "steps" come from the loop, as `CallbackList(..., verbose=1, epochs=2, steps=5)`.

    >>> import fastnn as fn
    >>> show = fn.callbacks.ProgbarLogger()
    >>> hooks = fn.callbacks.CallbackList([show], verbose=2, epochs=2, steps=1)
    >>> hooks.on_epoch_begin(0)
    Epoch 1/2
    >>> hooks.on_train_batch_end(0, {"loss": 0.25})
    >>> hooks.on_epoch_end(0, {"loss": 0.25})  # doctest: +ELLIPSIS
    1/1 - ... - loss: 0.2500
    """

    def __init__(self) -> None:
        super().__init__()
        self._in_fit = False
        self._display: Any = None
        self._tick: Callable[[int], None] | None = None
        self._logs: dict = {}
        self._seen = 0

    def _begin(self, epochs: int | None, epoch: int = 0) -> None:
        from fastnn.models.progress import make_display, ticker

        verbose = self.params.get("verbose", "auto")
        self._seen, self._logs = 0, {}
        self._display = make_display(verbose, epochs, self.params.get("steps"))
        self._tick = ticker(self._display, lambda: self._logs)
        if self._display is not None:
            self._display.epoch_begin(epoch)

    def _step(self, batch: int, logs: dict) -> None:
        self._seen, self._logs = batch + 1, logs
        if self._tick is not None:
            self._tick(self._seen)

    def _end(self, logs: dict | None) -> None:
        if self._display is not None:
            self._display.epoch_end(self._seen, logs or {})

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: dict | None = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._begin(self.params.get("epochs"), epoch)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._step(batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._end(logs)

    # Validation inside `fit` is silent.

    def on_test_begin(self, logs: dict | None = None) -> None:
        if not self._in_fit:
            self._begin(None)

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if not self._in_fit:
            self._step(batch, logs or {})

    def on_test_end(self, logs: dict | None = None) -> None:
        if not self._in_fit:
            self._end(logs)

    def on_predict_begin(self, logs: dict | None = None) -> None:
        self._begin(None)

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._step(batch, {})

    def on_predict_end(self, logs: dict | None = None) -> None:
        self._end(None)

    def _on_error(self) -> None:
        self._in_fit = False
        if self._display is not None:
            self._display.close()
