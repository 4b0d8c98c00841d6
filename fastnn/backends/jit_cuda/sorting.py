"""The order that sorts keys: a bitonic network of pairs of key and place.

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

ascending = compiled(lambda a, b: a < b)


@functools.cache
def _kernels(before: Any) -> tuple[Any, Any]:
    @kernel
    def fill(order, n, padded):
        for i in range(cuda.grid(1), padded, cuda.gridsize(1)):
            order[i] = i if i < n else -1

    @kernel
    def exchange(order, keys, half, size, distance):
        """Puts the pairs of a distance right, in runs of ``size`` that go up and down in turn."""
        for i in range(cuda.grid(1), half, cuda.gridsize(1)):
            low = i // distance * 2 * distance + i % distance
            a, b = order[low], order[low + distance]
            if a < 0 or b < 0:  # padding lies behind everything
                right = b < 0
            else:
                x, y = keys[a], keys[b]
                right = before(x, y) or (not before(y, x) and a < b)
            upward = low // size % 2 == 0
            if right != upward:
                order[low], order[low + distance] = b, a

    return fill, exchange


def order_of(keys: Any, before: Any = ascending) -> Any:
    """int64 [at least len(keys)]: places in keys, flat, in their stable order; then -1.

    ``before(a, b)``: whether key a comes before key b.
    """
    n, padded = keys.size, 1
    while padded < n:
        padded *= 2
    fill, exchange = _kernels(before)
    order = empty(padded, _whole)
    launch(fill, padded, order, n, padded)
    size = 2
    while size <= padded:
        distance = size // 2
        while distance > 0:
            launch(exchange, padded // 2, order, keys, padded // 2, size, distance)
            distance //= 2
        size *= 2
    return order
