"""attention and attention_backward: batched products, with a kernel for rows of weights between.

The weights [batch, heads, queries, keys] are in memory between the products. Heads that share keys
and values read the same ones: their stride is 0.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from . import mathematics
from .arrays import contiguous_strides, empty, flat
from .cuda import compiled, cuda, kernel, launch_rows
from .gemm import Result, Side, matrices, multiply
from .movement import assign
from .random import draw_mask, require_rate
from .tree import add, larger, tree

_exp, _log = mathematics.exp, mathematics.log
_double = np.float64
_sum, _largest = tree(add, _double), tree(larger, _double)


class _Shape(NamedTuple):
    batch: int
    queries: int
    keys: int
    heads: int
    groups: int
    width: int
    values: int

    @property
    def shared(self) -> int:
        """How many heads share keys and values."""
        return self.heads // max(1, self.groups)

    @property
    def rows(self) -> int:
        return self.batch * self.heads * self.queries

    @property
    def drawn(self) -> int:
        """A query's numbers of a dropout: a multiple of four."""
        return -(-self.keys // 4) * 4


def _shape(q: Any, k: Any, v: Any) -> _Shape:
    batch, queries, heads, width = tuple(q.shape)
    return _Shape(batch, queries, k.shape[1], heads, k.shape[2], width, tuple(v.shape)[-1])


# ---- Operands: a matrix for each batch, group and head of the group ------------------------------


def _of_queries(x: Any, s: _Shape, width: int) -> Side:
    """x [batch, queries, heads, width] with queries along its side, the width along the depth."""
    row, group = s.heads * width, s.shared * width
    return matrices(x, row, 1, (s.batch, s.groups, s.shared), (s.queries * row, group, width))


def _of_keys(x: Any, s: _Shape, width: int, turned: bool = False) -> Side:
    """x [batch, keys, groups, width] with keys, or turned the width, along its side."""
    row = s.groups * width
    side, depth = (1, row) if turned else (row, 1)
    return matrices(x, side, depth, (s.batch, s.groups, s.shared), (s.keys * row, width, 0))


def _of_weights(weights: Any, s: _Shape) -> Side:
    """Weights [batch, heads, queries, keys] with queries along their side."""
    return matrices(weights, s.keys, 1, (s.batch * s.heads,), (s.queries * s.keys,))


def _to_queries(y: Any, s: _Shape, width: int) -> Result:
    """y [batch, queries, heads, width]."""
    row = s.heads * width
    return Result(flat(y), width, row, together=s.heads, batch_step=s.queries * row)


def _scores(q: Any, k: Any, s: _Shape, width: int, scale: float) -> Any:
    """scale * q @ k.T, flat."""
    scores = empty(max(1, s.rows * s.keys), q.dtype)
    result = Result(scores, s.queries * s.keys, s.keys, alpha=scale)
    extents = (s.batch * s.heads, s.queries, s.keys, width)
    multiply(_of_queries(q, s, width), _of_keys(k, s, width), extents, result)
    return scores


# ---- Weights -------------------------------------------------------------------------------------


class _Mask(NamedTuple):
    """The mask as kernels get it: flat, strides by batch, head, query and key, whether there is one
    and whether queries see no later keys."""

    x: Any
    strides: tuple[int, ...]
    masked: bool
    causal: bool


def _mask_of(mask: Any, like: Any, causal: bool) -> _Mask:
    if mask is None:
        return _Mask(flat(like), (0, 0, 0, 0), False, causal)
    shape = tuple(mask.shape)
    steps = [0 if n == 1 else step for n, step in zip(shape, contiguous_strides(shape))]
    return _Mask(flat(mask), (0,) * (4 - len(shape)) + tuple(steps), True, causal)


@compiled
def _sees(mask, at, step, query, key, masked, causal):
    """Whether a query sees a key; the query's part of the mask begins at ``at``."""
    return (not causal or key <= query) and (not masked or mask[at + key * step] != 0)


@compiled
def _mask_begin(strides, row, sizes):
    """Where the row's part of the mask begins."""
    heads, queries, _ = sizes
    outer = row // queries
    return outer // heads * strides[0] + outer % heads * strides[1] + row % queries * strides[2]


@kernel
def _softmax(weights, lse, mask, strides, sizes, masked, causal):
    """Scores become weights; who sees no key at all weighs all alike."""
    row, keys = cuda.blockIdx.x, sizes[2]
    query, at = row % sizes[1], _mask_begin(strides, row, sizes)
    first, top, some = row * keys, -math.inf, 0.0
    for key in range(cuda.threadIdx.x, keys, cuda.blockDim.x):
        if _sees(mask, at, strides[3], query, key, masked, causal):
            top = larger(top, _double(weights[first + key]))
            some = 1.0
    some = _largest(some)
    top = _largest(top)
    if some == 0:
        top = 0.0
    total = 0.0
    for key in range(cuda.threadIdx.x, keys, cuda.blockDim.x):
        if some == 0:
            total += 1.0
        elif _sees(mask, at, strides[3], query, key, masked, causal):
            total += _exp(_double(weights[first + key]) - top)
    total = _sum(total)
    for key in range(cuda.threadIdx.x, keys, cuda.blockDim.x):
        value = 0.0
        if some == 0:
            value = 1.0 / total
        elif _sees(mask, at, strides[3], query, key, masked, causal):
            value = _exp(_double(weights[first + key]) - top) / total
        weights[first + key] = value
    if cuda.threadIdx.x == 0:
        lse[row] = top + _log(total) if keys > 0 else 0.0


@functools.cache
def _factor(dtype: type) -> Any:
    one, zero = dtype(1), dtype(0)

    @compiled
    def factor(drawn, at, rate):
        """What multiplies a weight in a dropout."""
        return one / (one - rate[0]) if drawn[at] != 0 else zero

    return factor


@functools.cache
def _drop(dtype: type) -> Any:
    factor = _factor(dtype)

    @kernel
    def drop(weights, drawn, rate, keys, wide):
        row = cuda.blockIdx.x
        for key in range(cuda.threadIdx.x, keys, cuda.blockDim.x):
            weights[row * keys + key] *= factor(drawn, row * wide + key, rate)

    return drop


def _weights(q: Any, k: Any, lse: Any, mask: _Mask, s: _Shape, scale: float) -> Any:
    weights = _scores(q, k, s, s.width, scale)
    sizes = (s.heads, s.queries, s.keys)
    arguments = (mask.x, mask.strides, sizes, mask.masked, mask.causal)
    launch_rows(_softmax, s.rows, s.keys, weights, lse, *arguments)
    return weights


def attention(
    y: Any,
    lse: Any,
    drawn: Any,
    q: Any,
    k: Any,
    v: Any,
    mask: Any,
    rate: Any,
    state: Any,
    *,
    scale: float = 1.0,
    causal: bool = False,
) -> None:
    """y = softmax(scale q k^T) v by heads."""
    s = _shape(q, k, v)
    if rate is not None:
        require_rate(rate, "attention")
        assign(drawn, state)
    weights = _weights(q, k, flat(lse), _mask_of(mask, lse, causal), s, scale)
    if rate is not None and s.rows * s.keys:
        kept = empty(s.rows * s.drawn, np.uint8)
        draw_mask(kept, rate, state)
        drop = _drop(q.dtype.type)
        launch_rows(drop, s.rows, s.keys, weights, kept, flat(rate), s.keys, s.drawn)
    extents = (s.batch * s.heads, s.queries, s.values, s.keys)
    right = _of_keys(v, s, s.values, turned=True)
    multiply(_of_weights(weights, s), right, extents, _to_queries(y, s, s.values))


# ---- Gradients -----------------------------------------------------------------------------------


@kernel
def _inner_products(delta, dy, y, sizes, values):
    """delta[batch, head, query] = dy . y."""
    row = cuda.blockIdx.x
    heads, queries, _ = sizes
    batch, head = row // queries // heads, row // queries % heads
    first = ((batch * queries + row % queries) * heads + head) * values
    total = 0.0
    for i in range(cuda.threadIdx.x, values, cuda.blockDim.x):
        total += _double(dy[first + i]) * _double(y[first + i])
    total = _sum(total)
    if cuda.threadIdx.x == 0:
        delta[row] = total


@functools.cache
def _score_slopes(dtype: type, dropped: bool) -> Any:
    factor = _factor(dtype)

    @kernel
    def slopes_of(slopes, weights, delta, drawn, rate, wide, scale, mask, strides, sizes, flags):
        """Slopes by weights become those by scores, and weights what multiplied the values."""
        row, keys = cuda.blockIdx.x, sizes[2]
        masked, causal = flags
        query, at = row % sizes[1], _mask_begin(strides, row, sizes)
        for key in range(cuda.threadIdx.x, keys, cuda.blockDim.x):
            here = row * keys + key
            weight, slope = _double(weights[here]), _double(slopes[here])
            if dropped:
                kept = _double(factor(drawn, row * wide + key, rate))
                slope *= kept
                weights[here] = weight * kept
            seen = _sees(mask, at, strides[3], query, key, masked, causal)
            slopes[here] = weight * (slope - delta[row]) * scale if seen else 0.0

    return slopes_of


def _by_keys(to: Any, weights: Any, x: Any, s: _Shape, width: int) -> None:
    """to [batch, keys, groups, width] = weights.T @ x, added up over the heads of a group."""
    size, row = s.queries * s.keys, s.groups * width
    into = Result(flat(to), width, row, together=max(1, s.groups), batch_step=s.keys * row)
    strides = (s.queries * s.heads * width, s.shared * width)
    for head in range(s.shared):
        own, rows = weights[head * size :], flat(x)[head * width :]
        left = matrices(own, 1, s.keys, (s.batch * s.groups,), (s.shared * size,))
        right = matrices(rows, 1, s.heads * width, (s.batch, s.groups), strides)
        extents = (s.batch * s.groups, s.keys, width, s.queries)
        multiply(left, right, extents, into._replace(start=into.y if head else None))


def attention_backward(
    dq: Any,
    dk: Any,
    dv: Any,
    dy: Any,
    y: Any,
    lse: Any,
    q: Any,
    k: Any,
    v: Any,
    mask: Any,
    rate: Any,
    drawn: Any,
    *,
    scale: float = 1.0,
    causal: bool = False,
) -> None:
    """The gradients of attention by q, k and v."""
    s = _shape(q, k, v)
    own, sizes = _mask_of(mask, lse, causal), (s.heads, s.queries, s.keys)
    kept, given_rate, dropped = own.x, flat(lse), rate is not None
    if dropped:
        require_rate(rate, "attention_backward")
        state, given_rate = empty(2, np.int64), flat(rate)
        assign(state, drawn)
        kept = empty(max(1, s.rows * s.drawn), np.uint8)
        draw_mask(kept, rate, state)
    weights = _weights(q, k, empty(max(1, s.rows), lse.dtype), own, s, scale)
    slopes = _scores(dy, v, s, s.values, 1.0)
    delta = empty(max(1, s.rows), _double)
    launch_rows(_inner_products, s.rows, s.values, delta, flat(dy), flat(y), sizes, s.values)
    arguments = (slopes, weights, delta, kept, given_rate, s.drawn, scale)
    seen = (own.x, own.strides, sizes, (own.masked, own.causal))
    launch_rows(_score_slopes(q.dtype.type, dropped), s.rows, s.keys, *arguments, *seen)
    extents = (s.batch * s.heads, s.queries, s.width, s.keys)
    right = _of_keys(k, s, s.width, turned=True)
    multiply(_of_weights(slopes, s), right, extents, _to_queries(dq, s, s.width))
    _by_keys(dk, slopes, q, s, s.width)
    _by_keys(dv, weights, dy, s, s.values)


FUNCTIONS = {"attention": attention, "attention_backward": attention_backward}
