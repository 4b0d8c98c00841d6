"""AdditiveAttention: scores by a sum of query and key."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.attention import Attention
from fastnn.tensor import Tensor


class AdditiveAttention(Attention):
    """Attention whose scores are the sum of scale * tanh(query + key).

    D. Bahdanau et al., "Neural machine translation by jointly learning to align and translate"
    (2014).

    Args:
        use_scale: whether there is a weight ``scale`` [width]; it starts as glorot_uniform.
        dropout: the share of attention weights that is dropped while training.
        seed: an integer; None draws one from Python's ``random``.

    Call arguments, masks and errors are those of Attention.

    >>> import numpy as np
    >>> layer = AdditiveAttention()
    >>> layer([np.ones((1, 4, 3)), np.ones((1, 5, 3))]).shape
    (1, 4, 3)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        query, *_ = self._check_inputs(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale", shape=query[-1:], initializer="glorot_uniform"
            )

    def _products(self) -> bool:
        return False

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        sums = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        return ops.sum(self._scaled(ops.tanh(sums)), -1)

    def get_config(self) -> dict:
        config = super().get_config()
        del config["score_mode"]
        return config
