"""Scaled dot-product attention and its gradient."""

from __future__ import annotations

import numpy as np

from .random import _check_rate, _draws


def _weights(
    q: np.ndarray, k: np.ndarray, mask: np.ndarray | None, scale: float, causal: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The softmax of the scores [batch, heads, queries, keys], its logsumexp, who sees whom."""
    shared = q.shape[2] // k.shape[2] if k.shape[2] else 1
    keys = np.repeat(k, shared, axis=2)
    scores = np.einsum("bqhd,bkhd->bhqk", q, keys) * q.dtype.type(scale)
    seen = np.ones(scores.shape, bool)
    if causal:
        seen &= np.tri(*scores.shape[2:]) > 0
    if mask is not None:
        seen &= mask
    # Who sees no key at all weighs all alike.
    scores = np.where(seen, scores, -np.inf)
    scores = np.where(seen.any(-1, keepdims=True), scores, q.dtype.type(0))
    if scores.shape[3] == 0:
        return scores, np.zeros(scores.shape[:3], q.dtype), seen
    largest = np.max(scores, axis=-1, keepdims=True)
    powers = np.exp(scores - largest)
    total = np.sum(powers, axis=-1, keepdims=True)
    return powers / total, (largest + np.log(total))[..., 0], seen


def _kept(
    rate: np.ndarray | None, drawn: np.ndarray | None, like: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What multiplies the weights, 0 or 1 / (1 - rate), and the state after the draw.

    The words of a query are a multiple of four.
    """
    if rate is None or drawn is None:
        return None, None
    keys = like.shape[3]
    words, after = _draws(drawn, (*like.shape[:3], -(-keys // 4) * 4), 32)
    u = (words[..., :keys] >> np.uint64(8)).astype(np.float64) * 2.0**-24
    scalar = like.dtype.type
    with np.errstate(all="ignore"):
        return np.where(u >= float(rate), scalar(1) / (scalar(1) - scalar(rate)), scalar(0)), after


@np.errstate(all="ignore")
def attention(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None,
    rate: np.ndarray | None,
    state: np.ndarray | None,
    *,
    scale: float = 1,
    causal: bool = False,
) -> tuple:
    """y = softmax(scale q k^T) v by heads, the scores' logsumexp, the state before a dropout.

    q is [batch, queries, heads, width], k [batch, keys, groups, width], v [batch, keys, groups,
    values], y [batch, queries, heads, values], lse [batch, heads, queries]; heads / groups heads
    that follow each other share keys and values. A query sees a key where the mask, which
    broadcasts to [batch, heads, queries, keys], is true and, if ``causal``, where its position is
    not below the key's; a query that sees none weighs all alike. Weights are dropped at ``rate``.
    Without keys y is 0. A. Vaswani et al., "Attention is all you need" (2017).
    """
    if rate is not None:
        _check_rate("attention", rate)
    weights, lse, _ = _weights(q, k, mask, scale, causal)
    kept, after = _kept(rate, state, weights)
    shared = q.shape[2] // k.shape[2] if k.shape[2] else 1
    dropped = weights if kept is None else weights * kept
    y = np.einsum("bhqk,bkhd->bqhd", dropped, np.repeat(v, shared, axis=2))
    return np.ascontiguousarray(y), lse, state, after


@np.errstate(all="ignore")
def attention_backward(
    dy: np.ndarray,
    y: np.ndarray,
    lse: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None,
    rate: np.ndarray | None,
    drawn: np.ndarray | None,
    *,
    scale: float = 1,
    causal: bool = False,
) -> tuple:
    """The gradients of ``attention`` by q, k and v, from what it returned."""
    if rate is not None:
        _check_rate("attention_backward", rate)
    weights, _, seen = _weights(q, k, mask, scale, causal)
    kept, _ = _kept(rate, drawn, weights)
    groups, scalar = k.shape[2], q.dtype.type
    shared = q.shape[2] // groups if groups else 1
    keys, values = np.repeat(k, shared, axis=2), np.repeat(v, shared, axis=2)
    by_weight = np.einsum("bqhd,bkhd->bhqk", dy, values)
    dropped = weights
    if kept is not None:
        by_weight, dropped = by_weight * kept, weights * kept
    delta = np.einsum("bqhd,bqhd->bhq", dy, y)[..., None]
    by_score = np.where(seen, weights * (by_weight - delta) * scalar(scale), scalar(0))
    dq = np.einsum("bhqk,bkhd->bqhd", by_score, keys)
    dk = np.einsum("bhqk,bqhd->bkhd", by_score, q)
    dv = np.einsum("bhqk,bqhd->bkhd", dropped, dy)
    by_group = [g.reshape(*g.shape[:2], groups, shared, g.shape[3]).sum(axis=3) for g in (dk, dv)]
    return np.ascontiguousarray(dq), *by_group
