"""Windows over one to three spatial axes, as a table of numbers that kernels read.

Fewer axes are three of which the first have extent 1. The table holds three numbers each of:
extents, windows' extents, what they reach (outputs), strides, dilation, padding before and after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from fastnn.backends.reference.windows import Windows

from .compile import compiled

EXTENT, WINDOW, OUT, STRIDE, DILATION, BEFORE, AFTER = range(0, 21, 3)


class Geometry:
    """Where windows lie; see fastnn.backends.reference.windows for the arguments."""

    def __init__(
        self,
        extents: Sequence[int],
        window: Sequence[int],
        strides: Sequence[int] = (),
        pads: Sequence[int] = (),
        dilation: Sequence[int] = (),
        ceil: bool = False,
    ) -> None:
        w = Windows(
            tuple(extents), tuple(window), tuple(strides), tuple(pads), tuple(dilation), ceil
        )
        rank = len(extents)
        pads = tuple(pads) or (0, 0) * rank
        self.taps = math.prod(window)
        self.outputs = math.prod(w.out)
        self.elements = math.prod(extents)
        rows = [extents, window, w.out, w.strides, w.dilation, pads[::2], pads[1::2]]
        fills = [1, 1, 1, 1, 1, 0, 0]
        self.table = [
            number for row, fill in zip(rows, fills) for number in (*[fill] * (3 - rank), *row)
        ]


@compiled
def element_of(table, output, tap):
    """The number of the element that a tap of a window meets; -1 beyond the edges.

    output and tap count windows and the elements of one in row-major order.
    """
    place = 0
    factor = 1
    for axis in range(2, -1, -1):
        extent, window, out = table[EXTENT + axis], table[WINDOW + axis], table[OUT + axis]
        at = output % out * table[STRIDE + axis] + tap % window * table[DILATION + axis]
        at -= table[BEFORE + axis]
        output, tap = output // out, tap // window
        if at < 0 or at >= extent:
            return -1
        place += at * factor
        factor *= extent
    return place


@compiled
def is_padding(table, output, tap):
    """Whether a tap meets an element or the padding, and nothing beyond."""
    for axis in range(2, -1, -1):
        extent, window, out = table[EXTENT + axis], table[WINDOW + axis], table[OUT + axis]
        at = output % out * table[STRIDE + axis] + tap % window * table[DILATION + axis]
        at -= table[BEFORE + axis]
        output, tap = output // out, tap // window
        if at < -table[BEFORE + axis] or at >= extent + table[AFTER + axis]:
            return False
    return True
