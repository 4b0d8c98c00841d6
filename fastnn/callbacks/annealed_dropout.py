"""AnnealedDropout: lowers the rates of dropout layers while a model is trained."""

from __future__ import annotations

from typing import Any

from fastnn.callbacks.callback import Callback
from fastnn.layers.dropping import Dropping


class AnnealedDropout(Callback):
    """Lowers dropout rates epoch by epoch to 0: rate * max(0, 1 - epoch / epochs).

    The rates that the layers have when the first training begins are those of epoch 0; epochs count
    on with `initial_epoch`. Layers keep the rates of the last epoch when training ends.

    Rennie et al., "Annealed dropout training of deep networks" (2014).

    Args:
        epochs: how many epochs it takes to come to 0, a positive integer.
        layers: whose rates are lowered; None: all dropout layers of the model.

    Raises:
        ValueError: epochs is not a positive integer; layers holds another than a dropout layer.

    >>> import fastnn as fn, numpy as np
    >>> dropout = fn.layers.Dropout(0.5)
    >>> model = fn.Sequential([dropout, fn.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> annealed = fn.callbacks.AnnealedDropout(epochs=4)
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, verbose=0, callbacks=[annealed])
    >>> dropout.rate
    0.25
    """

    def __init__(self, epochs: int, layers: Any = None):
        super().__init__()
        if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs <= 0:
            raise ValueError(f"AnnealedDropout: epochs must be a positive integer, got {epochs!r}")
        for layer in layers or ():
            if not isinstance(layer, Dropping):
                raise ValueError(f"AnnealedDropout: layers must be dropout layers, got {layer!r}")
        self.epochs = epochs
        self.layers = layers
        self._first: list = []  # layers and their rates at epoch 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        if not self._first:
            layers = self.model._flatten_layers() if self.layers is None else self.layers
            self._first = [(layer, layer.rate) for layer in layers if isinstance(layer, Dropping)]

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        for layer, rate in self._first:
            layer.rate = rate * max(0.0, 1 - epoch / self.epochs)
