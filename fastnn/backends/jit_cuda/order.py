"""What goes along one axis: cumulative, cumulative_prod_backward, sort, searchsorted."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import sorting
from .arrays import Strided, empty, flat
from .cuda import compiled, cuda, kernel, launch, simulated
from .elementwise import copy
from .tree import add

_PART = 4 if simulated else 256  # elements of a line that a thread walks, at least
_PARTS = 256  # of a line, at most
_double, _whole = np.float64, np.int64
_ascending = sorting.ascending
_times = compiled(lambda a, b: a * b)


def _lines(x: Any, axis: int) -> tuple[int, int, int]:
    """(outer, n, inner) for n the extent of the axis."""
    shape, axis = tuple(x.shape), axis % x.ndim
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


# ---- Running sums and products -------------------------------------------------------------------


@functools.cache
def _cumulative(product: bool, kind: Any) -> tuple[Any, Any]:
    # A sum from -0.0 on, as -0.0 alone stays what it is.
    combine, start = (_times, kind(1)) if product else (add, kind(-0.0))

    @kernel
    def totals(found, x, units, n, inner, parts, part, reverse):
        """What each part of a line adds up to."""
        for unit in range(cuda.grid(1), units, cuda.gridsize(1)):
            column, p = unit % inner, unit // inner % parts
            first = unit // (inner * parts) * n
            total = start
            for k in range(p * part, min(n, (p + 1) * part)):
                place = n - 1 - k if reverse else k
                total = combine(total, kind(x[(first + place) * inner + column]))
            found[unit] = total

    @kernel
    def walk(y, x, found, units, n, inner, parts, part, reverse):
        """Each part from the totals of those before it on."""
        for unit in range(cuda.grid(1), units, cuda.gridsize(1)):
            column, p = unit % inner, unit // inner % parts
            outer = unit // (inner * parts)
            total = start
            for before in range(p):
                total = combine(total, found[(outer * parts + before) * inner + column])
            for k in range(p * part, min(n, (p + 1) * part)):
                place = n - 1 - k if reverse else k
                at = (outer * n + place) * inner + column
                total = combine(total, kind(x[at]))
                y[at] = total

    return totals, walk


def cumulative(y: Any, x: Any, *, op: str, axis: int, reverse: bool = False) -> None:
    """y[i] = x[0] op x[1] op ... op x[i] along the axis; reverse: from the end."""
    if not x.size:
        return
    outer, n, inner = _lines(x, axis)
    kind = _double if x.dtype.kind == "f" else _whole
    part = max(_PART, -(-n // _PARTS))
    parts = -(-n // part)
    totals, walk = _cumulative(op == "prod", kind)
    found, units = empty(outer * parts * inner, kind), outer * parts * inner
    numbers = units, n, inner, parts, part, reverse
    if parts > 1:
        launch(totals, units, found, flat(x), *numbers)
    launch(walk, units, flat(y), flat(x), found, *numbers)


@kernel
def _prod_backward(dx, dy, x, y, units, n, inner, reverse):
    """A thread a line: s[i] = dy[i] + x[i + 1] s[i + 1], dx[i] = y[i - 1] s[i]."""
    for unit in range(cuda.grid(1), units, cuda.gridsize(1)):
        first, step = unit // inner * n * inner + unit % inner, inner
        if reverse:
            first, step = first + (n - 1) * inner, -inner
        s = 0.0
        for i in range(n - 1, -1, -1):
            at = first + i * step
            s = _double(dy[at]) + (_double(x[at + step]) * s if i < n - 1 else 0.0)
            dx[at] = s * (_double(y[at - step]) if i > 0 else 1.0)


def cumulative_prod_backward(
    dx: Any, dy: Any, x: Any, y: Any, *, axis: int, reverse: bool = False
) -> None:
    """The gradient of y = cumulative(x, prod), without a division."""
    outer, n, inner = _lines(x, axis)
    units = outer * inner if n else 0
    arrays = flat(dx), flat(dy), flat(x), flat(y)
    launch(_prod_backward, units, *arrays, units, n, inner, reverse)


# ---- Sorting -------------------------------------------------------------------------------------


@kernel
def _take(values, indices, x, order, total, count, n, inner, padded, want_values, want_indices):
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        outer, k, column = i // (count * inner), i // inner % count, i % inner
        place = order[(outer * inner + column) * padded + k]
        if want_values:
            values[i] = x[(outer * n + place) * inner + column]
        if want_indices:
            indices[i] = place


def sort(
    values: Any,
    indices: Any,
    x: Any,
    *,
    axis: int,
    descending: bool = False,
    count: int = -1,
    want_values: bool = True,
    want_indices: bool = True,
) -> None:
    """The first elements along the axis in order, and where they were."""
    outer, n, inner = _lines(x, axis)
    count = n if count == -1 else count
    total = outer * count * inner
    if not total:
        return
    keys = flat(x)
    if inner > 1:  # lines side by side
        keys = empty(x.size, x.dtype)
        view = Strided(flat(x), 0, (outer, inner, n), (n * inner, 1, inner))
        copy(keys.reshape((outer, inner, n)), view, dtype=str(x.dtype))
    before = sorting.descending if descending else sorting.ascending
    order = sorting.order_of(keys, before, outer * inner)
    written = values if values is not None else x, indices if indices is not None else order
    numbers = total, count, n, inner, sorting.padded_length(n)
    wanted = values is not None, indices is not None
    launch(_take, total, *map(flat, written), flat(x), order, *numbers, *wanted)


@kernel
def _searchsorted(y, edges, x, total, n, right):
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            if right:
                behind = not _ascending(x[i], edges[middle])
            else:
                behind = _ascending(edges[middle], x[i])
            if behind:
                low = middle + 1
            else:
                high = middle
        y[i] = low


def searchsorted(y: Any, edges: Any, x: Any, *, right: bool = False) -> None:
    """How many of the ascending edges lie before each x; right: or equal it."""
    launch(_searchsorted, x.size, flat(y), edges, flat(x), x.size, edges.size, right)


FUNCTIONS = {f.__name__: f for f in (cumulative, cumulative_prod_backward, sort, searchsorted)}
