"""Attention: queries look up values by keys, without weights of its own."""

from __future__ import annotations

import math
from typing import Any

from fastnn import ops, random
from fastnn.layers.layer import Layer
from fastnn.layers.projected_attention import dropout_rate
from fastnn.layers.symbolic import symbols
from fastnn.ops.attention import fused_attention, softmax_of_seen
from fastnn.ops.core import as_tensor
from fastnn.tensor import Tensor

_SCORES = ("dot", "concat")


class Attention(Layer):
    """softmax(scores of queries and keys) values.

    M.-T. Luong et al., "Effective approaches to attention-based neural machine translation" (2015).

    Args:
        use_scale: whether scores are multiplied by a weight ``scale`` [], which starts at 1.
        score_mode: "dot": query key; "concat": the sum of tanh(query + key) times a weight
            ``concat_score_weight`` [], which starts at 1 (scale is then inside the tanh).
        dropout: the share of attention weights that is dropped while training.
        seed: an integer; None draws one from Python's ``random``.

    Call arguments:
        inputs: a list of query [batch, queries, width], value [batch, keys, values] and, unless it
            is the value, key [batch, keys, width]. There may be more axes before.
        mask: a list of masks of query and value, [batch, queries] and [batch, keys], or None: where
            the query's is False the result is 0, where the value's is the value does not count. By
            default the masks that the inputs carry.
        training: whether to drop.
        return_attention_scores: whether the weights [batch, queries, keys] are returned too.
        use_causal_mask: whether a query sees no key after its own position.

    Raises:
        ValueError: another score_mode, inputs that are no list of two or three, or do not fit.

    >>> import numpy as np
    >>> query, key = np.array([[[100.0, 0.0]]]), np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> Attention()([query, np.array([[[5.0], [7.0]]]), key]).tolist()
    [[[5.0]]]
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        if score_mode not in _SCORES:
            raise ValueError(f"Attention: score_mode must be 'dot' or 'concat', got {score_mode!r}")
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout_rate(type(self).__name__, dropout)
        self.seed = seed
        if self.dropout:
            self.seed_generator = random.SeedGenerator(seed)
        self.scale: Any = None
        self.concat_score_weight: Any = None
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._check_inputs(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer="ones"
            )

    def _check_inputs(self, shapes: Any) -> tuple:
        """The shapes of query, value and key."""
        several = isinstance(shapes, list) and all(isinstance(s, tuple) for s in shapes)
        if not several or len(shapes) not in (2, 3):
            raise ValueError(
                f"{self.name}: the inputs must be a list of query, value and perhaps key, got "
                f"shape(s) {shapes}"
            )
        query, value, key = (*shapes, shapes[1])[:3]
        positions = [(query, key, i) for i in range(len(query) - 2)]
        positions += [(value, key, i) for i in range(len(value) - 1)]
        if not 3 <= len(query) == len(value) == len(key) or any(
            None not in (a[i], b[i]) and a[i] != b[i] for a, b, i in (*positions, (query, key, -1))
        ):
            raise ValueError(
                f"{self.name}: query, value and key have shapes {query}, {value} and {key}, "
                "expected [batch, queries, width], [batch, keys, values], [batch, keys, width]"
            )
        return query, value, key

    def call(
        self,
        inputs: list,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check_inputs([x.shape for x in inputs] if isinstance(inputs, list) else inputs)
        query, value, key = (*inputs, inputs[1])[:3]
        query_mask, value_mask = self._masks(mask, query, value)
        rate = self.dropout if training else 0.0
        weights = None
        if self._products() and not return_attention_scores:
            y = self._fused(query, value, key, value_mask, use_causal_mask, rate)
        else:
            seen = None if value_mask is None else ops.expand_dims(value_mask, -2)
            weights = softmax_of_seen(self._scores(query, key), seen, use_causal_mask)
            if rate:
                weights = random.dropout(weights, rate, seed=self.seed_generator)
            y = ops.matmul(weights, value)
        if query_mask is not None:
            y = ops.where(ops.expand_dims(query_mask, -1), y, 0.0)
        return (y, weights) if return_attention_scores else y

    def _masks(self, mask: Any, query: Tensor, value: Tensor) -> list:
        if mask is None:
            return [None, None]
        if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
            raise ValueError(
                f"{self.name}: mask must be a list of the masks of query and value, got {mask!r}"
            )
        found = []
        for name, x, given in zip(("query", "value"), (query, value), mask):
            if given is not None:
                given = as_tensor(given, "bool", f"{self.name}: the mask of {name}")
                if given.shape != x.shape[:-1]:
                    raise ValueError(
                        f"{self.name}: the mask of {name} has shape {given.shape}, expected "
                        f"{x.shape[:-1]}"
                    )
            found.append(given)
        return found

    def _products(self) -> bool:
        """Whether scores are products of queries and keys."""
        return self.score_mode == "dot"

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[batch, queries, keys]."""
        if self.score_mode == "dot":
            return ops.matmul(self._scaled(query), ops.swapaxes(key, -2, -1))
        sums = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        return ops.sum(ops.tanh(self._scaled(sums)), -1) * self.concat_score_weight

    def _scaled(self, x: Tensor) -> Tensor:
        return x if self.scale is None else x * self.scale

    def _fused(
        self, query: Tensor, value: Tensor, key: Tensor, mask: Any, causal: bool, rate: float
    ) -> Tensor:
        """As one head, without the scores in memory."""

        def with_head(x: Tensor) -> Tensor:
            return ops.reshape(x, (math.prod(x.shape[:-2]), x.shape[-2], 1, x.shape[-1]))

        if mask is not None:
            mask = ops.reshape(mask, (math.prod(mask.shape[:-1]), 1, 1, mask.shape[-1]))
        state = self.seed_generator.state if rate else None
        q, k, v = with_head(self._scaled(query)), with_head(key), with_head(value)
        y = fused_attention(q, k, v, mask, 1.0, causal, rate, state)
        return ops.reshape(y, (*query.shape[:-1], value.shape[-1]))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The query's mask."""
        return previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask

    def compute_output_shape(self, input_shape: Any) -> tuple:
        query, value, _ = self._check_inputs(input_shape)
        return (*query[:-1], value[-1])

    def compute_output_spec(
        self, inputs: Any, return_attention_scores: bool = False, **options: Any
    ) -> Any:
        shapes = [x.shape for x in inputs] if isinstance(inputs, list) else inputs
        query, value, _ = self._check_inputs(shapes)
        shape = (*query[:-1], value[-1])
        if not return_attention_scores:
            return symbols(shape, self.compute_dtype)
        return symbols((shape, (*query[:-1], value[-2])), self.compute_dtype)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }
