"""Windows over one to three spatial axes, as a table of numbers that kernels read.

Fewer axes are three of which the first have extent 1. The table holds three numbers each of:
extents, what windows reach (outputs), strides, padding before and after, and for each tap, which is
an element of a window, how far it is from the window's corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fastnn.backends.reference.windows import Windows

from .compile import compiled

EXTENT, OUT, STRIDE, BEFORE, AFTER, TAPS = range(0, 18, 3)


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
        rows = [extents, w.out, w.strides, pads[::2], pads[1::2]]
        fills = [1, 1, 1, 0, 0]
        self.table = [
            number for row, fill in zip(rows, fills) for number in (*[fill] * (3 - rank), *row)
        ]
        for tap in np.ndindex(*window):
            self.table += [0] * (3 - rank)
            self.table += [step * i for step, i in zip(w.dilation, tap)]


@compiled
def corner_of(table, output):
    """Where the first tap of a window lies; windows count in row-major order."""
    rest = output // table[OUT + 2]
    k = output - rest * table[OUT + 2]
    i = rest // table[OUT + 1]
    j = rest - i * table[OUT + 1]
    return (
        i * table[STRIDE] - table[BEFORE],
        j * table[STRIDE + 1] - table[BEFORE + 1],
        k * table[STRIDE + 2] - table[BEFORE + 2],
    )


@compiled
def element_at(table, corner, tap):
    """The number of the element that a tap of a window meets; -1 beyond the edges."""
    i = corner[0] + table[TAPS + 3 * tap]
    j = corner[1] + table[TAPS + 3 * tap + 1]
    k = corner[2] + table[TAPS + 3 * tap + 2]
    inside = (i >= 0) & (i < table[EXTENT]) & (j >= 0) & (j < table[EXTENT + 1])
    inside &= (k >= 0) & (k < table[EXTENT + 2])
    return (i * table[EXTENT + 1] + j) * table[EXTENT + 2] + k if inside else -1


@compiled
def is_padding(table, corner, tap):
    """Whether a tap meets an element or the padding, and nothing beyond."""
    inside = True
    for axis in range(3):
        at = corner[axis] + table[TAPS + 3 * tap + axis]
        end = table[EXTENT + axis] + table[AFTER + axis]
        inside &= (-table[BEFORE + axis] <= at) & (at < end)
    return inside
