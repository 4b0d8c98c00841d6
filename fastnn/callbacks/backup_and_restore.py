"""Takes up a training that was broken off."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from fastnn.callbacks.callback import Callback
from fastnn.callbacks.files import call_every, check_folder, written


class BackupAndRestore(Callback):
    """Keeps a copy of the state of training in a folder, from which `fit` goes on when the program
    is run again after a crash.

    With `save_freq="epoch"`, data given as arrays and whole passes as epochs, the resumed training
    ends with the bits of one that never stopped: weights, the optimizer's state, seeds, the order
    of the data and the epoch's number come back. Other callbacks, and what draws random numbers
    outside the model, start anew.

    Args:
        backup_dir: the folder, made if need be, for this training alone.
        save_freq: "epoch", or a number of batches, counted across epochs. After one in the middle
            of an epoch, that epoch begins again with the weights as they were.
        double_checkpoint: keep the copy before the last one too, for when the last one turns out
            to be damaged.
        delete_checkpoint: remove the copies when training has ended, and the folder if it is empty
            then.

    Raises:
        ValueError: an empty `backup_dir`, a `save_freq` that is neither; in training: the model is
            not built, or the backup is damaged or of another model (which is unchanged then).
        OSError: in training: the folder cannot be written to.

    >>> import fastnn as fn, numpy as np, tempfile
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> def crash(epoch, logs):
    ...     if epoch == 2:
    ...         raise RuntimeError
    >>> x, y, folder = np.ones((4, 2)), np.ones((4, 1)), tempfile.mkdtemp()
    >>> keep = fn.callbacks.BackupAndRestore(folder)
    >>> try:
    ...     fit = model.fit(x, y, epochs=5, verbose=0,
    ...         callbacks=[keep, fn.callbacks.LambdaCallback(on_epoch_begin=crash)])
    ... except RuntimeError:
    ...     model.fit(x, y, epochs=5, verbose=0, callbacks=[keep]).epoch
    [2, 3, 4]
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        super().__init__()
        if not backup_dir:
            raise ValueError(f"BackupAndRestore: backup_dir must name a folder, got {backup_dir!r}")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = os.path.join(self.backup_dir, "latest.fastnn")
        self._previous = f"{self._latest}.previous"
        self._epoch = 0
        call_every(self, "save_freq", save_freq, lambda batch, logs: self._save())

    def on_train_begin(self, logs: dict | None = None) -> None:
        if not self.model.built:
            raise ValueError(
                f"BackupAndRestore: model {self.model.name!r} is not built: call it on data, or "
                "build(input_shape), before fit"
            )
        check_folder("BackupAndRestore: backup_dir", self.backup_dir)
        self._restore([p for p in (self._latest, self._previous) if os.path.exists(p)])

    def _restore(self, paths: list[str]) -> None:
        from fastnn.models import saving

        while paths:
            try:
                progress = saving.load_training(self.model, paths.pop(0))
            except ValueError as error:
                if not paths:
                    raise ValueError(f"BackupAndRestore: {error}") from error
                warnings.warn(f"BackupAndRestore: {error}; the one before it is used", stacklevel=2)
            else:
                vars(self.model)["_initial_epoch"] = progress["epoch"]
                return

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch + 1
        if self.save_freq == "epoch":
            self._save()

    def _save(self) -> None:
        from fastnn.models import saving

        with written(f"BackupAndRestore: the backup {self._latest!r}"):
            if self.double_checkpoint and os.path.exists(self._latest):
                os.replace(self._latest, self._previous)
            saving.save_training(self.model, self._latest, {"epoch": self._epoch})

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.delete_checkpoint:
            # With what a process that was killed while it wrote has left.
            for path in Path(self.backup_dir).glob("latest.fastnn*"):
                path.unlink()
            if not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)
