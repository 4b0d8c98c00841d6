"""What layers of attention with several heads share: projections, masks, a gate, dropout."""

from __future__ import annotations

from typing import Any

from fastnn import ops, random
from fastnn.layers.einsum_dense import EinsumDense
from fastnn.layers.folding import Folding
from fastnn.layers.parameters import Parameterized
from fastnn.layers.sizes import positive_integer
from fastnn.layers.symbolic import symbols
from fastnn.ops.attention import attention_weights, fused_attention, weighted_values
from fastnn.regularizers import get as regularizer
from fastnn.tensor import Tensor
from fastnn.utils.numbers import share
from fastnn.utils.serialization import serialize_keras_object


def dropout_rate(who: str, value: Any) -> float:
    """The argument ``dropout``, a number from 0 to 1; else a TypeError or ValueError."""
    return share(f"{who}: dropout", value)


class ProjectedAttention(Parameterized):
    """Base class: dense layers make queries, keys and values of several heads; another the result.

    Args:
        weights: initializers, regularizers and constraints of the dense layers.
        heads: of the queries.
        groups: of keys and values; heads that follow each other share one.
        width, values: of queries and keys, and of values.
    """

    def __init__(
        self,
        weights: dict,
        heads: int,
        groups: int,
        width: int,
        values: int,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        activity_regularizer: Any,
        use_gate: bool,
        seed: int | None,
        **kwargs: Any,
    ):
        super().__init__(weights, **kwargs)
        who = type(self).__name__
        self._heads, self._groups, self._widths = heads, groups, (width, values)
        self.dropout = dropout_rate(who, dropout)
        self.use_bias = use_bias
        if sliding_window is not None:
            sliding_window = positive_integer(who, "sliding_window", sliding_window)
        self.sliding_window = sliding_window
        self.flash_attention = flash_attention
        self.use_gate = use_gate
        self.seed = seed
        if self.dropout:
            self.seed_generator = random.SeedGenerator(seed)
        self._projections_regularizer = regularizer(activity_regularizer)
        self.supports_masking = True

    def _folding(self, rank: int) -> Folding:
        """Which axes of the inputs attention is along."""
        return Folding(tuple(range(1, rank - 1)), rank)

    def _output_shape_of(self, query_shape: tuple) -> tuple:
        """The last axes of the result."""
        return query_shape[-1:]

    def _check_shapes(self, query_shape: tuple, value_shape: tuple, key_shape: tuple) -> Folding:
        shapes = f"{tuple(query_shape)}, {tuple(value_shape)} and {tuple(key_shape)}"
        rank = len(query_shape)
        if rank < 3 or len(value_shape) != rank or len(key_shape) != rank:
            raise ValueError(
                f"{self.name}: query, value and key have shapes {shapes}, expected three axes or "
                "more, as many in all: batch, positions, features"
            )
        folding = self._folding(rank)
        same = [(value_shape, key_shape, i) for i in range(rank - 1)]
        same += [(query_shape, key_shape, i) for i in (0, *folding.others)]
        if any(None not in (a[i], b[i]) and a[i] != b[i] for a, b, i in same):
            raise ValueError(
                f"{self.name}: query, value and key have shapes {shapes}, expected value and key "
                "to have equal positions, and all to agree in the batch and in axes that attention "
                "is not along"
            )
        return folding

    def _projection(self, name: str, inputs: str, shape: tuple, activation: Any = None) -> Any:
        """A dense layer whose result has axes of this shape in place of the inputs' last ones."""
        results = "uvwxyz"[: len(shape)]
        return EinsumDense(
            f"...{inputs},{inputs}{results}->...{results}",
            shape,
            activation,
            results if self.use_bias else None,
            activity_regularizer=self._projections_regularizer,
            dtype=self.dtype,
            name=name,
            **{argument: getattr(self, argument) for argument in self._weight_arguments},
        )

    def build(self, query_shape: tuple, value_shape: tuple, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(query_shape, value_shape, key_shape)
        width, values = self._widths
        self.query_dense = self._projection("query", "a", (self._heads, width))
        self.key_dense = self._projection("key", "a", (self._groups, width))
        if self.use_gate:
            self.gate_dense = self._projection("gate", "a", (self._heads, values), "sigmoid")
            self.gate_dense.build(query_shape)
        self.value_dense = self._projection("value", "a", (self._groups, values))
        self.output_dense = self._projection(
            "attention_output", "ab", self._output_shape_of(query_shape)
        )
        self.query_dense.build(query_shape)
        self.key_dense.build(key_shape)
        self.value_dense.build(value_shape)
        self.output_dense.build((*query_shape[:-1], self._heads, values))

    def call(
        self,
        query: Tensor,
        value: Tensor,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        folding = self._check_shapes(query.shape, value.shape, key.shape)
        seen = [
            ops.expand_dims(folding.fold_positions(f"{self.name}: {what}", mask, x.shape), axes)
            for what, mask, x, axes in (
                ("query_mask", query_mask, query, (1, 3)),
                ("value_mask", value_mask, value, (1, 2)),
                ("key_mask", key_mask, key, (1, 2)),
            )
            if mask is not None
        ]
        scores_shape = folding.scores_shape(query.shape, key.shape, self._heads)
        if attention_mask is not None:
            what = f"{self.name}: attention_mask"
            seen.append(folding.fold_pairs(what, attention_mask, scores_shape))
        gate = self.gate_dense(query) if self.use_gate else None
        q, k, v = (
            folding.fold(project(x))
            for project, x in (
                (self.query_dense, query),
                (self.key_dense, key),
                (self.value_dense, value),
            )
        )
        if self.sliding_window is not None:
            seen.append(ops.less(ops.absolute(_distances(q, k)), self.sliding_window))
        rate = self.dropout if training else 0.0
        weights = None
        if return_attention_scores or self.flash_attention is False:
            if use_causal_mask:
                seen.append(ops.greater_equal(_distances(q, k), 0))
            y, weights = self._composed(q, k, v, _all(seen), rate, return_attention_scores)
        else:
            state = self.seed_generator.state if rate else None
            y = fused_attention(q, k, v, _all(seen), None, use_causal_mask, rate, state)
        y = folding.unfold(y, query.shape)
        y = self.output_dense(y if gate is None else y * gate)
        return (y, ops.reshape(weights, scores_shape)) if return_attention_scores else y

    def _composed(
        self, q: Tensor, k: Tensor, v: Tensor, seen: Any, rate: float, returned: bool
    ) -> tuple:
        """The result, and the weights before dropout, which may be returned."""
        if self.flash_attention:
            raise ValueError(
                f"{self.name}: flash_attention is True, expected None or False where attention "
                "scores are returned"
            )
        weights = attention_weights(q, k, mask=seen)
        if returned and seen is not None:  # who sees nothing then weighs nothing, as in Keras
            weights = ops.where(seen, weights, 0.0)
        kept = random.dropout(weights, rate, seed=self.seed_generator) if rate else weights
        return weighted_values(kept, v), weights

    def compute_output_shape(
        self, query_shape: tuple, value_shape: tuple, key_shape: Any = None
    ) -> tuple:
        self._check_shapes(
            query_shape, value_shape, value_shape if key_shape is None else key_shape
        )
        return (*query_shape[:-1], *self._output_shape_of(query_shape))

    def compute_output_spec(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        return_attention_scores: bool = False,
        **masks: Any,
    ) -> Any:
        key = value if key is None else key
        shape = self.compute_output_shape(query.shape, value.shape, key.shape)
        if not return_attention_scores:
            return symbols(shape, self.compute_dtype)
        folding = self._folding(len(query.shape))
        scores_shape = folding.scores_shape(query.shape, key.shape, self._heads)
        return symbols((shape, scores_shape), self.compute_dtype)

    def get_config(self) -> dict:
        kept = ("dropout", "use_bias", "sliding_window", "flash_attention", "use_gate", "seed")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in kept},
            "activity_regularizer": serialize_keras_object(self._projections_regularizer),
        }


def _distances(q: Tensor, k: Tensor) -> Tensor:
    """How far a query is after a key: [queries, keys]."""
    return ops.expand_dims(ops.arange(q.shape[1]), 1) - ops.arange(k.shape[1])


def _all(masks: list) -> Any:
    """Where all masks are true; None without any."""
    seen = masks[0] if masks else None
    for mask in masks[1:]:
        seen = ops.logical_and(seen, mask)
    return seen
