"""Scaled dot-product attention: queries look up values by keys.

A. Vaswani et al., "Attention is all you need" (2017); blocked after T. Dao et al., "FlashAttention"
(2022), so that the queries x keys scores never lie in memory.
"""

from __future__ import annotations

import math
from typing import Any

from fastnn import _core
from fastnn.ops.activation import softmax, tanh
from fastnn.ops.comparison import greater_equal, where
from fastnn.ops.core import (
    Tensor,
    Variable,
    as_float,
    as_tensor,
    cast,
    constant,
    follows_operands,
    record,
)
from fastnn.ops.creation import arange
from fastnn.ops.einsum import einsum
from fastnn.ops.shape import expand_dims, repeat, reshape

# What a score becomes where the mask is false: far below all others, and finite, so that a query
# that sees no key weighs all alike.
_UNSEEN = {"float32": -2.4e38, "float64": -1.2e308}


def _rule(node: _core.Node, gradient: Any) -> tuple:
    y, lse, drawn, q, k, v, mask, rate, *options = node.saved
    return _core.attention_backward(gradient, y, lse, q, k, v, mask, rate, drawn, *options)


def _operands(operation: str, query: Any, key: Any, value: Any) -> tuple[Tensor, Tensor, Tensor]:
    query = as_float(query, f"{operation}: query")
    key = as_tensor(key, query.dtype, f"{operation}: key")
    value = as_tensor(value, query.dtype, f"{operation}: value")
    for name, x in (("query", query), ("key", key), ("value", value)):
        if x.ndim != 4:
            raise ValueError(
                f"{operation}: {name} has shape {x.shape}, expected [batch, length, heads, width]"
            )
    if key.shape[:3] != value.shape[:3] or key.shape[0] != query.shape[0]:
        raise ValueError(
            f"{operation}: query, key and value have shapes {query.shape}, {key.shape} and "
            f"{value.shape}, expected one batch, and key and value with equal lengths and heads"
        )
    if key.shape[3] != query.shape[3]:
        raise ValueError(
            f"{operation}: key has shape {key.shape}, expected the width of query with shape "
            f"{query.shape}"
        )
    heads, groups = query.shape[2], key.shape[2]
    if groups == 0 or heads % groups:
        raise ValueError(
            f"{operation}: query has {heads} heads, expected a multiple of the {groups} of key"
        )
    return query, key, value


def _on_scores(operation: str, name: str, x: Any, dtype: str, query: Tensor, key: Tensor) -> Tensor:
    """A mask or bias as [batch, heads, queries, keys], each of them or 1."""
    x = as_tensor(x, None, f"{operation}: {name}")
    if dtype == "bool" and x.dtype.startswith("float"):
        raise TypeError(
            f"{operation}: {name} has dtype {x.dtype}, expected bool, True where a key is seen; "
            "what is added to the scores is a bias"
        )
    x = cast(x, dtype)
    full = (query.shape[0], query.shape[2], query.shape[1], key.shape[1])
    shape = (1,) * (4 - x.ndim) + x.shape
    if x.ndim > 4 or any(n not in (1, m) for n, m in zip(shape, full)):
        raise ValueError(
            f"{operation}: {name} has shape {x.shape}, which does not broadcast to {full}: "
            "batch, heads, queries, keys"
        )
    return x if x.ndim == 4 else reshape(x, shape)


def _default_scale(scale: float | None, query: Tensor) -> float:
    return 1 / math.sqrt(max(query.shape[3], 1)) if scale is None else float(scale)


