"""Reductions: reduce, arg_reduce, reduce_list, moments.

An array is seen as [outer, n, inner] with n reduced; axes that are not neighbours are brought
together first. Sums are made of chains of at most 256 elements, whose totals are added in turn:
what is added in which order depends on the shape alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import elementary
from .compile import Kernel, compiled, kernel
from .loops import elementwise, permuted
from .program import BLOCK, Array, Operand, Scratch, Stage, blocks, stage

CHAIN = 256  # elements added one after another
PIECE = 16_384  # elements of a long row that one task folds
COLUMNS = 512  # columns that one task folds

_add = compiled(lambda s, x: s + x)
_multiply = compiled(lambda s, x: s * x)
_larger = compiled(lambda s, x: s if (s >= x) | (s != s) else x)
_smaller = compiled(lambda s, x: s if (s <= x) | (s != s) else x)
_either = compiled(lambda s, x: s | x)
_both = compiled(lambda s, x: s & x)
FOLDS = {"add": _add, "multiply": _multiply, "larger": _larger, "smaller": _smaller}
FOLDS |= {"either": _either, "both": _both}

_same = compiled(lambda x: x)
_square = compiled(lambda x: x * x)
_wide_square = compiled(lambda x: np.float64(x) * np.float64(x))
_magnitude = compiled(lambda x: -x if x < 0 else x)
_true = compiled(lambda x: np.uint8(x != 0))
_finite = compiled(lambda x: np.uint8(abs(x) < math.inf))
MAPS = {"same": _same, "square": _square, "magnitude": _magnitude, "wide_square": _wide_square}
MAPS |= {"true": _true, "finite": _finite}

_whole = compiled(lambda total, count: total)
_average = compiled(lambda total, count: total / count)
FINISHES = {"whole": _whole, "average": _average}

# op code: map of an element, fold, what becomes of the total
_REDUCE = {
    "sum": ("same", "add", "whole"),
    "mean": ("same", "add", "average"),
    "max": ("same", "larger", "whole"),
    "min": ("same", "smaller", "whole"),
    "prod": ("same", "multiply", "whole"),
    "any": ("true", "either", "whole"),
    "all": ("true", "both", "whole"),
    "sum_squares": ("square", "add", "whole"),
    "abs_sum": ("magnitude", "add", "whole"),
    "wide_sum_squares": ("wide_square", "add", "whole"),
    "all_finite": ("finite", "both", "whole"),
}


def identity(fold: str, dtype: str) -> Any:
    """What changes nothing when it is folded in."""
    info: Any = np.finfo(dtype) if dtype.startswith("float") else np.iinfo(_integer(dtype))
    low, high = (-np.inf, np.inf) if dtype.startswith("float") else (info.min, info.max)
    value = {"add": 0, "multiply": 1, "larger": low, "smaller": high, "either": 0, "both": 1}[fold]
    return np.dtype(_integer(dtype)).type(value)


def _integer(dtype: str) -> str:
    return "uint8" if dtype == "bool" else dtype


@functools.cache
def _row_kernel(mapping: str, fold: str, finish: str, dtype: str) -> Kernel:
    """y[at + u] = fold of piece u % pieces of row u // pieces; y's elements have that type."""
    start = identity(fold, dtype)
    convert = np.dtype(_integer(dtype)).type
    element, add, end = MAPS[mapping], FOLDS[fold], FINISHES[finish]

    def fold_rows(y, x, n, pieces, units, group, at, count, task):
        for unit in range(task * group, min(units, (task + 1) * group)):
            first = unit % pieces * PIECE
            last = min(n, first + PIECE)
            base = unit // pieces * n
            total = start
            for chain in range(first, last, 8 * CHAIN):
                # Eight chains side by side: one vector register.
                s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = start
                stop = min(last, chain + 8 * CHAIN)
                whole = chain + (stop - chain) // 8 * 8
                for i in range(base + chain, base + whole, 8):
                    s0 = add(s0, convert(element(x[i])))
                    s1 = add(s1, convert(element(x[i + 1])))
                    s2 = add(s2, convert(element(x[i + 2])))
                    s3 = add(s3, convert(element(x[i + 3])))
                    s4 = add(s4, convert(element(x[i + 4])))
                    s5 = add(s5, convert(element(x[i + 5])))
                    s6 = add(s6, convert(element(x[i + 6])))
                    s7 = add(s7, convert(element(x[i + 7])))
                s0, s1 = convert(add(s0, s4)), convert(add(s1, s5))
                s2, s3 = convert(add(s2, s6)), convert(add(s3, s7))
                s0 = convert(add(convert(add(s0, s2)), convert(add(s1, s3))))
                for i in range(base + whole, base + stop):
                    s0 = convert(add(s0, convert(element(x[i]))))
                total = convert(add(total, s0))
            y[at + unit] = end(total, convert(count))

    return Kernel(fold_rows, f"fold_rows {mapping} {fold} {finish} {dtype}")


