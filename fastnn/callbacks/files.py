"""What callbacks that write files share: checks before training starts, and when to save."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

from fastnn.callbacks.callback import Callback, has_hook


def check_folder(what: str, folder: str) -> None:
    """Makes a folder and tries to write there: better at the start than after the first epoch.

    Raises:
        OSError: it cannot be made, or not be written to.
    """
    try:
        os.makedirs(folder or ".", exist_ok=True)
        with tempfile.TemporaryFile(dir=folder or "."):
            pass
    except OSError as error:
        raise OSError(f"{what}: the folder {folder!r} cannot be written to: {error}") from error


def call_every(callback: Callback, save_freq: Any, save: Callable[[int, dict], None]) -> None:
    """Has `save(batch, logs)` called after every `save_freq` batches, counted across epochs.

    The hook is given to the one object that needs it, since `fit` makes the logs of every batch
    for whoever has one. For "epoch" there is nothing to do.

    Raises:
        ValueError: neither "epoch" nor an integer from 1.
    """
    if save_freq == "epoch":
        return
    if not isinstance(save_freq, int) or isinstance(save_freq, bool) or save_freq < 1:
        raise ValueError(
            f"{type(callback).__name__}: save_freq must be 'epoch' or an integer from 1, "
            f"got {save_freq!r}"
        )
    seen = 0

    def count(batch: int, logs: dict | None = None) -> None:
        nonlocal seen
        seen += 1
        if seen >= save_freq:
            seen = 0
            save(batch, logs or {})

    if not has_hook(callback, "on_train_batch_end"):
        vars(callback)["on_train_batch_end"] = count
