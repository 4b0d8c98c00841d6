"""Reading and adding through indices. Indices are checked first, before anything is written."""

from __future__ import annotations

import functools
import math

import numpy as np

from .compile import Kernel, compiled, kernel
from .movement import cast
from .program import Array, Operand, Scratch, Stage, blocks, stage
from .sorting import order_of

_TASK = 8192
_COLUMNS = 512


@kernel
def find_bad_index(indices, n, extent, low, step, first, code, status, task):
    """Reports the first of indices[first + i * step] that is outside [low, extent)."""
    for i in range(n):
        index = indices[first + i * step]
        if index < low or index >= extent:
            status[0], status[1], status[2] = code, i * step + first, index
            return


@compiled
def bounded(index, extent):
    """An index from the end where it is negative; inside, whatever another thread writes there."""
    index = index + extent if index < 0 else index
    return max(0, min(index, extent - 1))


def _checked(indices: Operand, extent: int, axis: int, wrap: bool) -> Stage:
    numbers = [indices.size, extent, -extent if wrap else 0, 1, 0, axis + 1]
    return stage(find_bad_index, [indices], numbers)


@kernel
def _gathered(y, x, indices, units, count, extent, inner, group, task):
    for unit in range(task * group, min(units, (task + 1) * group)):
        index = bounded(np.int64(indices[unit % count]), extent)
        source = (unit // count * extent + index) * inner
        for i in range(inner):
            y[unit * inner + i] = x[source + i]


def gather(
    y: Array, x: Operand, indices: Operand, *, axis: int, wrap: bool, owner: str = ""
) -> list[Stage]:
    """y = x taken at the indices along the axis."""
    outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    units, group = outer * indices.size, max(1, _TASK // max(1, inner))
    check = _checked(indices, x.shape[axis], axis, wrap)
    if y.size == 0:
        return [check]
    numbers = [units, indices.size, x.shape[axis], inner, group]
    return [check, stage(_gathered, [y, x, indices], numbers, tasks=blocks(units, group))]


@kernel
def _scattered(y, updates, indices, count, extent, inner, across, task):
    """The updates of one block of columns, in ascending order."""
    outer, first = task // across, task % across * _COLUMNS
    last = min(inner, first + _COLUMNS)
    for i in range(count):
        to = (outer * extent + bounded(np.int64(indices[i]), extent)) * inner
        source = (outer * count + i) * inner
        for j in range(first, last):
            y[to + j] += updates[source + j]


def scatter_add(
    y: Operand, updates: Array, indices: Operand, *, axis: int, wrap: bool
) -> list[Stage]:
    """y at the indices += updates."""
    outer, inner = math.prod(y.shape[:axis]), math.prod(y.shape[axis + 1 :])
    across = blocks(inner, _COLUMNS)
    check = _checked(indices, y.shape[axis], axis, wrap)
    if updates.size == 0:
        return [check]
    numbers = [indices.size, y.shape[axis], inner, across]
    return [check, stage(_scattered, [y, updates, indices], numbers, tasks=outer * across)]


@kernel
def _summed_rows(rows, sums, updates, indices, order, spare, n, inner, task):
    """Updates in the order of their rows: those of one row ascending, as the sort is stable."""
    for i in range(n * inner):
        sums[i] = 0
    order_of(order, spare, indices, n)
    found = -1
    for i in range(n):
        row = np.int64(indices[order[i]])
        if found < 0 or row != rows[found]:
            found += 1
            rows[found] = row
        for j in range(inner):
            sums[found * inner + j] += updates[order[i] * inner + j]
    for i in range(found + 1, n):
        rows[i] = -1


def sum_rows(
    rows: Operand, sums: Operand, updates: Operand, indices: Operand, *, extent: int
) -> list[Stage]:
    """The rows that were read, ascending, and the sum of the updates of each."""
    n = indices.size
    check = _checked(indices, extent, 0, False)
    order, spare = Scratch((n,), "int64"), Scratch((n,), "int64")
    arrays: list[Array] = [rows, sums, updates, indices, order, spare]
    return [check, stage(_summed_rows, arrays, [n, sums.size // n if n else 0])]


def _tuple_checks(x: Operand, indices: Operand, batch_dims: int) -> list[Stage]:
    depth = indices.shape[-1]
    count = indices.size // depth if depth else 0
    extents = x.shape[batch_dims : batch_dims + depth]
    return [
        stage(find_bad_index, [indices], [count, extent, -extent, depth, d, batch_dims + d + 1])
        for d, extent in enumerate(extents)
    ]


@kernel
def _gathered_tuples(y, x, indices, count, tuples, depth, addressed, inner, table, task):
    for t in range(count):
        place = 0
        for d in range(depth):
            place = place * table[d] + bounded(np.int64(indices[t * depth + d]), table[d])
        source = (t // tuples * addressed + place) * inner
        for i in range(inner):
            y[t * inner + i] = x[source + i]


@kernel
def _scattered_tuples(y, updates, indices, count, tuples, depth, addressed, inner, table, task):
    for t in range(count):
        place = 0
        for d in range(depth):
            place = place * table[d] + bounded(np.int64(indices[t * depth + d]), table[d])
        to = (t // tuples * addressed + place) * inner
        for i in range(inner):
            y[to + i] += updates[t * inner + i]


def _tuples(x: Operand, indices: Operand, batch_dims: int) -> tuple[list[int], list[int]]:
    """(count, tuples a batch, depth, blocks addressed, elements a block) and the extents."""
    depth = indices.shape[-1]
    extents = x.shape[batch_dims : batch_dims + depth]
    count = math.prod(indices.shape[:-1])
    tuples = max(1, math.prod(indices.shape[batch_dims:-1]))
    inner = math.prod(x.shape[batch_dims + depth :])
    return [count, tuples, depth, math.prod(extents), inner], list(extents)


def gather_nd(y: Operand, x: Operand, indices: Operand, *, batch_dims: int) -> list[Stage]:
    """y[b.., i..] = x[b.., *indices[b.., i.., :]]."""
    numbers, extents = _tuples(x, indices, batch_dims)
    copying = [stage(_gathered_tuples, [y, x, indices], numbers, table=extents)] if y.size else []
    return _tuple_checks(x, indices, batch_dims) + copying


def scatter_nd_add(
    y: Operand, updates: Operand, indices: Operand, *, batch_dims: int
) -> list[Stage]:
    """y[b.., *indices[b.., i.., :]] += updates[b.., i..], in ascending order."""
    numbers, extents = _tuples(y, indices, batch_dims)
    arrays = [y, updates, indices]
    adding = [stage(_scattered_tuples, arrays, numbers, table=extents)] if updates.size else []
    return _tuple_checks(y, indices, batch_dims) + adding


# ---- Batches -------------------------------------------------------------------------------------


@kernel
def _check_batch(permutation, position, rows, n, extent, status, task):
    start = position[0]
    if start < 0 or rows > n or start > n - rows:
        status[0], status[1], status[2] = 1, start, rows
        return
    for i in range(rows if extent >= 0 else 0):
        row = permutation[start + i]
        if row < 0 or row >= extent:
            status[0], status[1], status[2] = 2, start + i, row
            return


@functools.cache
def _batch_kernel(source: str, to: str) -> Kernel:
    convert = cast(source, to)

    def batch_rows(y, x, permutation, position, rows, n, extent, width, group, scale, task):
        start = max(0, min(position[0], n - rows))
        for i in range(task * group, min(rows, (task + 1) * group)):
            source = bounded(permutation[start + i], extent) * width
            for j in range(width):
                y[i * width + j] = convert(x[source + j], scale)

    return Kernel(batch_rows, f"batch_rows {source} {to}")


@kernel
def _move_on(position, rows, task):
    position[0] += rows


def gather_batch(
    ys: list[Operand],
    xs: list[Operand],
    permutation: Operand,
    position: Operand,
    *,
    rows: int,
    dtypes: tuple[int, ...],
    scale: float,
) -> list[Stage]:
    """The next rows of every x, in the order of the permutation."""
    n, extent = permutation.size, xs[0].shape[0] if xs else -1
    stages = [stage(_check_batch, [permutation, position], [rows, n, extent])]
    for i, (y, x) in enumerate(zip(ys, xs)):
        if not y.size:
            continue
        width = y.size // rows
        group = max(1, _TASK // width)
        factor = scale if i < len(dtypes) and dtypes[i] else 1.0
        stages.append(
            stage(
                _batch_kernel(x.dtype, y.dtype),
                [y, x, permutation, position],
                [rows, n, extent, width, group],
                [factor],
                tasks=blocks(rows, group),
            )
        )
    return [*stages, stage(_move_on, [position], [rows])]


PLANNERS = {
    f.__name__: f for f in (gather, scatter_add, sum_rows, gather_nd, scatter_nd_add, gather_batch)
}