def fused_attention(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    rate: float = 0.0,
    state: Variable | None = None,
) -> Tensor:
    """``dot_product_attention`` with dropout of the weights at ``rate``, drawn from ``state``."""
    operation = "dot_product_attention"
    query, key, value = _operands(operation, query, key, value)
    if mask is not None:
        mask = _on_scores(operation, "mask", mask, "bool", query, key)
    drop = None
    if rate and state is not None:
        drop = constant(float(rate), query.dtype)
    options = (_default_scale(scale, query), bool(is_causal))
    y, lse, drawn = _core.attention(
        query, key, value, mask, drop, state if drop is not None else None, *options
    )
    saved = (y, lse, drawn, query, key, value, mask, drop, *options)
    return record(y, _rule, saved, query, key, value)


def softmax_of_seen(scores: Tensor, mask: Any = None, is_causal: bool = False) -> Tensor:
    """Weights from scores [..., queries, keys]: 0 for keys that a query does not see."""
    unseen = constant(_UNSEEN[scores.dtype], scores.dtype)
    if mask is not None:
        scores = where(mask, scores, unseen)
    if is_causal:
        queries, keys = scores.shape[-2:]
        scores = where(greater_equal(expand_dims(arange(queries), 1), arange(keys)), scores, unseen)
    return softmax(scores, axis=-1)


def attention_weights(
    query: Any,
    key: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """The weights [batch, heads, queries, keys] that each query gives the keys: all in memory."""
    operation = "dot_product_attention"
    query, key, _ = _operands(operation, query, key, key)
    shared = query.shape[2] // key.shape[2]
    keys = key if shared == 1 else repeat(key, shared, axis=2)
    scores = einsum("bqhd,bkhd->bhqk", query, keys) * _default_scale(scale, query)
    if attn_logits_soft_cap is not None:
        scores = tanh(scores / attn_logits_soft_cap) * attn_logits_soft_cap
    if bias is not None:
        scores = scores + _on_scores(operation, "bias", bias, query.dtype, query, key)
    if mask is not None:
        mask = _on_scores(operation, "mask", mask, "bool", query, key)
    return softmax_of_seen(scores, mask, is_causal)


def weighted_values(weights: Tensor, value: Any) -> Tensor:
    """What ``attention_weights`` [batch, heads, queries, keys] make of the values."""
    value = as_tensor(value, weights.dtype, "dot_product_attention: value")
    shared = weights.shape[1] // value.shape[2]
    return einsum(
        "bhqk,bkhd->bqhd", weights, value if shared == 1 else repeat(value, shared, axis=2)
    )


@follows_operands
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """softmax(scale * query key^T + bias) value, by heads.

    Args:
        query: [batch, queries, heads, width], floating point.
        key: [batch, keys, groups, width]; heads / groups heads that follow each other share one
            group of keys and values (J. Ainslie et al., "GQA", 2023).
        value: [batch, keys, groups, values].
        bias: added to the scores; broadcasts to [batch, heads, queries, keys].
        mask: bool, broadcasts to [batch, heads, queries, keys]; False: the query does not see the
            key. A query that sees no key weighs all alike.
        scale: 1 / sqrt(width) if None.
        is_causal: a query sees keys up to its own position.
        flash_attention: False: by products of whole matrices. Otherwise the scores are never stored
            where there is neither a bias nor a cap; True: an error where there is.
        attn_logits_soft_cap: scores s become cap * tanh(s / cap).

    Returns:
        [batch, queries, heads, values], of query's dtype.

    >>> one, two = [[[1.0]], [[2.0]]], [[[3.0]], [[5.0]]]
    >>> dot_product_attention([one], [two], [two], is_causal=True)[0, 0, 0].tolist()
    [3.0]
    """
    if bias is None and attn_logits_soft_cap is None and flash_attention is not False:
        return fused_attention(query, key, value, mask, scale, is_causal)
    if flash_attention:
        raise ValueError(
            "dot_product_attention: flash_attention is True, expected None or False where there is "
            "a bias or attn_logits_soft_cap"
        )
    query, key, value = _operands("dot_product_attention", query, key, value)
    weights = attention_weights(query, key, bias, mask, scale, is_causal, attn_logits_soft_cap)
    return weighted_values(weights, value)
