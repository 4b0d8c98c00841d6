"""Reading and adding through indices.

Indices become places: int64, -1 for what is out of range, which is noted as an error, gives zeros
and adds nothing. Adding sorts the places; then a thread adds up the updates of one place and one
column in ascending order, so that the bits are the same every time: it takes as long as the place
with the most updates.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import status
from .arrays import empty, flat
from .cuda import THREADS, cuda, kernel, launch, launch_grid
from .elementwise import cast_function
from .sorting import order_of
from .status import report

_whole = np.int64


def _bad_index(where: int, value: int, name: str, axis: int, extent: int) -> Exception:
    return IndexError(
        f"{name}: index {value} at position {where} is out of range for "
        f"axis {axis} of extent {extent}"
    )


def _bad_id(where: int, value: int, owner: str, extent: int, shape: tuple) -> Exception:
    place: object = where
    if len(shape) > 1:
        place = tuple(int(i) for i in np.unravel_index(where, shape))
    return IndexError(
        f"{owner}: id {value} at position {place} is not in the vocabulary, "
        f"expected 0 to {extent - 1} (input_dim is {extent})"
    )


@kernel
def _find_places(places, indices, count, depth, extents, wrap, blocks, seen, codes):
    """The place of every tuple of ``depth`` indices; ``blocks`` tuples share what they index."""
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        place, inside, addressed = 0, True, 1
        for d in range(len(extents)):
            extent = extents[d]
            index = _whole(indices[i * depth + d]) if depth > 0 else 0
            if index >= extent or index < (-extent if wrap else 0):
                inside = False
                report(seen, codes[d], i * depth + d, index)
            place = place * extent + (index + extent if index < 0 else index)
            addressed *= extent
        places[i] = i // blocks * addressed + place if inside else -1


def _places(indices: Any, extents: tuple, codes: tuple, wrap: bool) -> Any:
    """The places of indices along one axis."""
    return _tuple_places(indices, indices.size, 1, extents, codes, wrap, max(1, indices.size))


def _tuple_places(
    indices: Any, count: int, depth: int, extents: tuple, codes: tuple, wrap: bool, blocks: int
) -> Any:
    places = empty(max(1, count), _whole)
    arguments = places, flat(indices), count, depth, extents, wrap, max(1, blocks)
    launch(_find_places, count, *arguments, status.array(), codes)
    return places


@kernel
def _read(y, x, places, n, count, extent, inner):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        unit, column = i // inner, i % inner
        place = places[unit % count]
        if place >= 0:
            y[i] = x[(unit // count * extent + place) * inner + column]
        else:
            y[i] = 0


@kernel
def _add_runs(y, updates, places, order, n, count, extent, inner):
    """A thread for each place in the order and each column; the first of a place adds them all."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        column, k, outer = i % inner, i // inner % count, i // (inner * count)
        place = places[order[k]]
        if place >= 0 and (k == 0 or places[order[k - 1]] != place):
            at = (outer * extent + place) * inner + column
            total = y[at]
            while k < count and places[order[k]] == place:
                total += updates[(outer * count + order[k]) * inner + column]
                k += 1
            y[at] = total


def _split(x: Any, axis: int) -> tuple[int, int, int, int]:
    axis = axis % x.ndim
    shape = tuple(x.shape)
    return axis, math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def gather(
    y: Any, x: Any, indices: Any, *, axis: int = 0, wrap: bool = True, owner: str = ""
) -> None:
    """y = x taken at the indices along the axis."""
    axis, _, extent, inner = _split(x, axis)
    if owner:
        code = status.code(_bad_id, owner, extent, tuple(indices.shape))
    else:
        code = status.code(_bad_index, "gather", axis, extent)
    places = _places(indices, (extent,), (code,), wrap)
    launch(_read, y.size, flat(y), flat(x), places, y.size, indices.size, extent, inner)


def read_rows(y: Any, x: Any, ids: Any, width: int, name: str) -> None:
    """y = the rows of x of those numbers, all flat. name: of the operation, for messages"""
    extent = x.size // width
    places = _places(ids, (extent,), (status.code(_bad_index, name, 0, extent),), False)
    launch(_read, y.size, y, x, places, y.size, ids.size, extent, width)


def scatter_add(
    y: Any, updates: Any, indices: Any, *, axis: int = 0, wrap: bool = True, name: str = ""
) -> None:
    """y at the indices += updates, in ascending order. name: of the operation, for messages"""
    axis, _, extent, inner = _split(y, axis)
    code = status.code(_bad_index, name or "scatter_add", axis, extent)
    _add_up(y, updates, _places(indices, (extent,), (code,), wrap), indices.size, extent, inner)


def _add_up(y: Any, updates: Any, places: Any, count: int, extent: int, inner: int) -> None:
    n = updates.size
    if n:
        order = order_of(places[:count])
        launch(_add_runs, n, flat(y), flat(updates), places, order, n, count, extent, inner)


def _tuples(name: str, x: Any, indices: Any, batch_dims: int) -> tuple[Any, int, int, int]:
    """Places in x as a list of blocks, the numbers of tuples and blocks, a block's elements."""
    depth, shape = indices.shape[indices.ndim - 1], tuple(x.shape)
    extents = shape[batch_dims : batch_dims + depth]
    codes = tuple(status.code(_bad_index, name, batch_dims + d, e) for d, e in enumerate(extents))
    count = math.prod(tuple(indices.shape)[:-1])
    blocks = math.prod(tuple(indices.shape)[batch_dims:-1])
    inner = math.prod(shape[batch_dims + depth :])
    if not depth:  # a tuple of nothing is the place 0 of its batch
        extents, codes = (1,), (0,)
    places = _tuple_places(indices, count, depth, extents, codes, True, blocks)
    return places, count, math.prod(shape[: batch_dims + depth]), inner


