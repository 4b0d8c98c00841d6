"""Windows over one to three spatial axes, as numbers that kernels read.

Fewer axes are three of which the first have extent 1. Positions are in the input and may lie in the
padding; a tap, an element of the window, is where it begins plus what it adds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from fastnn.backends.reference.windows import Windows

from .cuda import compiled

Three = tuple[int, int, int]


class Geometry(NamedTuple):
    """Where windows lie, three numbers each; kernels get it as it is."""

    extents: Three
    window: Three
    out: Three
    strides: Three
    dilation: Three
    before: Three
    after: Three

    @property
    def elements(self) -> int:
        return math.prod(self.extents)

    @property
    def taps(self) -> int:
        return math.prod(self.window)

    @property
    def outputs(self) -> int:
        return math.prod(self.out)


def _three(numbers: Sequence[int], fill: int) -> Three:
    first, second, third = [fill] * (3 - len(numbers)) + [int(n) for n in numbers]
    return first, second, third


def geometry(
    extents: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    dilation: Sequence[int] = (),
    ceil: bool = False,
) -> Geometry:
    """See fastnn.backends.reference.windows for the arguments."""
    w = Windows(tuple(extents), tuple(window), tuple(strides), tuple(pads), tuple(dilation), ceil)
    pads = tuple(pads) or (0, 0) * len(w.extents)
    ones = (w.extents, w.window, w.out, w.strides, w.dilation)
    return Geometry(
        *(_three(numbers, 1) for numbers in ones), _three(pads[::2], 0), _three(pads[1::2], 0)
    )


@compiled
def places(extents, number):
    """The three coordinates of a number that counts in row-major order."""
    rest = number // extents[2]
    return rest // extents[1], rest % extents[1], number % extents[2]


@compiled
def begin_of(g, output):
    """Where a window begins: before 0 in the padding."""
    i, j, k = places(g.out, output)
    return (
        i * g.strides[0] - g.before[0],
        j * g.strides[1] - g.before[1],
        k * g.strides[2] - g.before[2],
    )


@compiled
def offset_of(g, tap):
    """What a tap adds to where its window begins."""
    i, j, k = places(g.window, tap)
    return i * g.dilation[0], j * g.dilation[1], k * g.dilation[2]


@compiled
def element_at(g, begin, offset):
    """The number of the element of the input at begin + offset, -1 beyond the edges."""
    i, j, k = begin[0] + offset[0], begin[1] + offset[1], begin[2] + offset[2]
    if i < 0 or j < 0 or k < 0 or i >= g.extents[0] or j >= g.extents[1] or k >= g.extents[2]:
        return -1
    return (i * g.extents[1] + j) * g.extents[2] + k


@compiled
def _window_at(place, stride, out):
    """Which window of an axis begins there: -1 for none."""
    if place < 0:
        return -1
    if stride == 1:  # spares the divisions
        return place if place < out else -1
    number = place // stride
    return number if number < out and number * stride == place else -1


@compiled
def output_at(g, place, offset):
    """The number of the window of which the tap with that offset lies at ``place``, -1 for none;
    ``place`` counts from where the padding begins."""
    i = _window_at(place[0] - offset[0], g.strides[0], g.out[0])
    j = _window_at(place[1] - offset[1], g.strides[1], g.out[1])
    k = _window_at(place[2] - offset[2], g.strides[2], g.out[2])
    if i < 0 or j < 0 or k < 0:
        return -1
    return (i * g.out[1] + j) * g.out[2] + k
