"""The weights on the way of a training."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.callbacks.callback import Callback
from fastnn.callbacks.files import call_every


class WeightPath(Callback):
    """Notes the trained weights as training begins and at the end of every epoch, for
    `loss_surface`. A new training begins a new path.

    It keeps a copy of all weights for each point.

    Args:
        frequency: "epoch", or a number of batches after which they are noted instead.

    Attributes:
        weights: a list of points, each a list of arrays like `model.trainable_variables`.

    Raises:
        ValueError: in training: a bad frequency.

    >>> import fastnn as fn, numpy as np
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> path = fn.plots.WeightPath()
    >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0, callbacks=path)
    >>> len(path.weights)
    4
    """

    def __init__(self, frequency: Any = "epoch"):
        super().__init__()
        self.weights: list[list[np.ndarray]] = []
        self.frequency = frequency
        call_every(self, "frequency", frequency, lambda batch, logs: self._note())

    def _note(self) -> None:
        self.weights.append([np.array(v.numpy()) for v in self.model.trainable_variables])

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.weights = []
        if self.model.built:
            self._note()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.frequency == "epoch":
            self._note()
