"""GroupQueryAttention: heads that share keys and values."""

from __future__ import annotations

from typing import Any

from fastnn.layers.parameters import weight_arguments
from fastnn.layers.projected_attention import ProjectedAttention
from fastnn.layers.sizes import positive_integer


class GroupQueryAttention(ProjectedAttention):
    """Attention of several heads, of which those that follow each other share keys and values.

    J. Ainslie et al., "GQA: training generalized multi-query Transformer models" (2023).
    Weights, a kernel and a bias each: query and gate [features, num_query_heads, head_dim], key and
    value [features, num_key_value_heads, head_dim], attention_output [num_query_heads, head_dim,
    features].

    Args:
        head_dim: the width of a head.
        num_query_heads: how many heads.
        num_key_value_heads: how many keys and values; it divides num_query_heads. One for all is
            multi-query attention, as many as heads MultiHeadAttention.
        dropout, use_bias, sliding_window, flash_attention, kernel_initializer, bias_initializer,
            kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, use_gate, seed: as in MultiHeadAttention.

    Call arguments are those of MultiHeadAttention.

    Raises:
        ValueError: sizes that are not positive or do not divide, shapes that do not fit.

    >>> import numpy as np
    >>> layer = GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)
    >>> layer(np.ones((1, 4, 8)), np.ones((1, 5, 8))).shape
    (1, 4, 8)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
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
        who = "GroupQueryAttention"
        width = positive_integer(who, "head_dim", head_dim)
        heads = positive_integer(who, "num_query_heads", num_query_heads)
        groups = positive_integer(who, "num_key_value_heads", num_key_value_heads)
        if heads % groups:
            raise ValueError(
                f"{who}: num_query_heads is {num_query_heads}, expected a multiple of "
                f"num_key_value_heads, {num_key_value_heads}"
            )
        super().__init__(
            weights,
            heads,
            groups,
            width,
            width,
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            activity_regularizer,
            use_gate,
            seed,
            **kwargs,
        )
        self.head_dim, self.num_query_heads, self.num_key_value_heads = width, heads, groups

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }
