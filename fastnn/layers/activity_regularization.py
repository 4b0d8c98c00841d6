"""ActivityRegularization: a penalty on what passes through."""

from __future__ import annotations

from typing import Any

from fastnn import regularizers
from fastnn.layers.layer import Layer


class ActivityRegularization(Layer):
    """Passes its input on and adds l1 * sum(|x|) + l2 * sum(x²), over the batch size, to the loss.

    Args:
        l1, l2: the factors, not negative.

    >>> import numpy as np
    >>> layer = ActivityRegularization(l1=0.5)
    >>> layer(np.array([[1.0, -2.0]])).tolist(), layer.losses[0].item()
    ([[1.0, -2.0]], 1.5)
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.supports_masking = True
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
