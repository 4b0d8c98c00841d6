"""What callbacks that write files share: checks before training starts, and when to write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastnn.callbacks.callback import Callback, has_hook


@contextmanager
def written(what: str) -> Iterator[None]:
    """Names what it was that an OSError within it kept from being written."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{what} cannot be written: {error}") from error


def check_folder(what: str, folder: str) -> None:
    """Makes a folder and tries to write there: better at the start than after the first epoch.

    Raises:
        OSError: it cannot be made, or nothing can be written there.
    """
    with written(f"{what}: the folder {folder!r}"):
        os.makedirs(folder or ".", exist_ok=True)
        with tempfile.TemporaryFile(dir=folder or "."):
            pass


def call_every(
    callback: Callback, argument: str, frequency: Any, action: Callable[[int, dict], None]
) -> None:
    """Has `action(batch, logs)` called after every `frequency` batches, counted across epochs.

    The hook is given to the one object that needs it, since `fit` makes the logs of every batch
    for whoever has one. For "epoch" there is nothing to do.

    Raises:
        ValueError: neither "epoch" nor an integer from 1.
    """
    if frequency == "epoch":
        return
    if not isinstance(frequency, int) or isinstance(frequency, bool) or frequency < 1:
        raise ValueError(
            f"{type(callback).__name__}: {argument} must be 'epoch' or an integer from 1, "
            f"got {frequency!r}"
        )
    seen = 0

    def count(batch: int, logs: dict | None = None) -> None:
        nonlocal seen
        seen += 1
        if seen >= frequency:
            seen = 0
            action(batch, logs or {})

    if not has_hook(callback, "on_train_batch_end"):
        vars(callback)["on_train_batch_end"] = count
