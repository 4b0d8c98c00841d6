"""A long text for a stateful network: rows that are read side by side, window after window."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastnn as fn
from fastnn.callbacks import Callback
from fastnn.recipes.common import Clock


def windows(ids: np.ndarray, rows: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of a text, and for each symbol the next one.

    The text is cut into `rows` pieces of equal length; batch after batch of `rows` windows goes
    through all pieces side by side, so that row i of a batch goes on where row i of the batch
    before it ended. What does not fill a batch at the end is left out.

    Returns:
        x, y: int32 [batches * rows, steps], to be taken in this order (``shuffle=False``).

    >>> x, y = windows(np.arange(9), rows=2, steps=2)
    >>> x.tolist(), y[0].tolist()
    ([[0, 1], [4, 5], [2, 3], [6, 7]], [1, 2])
    """
    batches = (len(ids) - 1) // (rows * steps)
    if batches == 0:
        raise ValueError(
            f"windows: {len(ids)} symbols, expected more than rows * steps = {rows * steps}"
        )
    used = batches * rows * steps
    x, y = (
        part.reshape(rows, batches, steps).swapaxes(0, 1).reshape(-1, steps).astype(np.int32)
        for part in (ids[:used], ids[1 : used + 1])
    )
    return x, y


class FromTheBeginning(Callback):
    """Makes the states of stateful layers zero before each pass through a text."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        reset(self.model)

    def on_test_begin(self, logs: dict | None = None) -> None:
        reset(self.model)


def reset(model: fn.Sequential) -> None:
    """Makes the states of all stateful layers zero."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


def read(
    model: fn.Sequential,
    text: tuple[np.ndarray, np.ndarray],
    epochs: int,
    verbose: Any,
    test: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[dict, float]:
    """Trains a stateful network on the windows (x, y) of a text, and judges it on those of another
    after each epoch; the history of fit, and processor seconds."""
    clock = Clock()
    history = model.fit(
        *text,
        batch_size=model.inputs[0].shape[0],
        epochs=epochs,
        shuffle=False,
        validation_data=test,
        callbacks=[FromTheBeginning(), clock],
        verbose=verbose,
    ).history
    return history, clock.seconds[-1]
