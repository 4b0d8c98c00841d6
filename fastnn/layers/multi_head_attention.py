"""MultiHeadAttention: queries look up values by keys, in several ways at once."""

from __future__ import annotations

from typing import Any

from fastnn.layers.folding import Folding
from fastnn.layers.parameters import weight_arguments
from fastnn.layers.projected_attention import ProjectedAttention
from fastnn.layers.sizes import integers, positive_integer


class MultiHeadAttention(ProjectedAttention):
    """Attention of several heads between sequences, or of a sequence to itself.

    A. Vaswani et al., "Attention is all you need" (2017). Weights, a kernel and a bias each: query
    and key [features, num_heads, key_dim], gate and value [features, num_heads, value_dim],
    attention_output [num_heads, value_dim, features of the result].

    Args:
        num_heads: how many heads, a positive integer.
        key_dim: the width of a head's queries and keys.
        value_dim: the width of a head's values; key_dim if None.
        dropout: the share of attention weights that is dropped while training.
        use_bias: whether the dense layers have biases.
        output_shape: the last axes of the result, an integer or a tuple; the query's if None.
        attention_axes: the axes of the inputs that attention is along, an integer or several; None
            for all but batch and features.
        sliding_window: queries see keys that are less than so many positions away; None for all.
        flash_attention: False: all attention weights are kept in memory. Otherwise they are not,
            where they are not returned; True: an error where they are.
        kernel_initializer, bias_initializer: names, initializers or functions, of all dense layers.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions, names or None.
        kernel_constraint, bias_constraint: functions, names or None.
        use_gate: whether heads are multiplied by a sigmoid of a dense layer of the query (Z. Qiu et
            al., "Gated attention for large language models", 2025).
        seed: of dropout, an integer; None draws one from Python's ``random``.

    Call arguments:
        query: [batch, queries.., features].
        value, key: [batch, keys.., features]; key is value if None.
        query_mask, value_mask, key_mask: bool, which positions hold data: [batch, positions..]. By
            default the masks that the inputs carry, as Embedding(mask_zero=True) sets them. The
            result carries the query's, and the inputs keep theirs, also where Keras's layer takes
            them off.
        attention_mask: bool, which query sees which key: [batch, queries.., keys..]; axes before
            may be missing, one for the heads may follow the batch.
        return_attention_scores: whether the weights [batch, num_heads, queries.., keys..] are
            returned too.
        training: whether to drop.
        use_causal_mask: whether a query sees no key after its own position.

    A query that sees no key, as one that a mask hides, weighs all alike; where weights are
    returned, nothing. With several attention axes positions are counted along the last one first.

    Raises:
        ValueError: sizes that are not positive, shapes that do not fit.

    >>> import numpy as np
    >>> layer = MultiHeadAttention(num_heads=2, key_dim=3)
    >>> query, value = np.ones((1, 4, 8)), np.ones((1, 5, 8))
    >>> y, weights = layer(query, value, return_attention_scores=True)
    >>> y.shape, weights.shape
    ((1, 4, 8), (1, 2, 4, 5))
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        weights = weight_arguments(locals())
        value_dim = key_dim if value_dim is None else value_dim
        sizes = {"num_heads": num_heads, "key_dim": key_dim, "value_dim": value_dim}
        heads, width, values = (
            positive_integer("MultiHeadAttention", name, size) for name, size in sizes.items()
        )
        super().__init__(
            weights,
            heads,
            heads,
            width,
            values,
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            activity_regularizer,
            use_gate,
            seed,
            **kwargs,
        )
        self.num_heads, self.key_dim, self.value_dim = heads, width, values
        who = type(self).__name__
        self._output_shape = integers(who, "output_shape", output_shape)
        self.attention_axes = integers(who, "attention_axes", attention_axes)

    def _folding(self, rank: int) -> Folding:
        if self.attention_axes is None:
            return super()._folding(rank)
        axes = tuple(axis % rank if -rank <= axis < rank else 0 for axis in self.attention_axes)
        if not axes or len(set(axes)) != len(axes) or not set(axes) <= set(range(1, rank - 1)):
            raise ValueError(
                f"{self.name}: attention_axes is {self.attention_axes}, expected different ones of "
                f"{', '.join(map(str, range(1, rank - 1)))} for inputs of {rank} axes"
            )
        return Folding(axes, rank)

    def _output_shape_of(self, query_shape: tuple) -> tuple:
        return self._output_shape or query_shape[-1:]

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
        }
