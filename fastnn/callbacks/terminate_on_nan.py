"""Ends training when the loss is no longer a number."""

from __future__ import annotations

import math

from fastnn.callbacks.callback import Callback


class TerminateOnNaN(Callback):
    """Ends training after the batch with which the loss became NaN or infinite.

    Args:
        raise_error: raise in place of ending as if all epochs were over, so that no other callback
            takes that for the end and, say, deletes a backup.

    Raises:
        RuntimeError: in training: such a loss, with `raise_error`.

    >>> import fastnn as fn, numpy as np
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile(fn.optimizers.SGD(1e30), "mse")
    >>> stop = fn.callbacks.TerminateOnNaN()
    >>> x, y = np.ones((4, 2)), np.ones((4, 1))
    >>> model.fit(x, y, epochs=9, verbose=0, callbacks=[stop]).epoch
    TerminateOnNaN: the loss is inf after batch 0: training ends
    [0, 1]
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        message = f"TerminateOnNaN: the loss is {loss} after batch {batch}: training ends"
        if self.raise_error:
            raise RuntimeError(message)
        print(message)
        self.model.stop_training = True
