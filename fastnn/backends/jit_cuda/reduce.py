"""reduce, arg_reduce, reduce_list, moments.

An array is seen as (outer, n, inner), of which n goes. Where inner is 1 and n large a block adds up
a row, else a thread a column; a long n is cut into parts, whose results are folded once more. All
of that depends on shapes alone, and so do the bits. Floats are folded in float64, integers in
int64.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import mathematics
from .arrays import Strided, contiguous_strides, empty, flat
from .cuda import THREADS, compiled, cuda, kernel, launch, launch_rows, simulated
from .elementwise import copy
from .loops import elementwise
from .tree import add, larger, smaller, tree

_CHUNK = 8 if simulated else 4096  # the shortest part that n is cut into
_UNITS = 8 if simulated else 1 << 16  # threads at work from which on n is not cut
_ROW = THREADS // 8 or 2  # the n from which on a row gets a block
_exp, _log = mathematics.exp, mathematics.log
_double, _whole = np.float64, np.int64


class Fold(NamedTuple):
    """y = finish(value(x_1, c) combine value(x_2, c) combine ..., n), from ``start`` on."""

    start: Any
    value: Callable
    combine: Callable
    finish: Callable


# What stands for x: c is the number given for the whole column.
_itself = compiled(lambda x, c: x)
_square = compiled(lambda x, c: x * x)
_size = compiled(lambda x, c: -x if x < 0 else x)
_truth = compiled(lambda x, c: _whole(x != 0))
_finite = compiled(lambda x, c: _whole(abs(_double(x)) < math.inf))
_exp_distance = compiled(lambda x, c: _exp(x - c))
_square_distance = compiled(lambda x, c: (x - c) * (x - c))
_total = compiled(lambda total, n: total)
_average = compiled(lambda total, n: total / n)
_shift = compiled(lambda total, n: total if abs(total) < math.inf else 0.0)
_times = compiled(lambda a, b: a * b)

_VALUES = {
    "sum": _itself,
    "mean": _itself,
    "max": _itself,
    "min": _itself,
    "prod": _itself,
    "sum_squares": _square,
    "abs_sum": _size,
    "any": _truth,
    "all": _truth,
    "all_finite": _finite,
    "shift": _itself,  # the maximum, or 0 if that is not finite
    "exp_distance": _exp_distance,
    "square_distance": _square_distance,
}
_COMBINES = dict.fromkeys(_VALUES, add) | {
    "max": larger,
    "shift": larger,
    "any": larger,
    "min": smaller,
    "all": smaller,
    "all_finite": smaller,
    "prod": _times,
}
_FINISHES = {"mean": _average, "square_distance": _average, "shift": _shift}
_TRUTHS = ("any", "all", "all_finite")
_INT64 = np.iinfo(np.int64)


def _start(name: str, kind: type) -> Any:
    combine = _COMBINES[name]
    if combine is larger:
        return kind(0 if name == "any" else -math.inf if kind is _double else _INT64.min)
    if combine is smaller:
        return kind(1 if name in _TRUTHS else math.inf if kind is _double else _INT64.max)
    return kind(1 if combine is _times else 0)


def _kind(name: str, dtype: Any) -> type:
    """The type that values are folded in."""
    return _double if np.dtype(dtype).kind == "f" and name not in _TRUTHS else _whole


@functools.cache
def _kernels(value: Any, combine: Any, finish: Any, start: Any, kind: Any, wide: Any) -> Any:
    """``wide`` is what x becomes before its value is taken."""
    total_of = tree(combine, kind)

    @kernel
    def by_rows(y, x, centre, n, parts, chunk, count):
        row, part = cuda.blockIdx.x // parts, cuda.blockIdx.x % parts
        first, last = part * chunk, min(n, (part + 1) * chunk)
        total = start
        for k in range(first + cuda.threadIdx.x, last, cuda.blockDim.x):
            total = combine(total, value(wide(x[row * n + k]), centre[row]))
        total = total_of(total)
        if cuda.threadIdx.x == 0:
            y[cuda.blockIdx.x] = finish(total, count)

    @kernel
    def by_columns(y, x, centre, units, n, inner, parts, chunk, count):
        for unit in range(cuda.grid(1), units, cuda.gridsize(1)):
            column, part = unit % inner, unit // inner % parts
            outer = unit // (inner * parts)
            total = start
            for k in range(part * chunk, min(n, (part + 1) * chunk)):
                at = (outer * n + k) * inner + column
                total = combine(total, value(wide(x[at]), centre[outer * inner + column]))
            y[unit] = finish(total, count)

    return by_rows, by_columns


def _run(kernels: Any, y: Any, x: Any, centre: Any, extents: tuple, parts: int, count: int) -> None:
    outer, n, inner = extents
    by_rows, by_columns = kernels
    chunk = -(-n // parts)
    if inner == 1 and n > _ROW:
        launch_rows(by_rows, outer * parts, chunk, y, x, centre, n, parts, chunk, count)
    else:
        units = outer * parts * inner
        launch(by_columns, units, y, x, centre, units, n, inner, parts, chunk, count)


def fold(y: Any, x: Any, extents: tuple[int, int, int], name: str, centre: Any = None) -> None:
    """y (flat) = what is called ``name`` of x (flat), seen as (outer, n, inner), along n.

    ``centre``: a float64 number for each of outer x inner, for what takes distances.
    """
    outer, n, inner = extents
    kind = _kind(name, x.dtype)
    wide = np.dtype(x.dtype).type if name in _TRUTHS else kind
    value, combine, start = _VALUES[name], _COMBINES[name], _start(name, kind)
    finish = _FINISHES.get(name, _total)
    centre = x if centre is None else centre
    units = outer * inner * (THREADS if inner == 1 and n > _ROW else 1)
    parts = max(1, min(-(-n // _CHUNK), _UNITS // max(1, units)))
    if parts == 1:
        kernels = _kernels(value, combine, finish, start, kind, wide)
        _run(kernels, y, x, centre, extents, 1, n)
        return
    partial = empty(outer * parts * inner, kind)
    _run(_kernels(value, combine, _total, start, kind, wide), partial, x, centre, extents, parts, n)
    kernels = _kernels(_itself, combine, finish, start, kind, kind)
    _run(kernels, y, partial, partial, (outer, parts, inner), 1, n)


def as_blocks(x: Any, axes: Sequence[int]) -> tuple[Any, tuple[int, int, int]]:
    """x, flat, and (outer, n, inner), n the extent of the axes; packed if they lie apart."""
    shape, rank = tuple(x.shape), x.ndim
    gone = sorted({axis % rank for axis in axes if shape[axis] != 1}) if rank else []
    if not gone:
        return flat(x), (x.size, 1, 1)
    first, last = gone[0], gone[-1] + 1
    if all(axis in gone or shape[axis] == 1 for axis in range(first, last)):
        extents = math.prod(shape[:first]), math.prod(shape[first:last]), math.prod(shape[last:])
        return flat(x), extents
    order = [axis for axis in range(rank) if axis not in gone] + gone
    strides = contiguous_strides(shape)
    packed = empty(x.size, x.dtype)
    moved = tuple(shape[axis] for axis in order)
    view = Strided(flat(x), 0, moved, tuple(strides[axis] for axis in order))
    if x.size:
        copy(packed.reshape(moved), view, dtype=str(x.dtype))
    n = math.prod(shape[axis] for axis in gone)
    return packed, (math.prod(moved[: rank - len(gone)]), n, 1)


_log_sum = compiled(lambda total, shift: _log(total) + shift)


def reduce(y: Any, x: Any, *, op: str, axes: tuple[int, ...], keepdims: bool = False) -> None:
    """y = op over the axes."""
    if not y.size:
        return
    x, extents = as_blocks(x, axes)
    y = flat(y)
    if op != "logsumexp":
        fold(y, x, extents, op)
        return
    shift, total = empty(y.size, _double), empty(y.size, _double)
    fold(shift, x, extents, "shift")
    fold(total, x, extents, "exp_distance", shift)
    elementwise(_log_sum, [y], [total, shift])


def moments(
    mean: Any, variance: Any, x: Any, *, axes: tuple[int, ...], keepdims: bool = False
) -> None:
    """Mean and biased variance: the mean of the squared distances from the mean."""
    if not mean.size:
        return
    x, extents = as_blocks(x, axes)
    centre = empty(mean.size, _double)
    fold(centre, x, extents, "mean")
    fold(flat(variance), x, extents, "square_distance", centre)
    copy(flat(mean), centre, dtype=str(mean.dtype))


def reduce_list(y: Any, xs: list, *, op: str) -> None:
    """One number over all elements of all arrays."""
    xs = [x for x in xs if x.size]
    results = empty(max(1, len(xs)), _whole if op == "all_finite" else _kind(op, y.dtype))
    for i, x in enumerate(xs):
        fold(results[i : i + 1], flat(x), (1, x.size, 1), op)
    again = {"sum_squares": "sum", "abs_sum": "sum", "all_finite": "all"}.get(op, op)
    fold(flat(y), results, (1, len(xs), 1), again)


# ---- Where the largest is ------------------------------------------------------------------------


@functools.cache
def _arg_kernel(largest: bool, kind: Any) -> Any:
    @compiled
    def beats(a, i, b, j):
        """Whether a at i comes before b at j: NaN before numbers, then the first of equals."""
        if a != a or b != b:
            return a != a and (b == b or i < j)
        if a == b:
            return i < j
        return a > b if largest else a < b

    @kernel
    def where(y, x, n, inner):
        values = cuda.shared.array(THREADS, kind)
        places = cuda.shared.array(THREADS, _whole)
        thread = cuda.threadIdx.x
        first = cuda.blockIdx.x // inner * n * inner + cuda.blockIdx.x % inner
        place = min(thread, n - 1)
        best = kind(x[first + place * inner])
        for k in range(thread + cuda.blockDim.x, n, cuda.blockDim.x):
            value = kind(x[first + k * inner])
            if beats(value, k, best, place):
                best, place = value, k
        values[thread], places[thread] = best, place
        cuda.syncthreads()
        half = cuda.blockDim.x // 2
        while half > 0:
            if thread < half:
                other, at = values[thread + half], places[thread + half]
                if beats(other, at, values[thread], places[thread]):
                    values[thread], places[thread] = other, at
            cuda.syncthreads()
            half //= 2
        if thread == 0:
            y[cuda.blockIdx.x] = places[0]

    return where


def arg_reduce(y: Any, x: Any, *, op: str, axis: int, keepdims: bool = False) -> None:
    """The index of the largest or smallest element along the axis."""
    shape = tuple(x.shape)
    axis = axis % x.ndim
    n, inner = shape[axis], math.prod(shape[axis + 1 :])
    kind = _double if x.dtype.kind == "f" else _whole
    launch_rows(_arg_kernel(op == "argmax", kind), y.size, n, flat(y), flat(x), n, inner)


FUNCTIONS = {f.__name__: f for f in (reduce, arg_reduce, reduce_list, moments)}
