"""Saves the model while it is trained."""

from __future__ import annotations

import os
from typing import Any

from fastnn.callbacks.files import call_every, check_folder, written
from fastnn.callbacks.monitor import Monitor


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, after every epoch or every so many batches.

    Args:
        filepath: the file; `{epoch}`, `{batch}` (both counted from 1) and the names in the logs
            are filled in, as in `"{epoch:02d}-{val_loss:.2f}.fastnn"`. Any ending will do.
        monitor: the figure that says which model is the best.
        verbose: 1 prints what it does.
        save_best_only: save only what is better than all before. Without the figure in the logs
            it warns and saves.
        save_weights_only: `model.save_weights` in place of `model.save`.
        mode: "min", "max", or "auto": by the metric.
        save_freq: "epoch", or a number of batches, counted across epochs.
        initial_value_threshold: what the first model must be better than.

    Raises:
        ValueError: a `save_freq` that is neither; in training: "auto" cannot tell the direction.
        OSError: in training: the folder, which is made if need be, or the file cannot be written.
            A folder without `{...}` in its name is tried before the first epoch.
        KeyError: in training: a name in `filepath` that the logs lack.

    The last file stays whole whatever happens: a new one takes its place when it is complete.

    >>> import fastnn as fn, numpy as np, os, tempfile
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save = fn.callbacks.ModelCheckpoint(os.path.join(folder, "{epoch:02d}.fastnn"))
    ...     x, y = np.ones((4, 2)), np.ones((4, 1))
    ...     history = model.fit(x, y, epochs=2, verbose=0, callbacks=[save])
    ...     sorted(os.listdir(folder))
    ['01.fastnn', '02.fastnn']
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._epoch = 0
        call_every(self, "save_freq", save_freq, self._save_batch)

    def on_train_begin(self, logs: dict | None = None) -> None:
        folder = os.path.dirname(self.filepath)
        if "{" not in folder:
            check_folder(f"ModelCheckpoint: filepath {self.filepath!r}", folder)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.save_freq == "epoch":
            self._epoch = epoch
            self._save(logs or {})

    def _save_batch(self, batch: int, logs: dict) -> None:
        self._save({"batch": batch + 1, **logs})

    def _save(self, logs: dict) -> None:
        path = self._path(logs)
        if not self._is_due(logs):
            return
        if self.verbose:
            print(f"ModelCheckpoint: epoch {self._epoch + 1} is saved to {path}")
        save = self.model.save_weights if self.save_weights_only else self.model.save
        with written(f"ModelCheckpoint: filepath {path!r}"):
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            save(path, overwrite=True)

    def _is_due(self, logs: dict) -> bool:
        if not self.save_best_only:
            return True
        current = self.get_monitor_value(logs)
        if current is None:
            return True
        if not self._is_improvement(current, self.best):
            return False
        self.best = current
        return True

    def _path(self, logs: dict) -> str:
        try:
            return self.filepath.format(**{"epoch": self._epoch + 1, **logs})
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} has the name {error}; known are: "
                f"{', '.join(['epoch', *logs])}"
            ) from error
