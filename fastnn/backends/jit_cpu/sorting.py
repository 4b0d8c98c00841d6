"""A stable merge sort of numbers' places, bottom up."""

from __future__ import annotations

from .compile import compiled


@compiled
def order_of(order, spare, keys, n):
    """Writes to `order` the places of keys[0 : n], smallest key first; `spare` is as long."""
    for i in range(n):
        order[i] = i
    width = 1
    while width < n:
        for first in range(0, n, 2 * width):
            middle, end = min(first + width, n), min(first + 2 * width, n)
            left, right = first, middle
            for to in range(first, end):
                if left < middle and (right >= end or keys[order[left]] <= keys[order[right]]):
                    spare[to] = order[left]
                    left += 1
                else:
                    spare[to] = order[right]
                    right += 1
        for i in range(n):
            order[i] = spare[i]
        width *= 2