def gather_nd(y: Any, x: Any, indices: Any, *, batch_dims: int = 0) -> None:
    """y[b.., i..] = x[b.., *indices[b.., i.., :]]."""
    places, count, extent, inner = _tuples("gather_nd", x, indices, batch_dims)
    launch(_read, y.size, flat(y), flat(x), places, y.size, count, extent, inner)


def scatter_nd_add(y: Any, updates: Any, indices: Any, *, batch_dims: int = 0) -> None:
    """y[b.., *indices[b.., i.., :]] += updates[b.., i..], in ascending order."""
    places, count, extent, inner = _tuples("scatter_nd_add", y, indices, batch_dims)
    _add_up(y, updates, places, count, extent, inner)


# ---- sum_rows ------------------------------------------------------------------------------------


@kernel
def _number_rows(rows, starts, places, order, count):
    """One block: rows[r] = the r-th different place, starts[r] = where its run begins.

    Each thread counts the beginnings in a share of the order, then writes behind the others'.
    """
    counts = cuda.shared.array(THREADS, _whole)
    thread, threads = cuda.threadIdx.x, cuda.blockDim.x
    share = (count + threads - 1) // threads
    first, last = thread * share, min(count, (thread + 1) * share)
    found = 0
    for k in range(first, last):
        if k == 0 or places[order[k]] != places[order[k - 1]]:
            found += 1
    counts[thread] = found
    cuda.syncthreads()
    at = 0
    for other in range(thread):
        at += counts[other]
    for k in range(first, last):
        if k == 0 or places[order[k]] != places[order[k - 1]]:
            rows[at] = places[order[k]]
            starts[at] = k
            at += 1
    if thread == threads - 1:
        for k in range(at, count):
            rows[k] = -1


@kernel
def _sum_runs(sums, updates, rows, starts, places, order, n, count, inner):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        row, column = i // inner, i % inner
        if rows[row] < 0:
            sums[i] = 0
        else:
            k = starts[row]
            total = updates[order[k] * inner + column]
            k += 1
            while k < count and places[order[k]] == rows[row]:
                total += updates[order[k] * inner + column]
                k += 1
            sums[i] = total


def sum_rows(rows: Any, sums: Any, updates: Any, indices: Any, *, extent: int) -> None:
    """The rows that were read, ascending, and the sum of the updates of each."""
    count = indices.size
    if not count:
        return
    code = status.code(_bad_index, "sum_rows", 0, extent)
    places = _places(indices, (extent,), (code,), False)
    order, starts = order_of(places), empty(count, _whole)
    launch_grid(_number_rows, 1, THREADS, rows, starts, places, order, count)
    n, inner = sums.size, sums.size // count
    arrays = flat(sums), flat(updates), rows, starts, places, order
    launch(_sum_runs, n, *arrays, n, count, inner)


# ---- Batches -------------------------------------------------------------------------------------


def _bad_position(where: int, value: int, n: int) -> Exception:
    return IndexError(
        f"gather_batch: {value} rows from position {where} are outside the permutation of {n} rows"
    )


def _bad_row(where: int, value: int, extent: int) -> Exception:
    return IndexError(
        f"gather_batch: row {value} at position {where} is out of range for arrays of {extent} rows"
    )


@kernel
def _batch_places(places, permutation, position, rows, n, extent, seen, bad_position, bad_row):
    start = position[0]
    fits = 0 <= start <= n - rows
    for i in range(cuda.grid(1), max(1, rows), cuda.gridsize(1)):
        if not fits:
            places[i] = -1
            if i == 0:
                report(seen, bad_position, start, rows)
        elif i < rows:
            row = permutation[start + i]
            places[i] = row
            if (row < 0 or row >= extent) and extent >= 0:
                places[i] = -1
                report(seen, bad_row, start + i, row)


@kernel
def _move_on(position, rows):
    position[0] += rows


@functools.cache
def _read_cast(cast: Any) -> Any:
    @kernel
    def read(y, x, places, n, inner, scale):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            place = places[i // inner]
            if place >= 0:
                value = x[place * inner + i % inner]
                y[i] = cast(value, scale)
            else:
                y[i] = 0

    return read


def gather_batch(
    ys: list,
    xs: list,
    permutation: Any,
    position: Any,
    *,
    rows: int,
    dtypes: tuple[int, ...] = (),
    scale: float = 1.0,
) -> None:
    """The next rows of every x in the order of the permutation, and position + rows."""
    n, extent = permutation.size, xs[0].shape[0] if xs else -1
    places = empty(max(1, rows), _whole)
    codes = status.code(_bad_position, n), status.code(_bad_row, extent)
    arguments = places, permutation, position, rows, n, extent, status.array(), *codes
    launch(_batch_places, max(1, rows), *arguments)
    for i, (y, x) in enumerate(zip(ys, xs)):
        if y.size:
            factor = scale if i < len(dtypes) and dtypes[i] else 1.0
            read = _read_cast(cast_function(str(x.dtype), str(y.dtype)))
            launch(read, y.size, flat(y), flat(x), places, y.size, y.size // rows, factor)
    launch(_move_on, 1, position, rows)


FUNCTIONS = {
    f.__name__: f for f in (gather, scatter_add, gather_nd, scatter_nd_add, sum_rows, gather_batch)
}