@functools.cache
def _column_kernel(mapping: str, fold: str, finish: str, dtype: str) -> Kernel:
    """y[at + o, piece, j] = fold over the piece's rows of x[o, row, j], some columns a task."""
    convert = np.dtype(_integer(dtype)).type
    element, add, end = MAPS[mapping], FOLDS[fold], FINISHES[finish]

    def fold_columns(y, x, n, inner, pieces, across, at, count, task):
        unit, first = task // across, task % across * COLUMNS
        last = min(inner, first + COLUMNS)
        row = unit % pieces * CHAIN
        stop = min(n, row + CHAIN)
        base = (unit // pieces * n + row) * inner
        to = at + unit * inner
        for j in range(first, last):
            y[to + j] = convert(element(x[base + j]))
        for _ in range(row + 1, stop):
            base += inner
            for j in range(first, last):
                y[to + j] = convert(add(y[to + j], convert(element(x[base + j]))))
        for j in range(first, last):
            y[to + j] = end(y[to + j], convert(count))

    return Kernel(fold_columns, f"fold_columns {mapping} {fold} {finish} {dtype}")


@kernel
def fill(y, first, last, value, task):
    """y[first : last] = value."""
    for i in range(first, last):
        y[i] = value


def fold(y: Array, x: Array, layout: tuple[int, int, int], op: str, at: int = 0) -> list[Stage]:
    """The stages of y [outer, inner] = op of x [outer, n, inner] over n, from y[at] on."""
    mapping, fold, finish = _REDUCE[op]
    outer, n, inner = layout
    count = n
    if outer * inner == 0:
        return []
    if n == 0:
        empty = math.nan if op == "mean" else float(identity(fold, y.dtype))
        return [stage(fill, [y], [at, at + outer * inner], [empty])]
    stages: list[Stage] = []
    while True:
        pieces = blocks(n, PIECE if inner == 1 else CHAIN)
        last = pieces == 1
        to: Array = y if last else Scratch((outer, pieces, inner), y.dtype)
        kind = (mapping, fold, finish if last else "whole", y.dtype)
        if inner == 1:
            units, group = outer * pieces, max(1, BLOCK // n)
            numbers = [n, pieces, units, group, at if last else 0, count]
            stages.append(stage(_row_kernel(*kind), [to, x], numbers, tasks=blocks(units, group)))
        else:
            across = blocks(inner, COLUMNS)
            numbers = [n, inner, pieces, across, at if last else 0, count]
            tasks = outer * pieces * across
            stages.append(stage(_column_kernel(*kind), [to, x], numbers, tasks=tasks))
        if last:
            return stages
        x, n, mapping = to, pieces, "same"


def layout(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, int, int] | None:
    """(outer, n, inner) where the axes, apart from those of extent 1, are neighbours; else None."""
    axes = [axis for axis in axes if shape[axis] != 1]
    if not axes:
        return math.prod(shape), 1, 1
    first, last = min(axes), max(axes)
    if any(shape[i] != 1 for i in range(first, last + 1) if i not in axes):
        return None
    between = math.prod(shape[first : last + 1])
    return math.prod(shape[:first]), between, math.prod(shape[last + 1 :])


def gathered(x: Array, axes: Sequence[int]) -> tuple[Array, tuple[int, int, int], list[Stage]]:
    """x with its reduced axes together: the array, its layout and the stages that copy, if any."""
    view = layout(x.shape, axes)
    if view:
        return x, view, []
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    copy, stages = permuted(x, [*kept, *axes])
    n = math.prod(x.shape[axis] for axis in axes)
    return copy, (math.prod(x.shape[axis] for axis in kept), n, 1), stages


@functools.cache
def _logsumexp_kernel(dtype: str) -> Kernel:
    """log of the sum of exp(x) over [outer, n, inner], the largest element taken out."""
    exp = getattr(elementary, f"exp{dtype[-2:]}")
    convert = np.dtype(dtype).type
    low, zero = convert(-np.inf), convert(0)

    def logsumexp(y, x, n, inner, units, group, task):
        for unit in range(task * group, min(units, (task + 1) * group)):
            base = unit // inner * n * inner + unit % inner
            top = low
            for r in range(n):
                v = x[base + r * inner]
                top = v if (v > top) | (v != v) else top
            shift = top if abs(top) < math.inf else zero
            total = zero
            for chain in range(0, n, CHAIN):
                part = zero
                for r in range(chain, min(n, chain + CHAIN)):
                    part += exp(x[base + r * inner] - shift)
                total += part
            y[unit] = math.log(total) + shift

    return Kernel(logsumexp, f"logsumexp {dtype}")


def reduce(
    y: Operand, x: Operand, *, op: str, axes: tuple[int, ...], keepdims: bool
) -> list[Stage]:
    """y = op over the axes."""
    source, view, stages = gathered(x, axes)
    if op != "logsumexp":
        return stages + fold(y, source, view, op)
    outer, n, inner = view
    units, group = outer * inner, max(1, 4096 // max(1, n))
    numbers = [n, inner, units, group]
    kernel_ = _logsumexp_kernel(x.dtype)
    return [*stages, stage(kernel_, [y, source], numbers, tasks=blocks(units, group))]


def mean(y: Array, x: Array, axes: Sequence[int]) -> list[Stage]:
    """y = the mean of x over the axes."""
    source, view, stages = gathered(x, axes)
    return stages + fold(y, source, view, "mean")


@functools.cache
def _arg_kernel(op: str) -> Kernel:
    better = compiled((lambda v, b: v > b) if op == "argmax" else (lambda v, b: v < b))

    def arg_reduce(y, x, n, inner, units, group, task):
        for unit in range(task * group, min(units, (task + 1) * group)):
            base = unit // inner * n * inner + unit % inner
            best, place = x[base], 0
            for r in range(1, n):
                v = x[base + r * inner]
                if (better(v, best) | (v != v)) & (best == best):
                    best, place = v, r
            y[unit] = place

    return Kernel(arg_reduce, f"arg_reduce {op}")


@functools.cache
def _arg_row_kernel(op: str) -> Kernel:
    """The same for contiguous rows: the best of each chain, in eight parts, then its place."""
    extreme = FOLDS["larger" if op == "argmax" else "smaller"]

    def arg_rows(y, x, n, units, group, task):
        for unit in range(task * group, min(units, (task + 1) * group)):
            base = unit * n
            best, at = x[base], base
            for first in range(base, base + n, CHAIN):
                stop = min(base + n, first + CHAIN)
                whole = first + (stop - first) // 8 * 8
                s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = x[first]
                for i in range(first, whole, 8):
                    s0, s1 = extreme(s0, x[i]), extreme(s1, x[i + 1])
                    s2, s3 = extreme(s2, x[i + 2]), extreme(s3, x[i + 3])
                    s4, s5 = extreme(s4, x[i + 4]), extreme(s5, x[i + 5])
                    s6, s7 = extreme(s6, x[i + 6]), extreme(s7, x[i + 7])
                s0, s1 = extreme(extreme(s0, s4), s1), extreme(extreme(s2, s6), s5)
                s0 = extreme(extreme(s0, s1), extreme(s3, s7))
                for i in range(whole, stop):
                    s0 = extreme(s0, x[i])
                if (best == best) & (extreme(best, s0) != best):  # NaN, the first, stays
                    best, at = s0, first
            while (x[at] != best) & (x[at] == x[at]):
                at += 1
            y[unit] = at - base

    return Kernel(arg_rows, f"arg_rows {op}")


def arg_reduce(y: Operand, x: Operand, *, op: str, axis: int, keepdims: bool) -> list[Stage]:
    """y = where the largest or smallest element along the axis is."""
    n, inner = x.shape[axis], math.prod(x.shape[axis + 1 :])
    units, group = y.size, max(1, 4096 // max(1, n))
    if inner == 1 and n >= 64:
        kernel_ = _arg_row_kernel(op)
        return [stage(kernel_, [y, x], [n, units, group], tasks=blocks(units, group))]
    numbers = [n, inner, units, group]
    return [stage(_arg_kernel(op), [y, x], numbers, tasks=blocks(units, group))]


def reduce_list(y: Operand, xs: list[Operand], *, op: str) -> list[Stage]:
    """y = op over all elements of all arrays."""
    xs = [x for x in xs if x.size]
    dtype = y.dtype
    mapping, folding, _ = _REDUCE[op]
    parts = Scratch((sum(blocks(x.size, PIECE) for x in xs),), dtype)
    stages, at = [], 0
    for x in xs:
        pieces = blocks(x.size, PIECE)
        numbers = [x.size, pieces, pieces, 1, at, 1]
        rows = _row_kernel(mapping, folding, "whole", dtype)
        stages.append(stage(rows, [parts, x], numbers, tasks=pieces))
        at += pieces
    again = {"add": "sum", "larger": "max", "both": "all"}[folding]
    return stages + fold(y, parts, (1, parts.size, 1), again)


_squared_distance = compiled(lambda x, centre: (x - centre) * (x - centre))


def moments(
    mean_: Operand, variance: Operand, x: Operand, *, axes: tuple[int, ...], keepdims: bool
) -> list[Stage]:
    """The mean and the mean squared distance from it."""
    kept = [1 if axis in axes else extent for axis, extent in enumerate(x.shape)]
    distances = Scratch(x.shape, x.dtype)
    centre = mean_.reshaped(*kept)
    name = "squared_distance"
    return [
        *mean(mean_, x, axes),
        *elementwise(name, _squared_distance, distances, [x, centre]),
        *mean(variance, distances, axes),
    ]


PLANNERS = {f.__name__: f for f in (reduce, arg_reduce, reduce_list, moments)}
