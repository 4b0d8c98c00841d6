"""Ends training when a figure no longer improves."""

from __future__ import annotations

from fastnn.callbacks.monitor import Monitor


class EarlyStopping(Monitor):
    """Ends training when a figure has not improved for some epochs.

    Args:
        monitor: the figure's name in the logs.
        min_delta: what a change must exceed to be an improvement.
        patience: how many epochs without improvement end the training.
        verbose: 1 prints what it does.
        mode: "min", "max", or "auto": by the metric.
        baseline: waiting starts anew only with a value better than this one too.
        restore_best_weights: at the end of training the weights of the best epoch come back.
        start_from_epoch: epochs before this one, counted from 0, do not count.

    Raises:
        ValueError: in training: "auto" cannot tell the direction.

    `stopped_epoch` is the epoch that was the last one (0: it did not stop), `best` the best value
    and `best_epoch` its epoch, all counted from 0. Without the figure in the logs it warns.

    >>> import fastnn as fn, numpy as np
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile(fn.optimizers.SGD(0.0), "mse")
    >>> stop = fn.callbacks.EarlyStopping(monitor="loss", patience=2)
    >>> x, y = np.ones((4, 2)), np.ones((4, 1))
    >>> model.fit(x, y, epochs=9, verbose=0, callbacks=[stop]).epoch
    [0, 1, 2]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._start()

    def _start(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._start()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._is_improvement(current, self.best):  # the first value always is one
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"EarlyStopping: stopped after epoch {self.stopped_epoch + 1}")
        if self.best_weights is not None:
            if self.verbose:
                print(f"EarlyStopping: the weights of epoch {self.best_epoch + 1} are back")
            self.model.set_weights(self.best_weights)
