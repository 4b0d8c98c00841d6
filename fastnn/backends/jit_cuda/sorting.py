"""The order that sorts rows of keys: a bitonic network of pairs of key and place.

K. Batcher, "Sorting networks and their applications" (1968): log2(n)^2 / 2 passes over the memory,
each a launch. As no two pairs are equal, the order is that of a stable sort.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .arrays import empty
from .cuda import compiled, cuda, kernel, launch

_whole = np.int64

# NaN counts as the largest number.
ascending = compiled(lambda a, b: (a < b) | ((a == a) & (b != b)))
descending = compiled(lambda a, b: (a > b) | ((a != a) & (b == b)))


@functools.cache
def _kernels(before: Any) -> tuple[Any, Any]:
    @kernel
    def fill(order, count, n, padded):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            order[i] = i % padded if i % padded < n else -1

    @kernel
    def exchange(order, keys, count, n, padded, size, distance):
        """Puts the pairs of a distance right, in runs of ``size`` that go up and down in turn."""
        half = padded // 2
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            row, pair = i // half, i % half
            low = pair // distance * 2 * distance + pair % distance
            at = row * padded + low
            a, b = order[at], order[at + distance]
            if a < 0 or b < 0:  # padding lies behind everything
                right = b < 0
            else:
                x, y = keys[row * n + a], keys[row * n + b]
                right = before(x, y) or (not before(y, x) and a < b)
            upward = low // size % 2 == 0
            if right != upward:
                order[at], order[at + distance] = b, a

    return fill, exchange


def padded_length(n: int) -> int:
    """The power of two that a row of n is sorted in."""
    return 1 << max(0, n - 1).bit_length()


def order_of(keys: Any, before: Any = ascending, rows: int = 1) -> Any:
    """int64, flat [rows, padded_length(n)]: places in each row of keys in stable order; then -1.

    keys: flat [rows, n]. ``before(a, b)``: whether key a comes before key b.
    """
    n = keys.size // rows
    padded = padded_length(n)
    fill, exchange = _kernels(before)
    order = empty(rows * padded, _whole)
    launch(fill, order.size, order, order.size, n, padded)
    pairs, size = order.size // 2, 2
    while size <= padded:
        distance = size // 2
        while distance > 0:
            launch(exchange, pairs, order, keys, pairs, n, padded, size, distance)
            distance //= 2
        size *= 2
    return order
