"""Writes the figures of each epoch to a file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from typing import Any

from fastnn.callbacks.callback import Callback
from fastnn.callbacks.files import check_folder, written


class CSVLogger(Callback):
    """Writes a line an epoch: its number, counted from 0, and the figures in the order of their
    names, NA for one that is missing.

    The file is open only while a line is written, so it is complete after every epoch.

    Args:
        filename: the file; its folder is made if need be.
        separator: what stands between two values.
        append: go on with a file that exists, in place of a new one.

    Raises:
        OSError: in training: the file cannot be written.

    >>> import fastnn as fn, numpy as np, pathlib, tempfile
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile("sgd", "mse", metrics=["mae"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "log.csv")
    ...     log = fn.callbacks.CSVLogger(path)
    ...     x, y = np.ones((4, 2)), np.ones((4, 1))
    ...     history = model.fit(x, y, epochs=2, verbose=0, callbacks=[log])
    ...     path.read_text().split()[0]
    'epoch,loss,mae,val_loss,val_mae'
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self.keys: list[str] | None = None
        self._has_header = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        check_folder(f"CSVLogger: filename {self.filename!r}", os.path.dirname(self.filename))
        self.keys = None
        self._write([], "a" if self.append else "w")
        self._has_header = os.path.getsize(self.filename) > 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        rows: list[list] = []
        if self.keys is None:
            self.keys = sorted(logs)
            # Validation may come in a later epoch only: its columns are there from the start.
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            if not self._has_header:
                rows.append(["epoch", *self.keys])
        rows.append([epoch, *(_shown(logs.get(key, "NA")) for key in self.keys)])
        self._write(rows, "a")

    def _write(self, rows: Iterable, mode: str) -> None:
        with (
            written(f"CSVLogger: filename {self.filename!r}"),
            open(self.filename, mode, newline="", encoding="utf-8") as file,
        ):
            csv.writer(file, delimiter=self.separator).writerows(rows)


def _shown(value: Any) -> Any:
    """Several values in one column: "[1, 2]"."""
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
