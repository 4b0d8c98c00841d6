"""unfold and fold: windows over an image laid side by side, and their sum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arrays import flat
from .cuda import cuda, kernel, launch

_double = np.float64


@kernel
def _unfold(y, x, total, channels, taps, out, window, extents, strides, before, dilation):
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        rest, step, at, inside = i // channels, channels, i % channels, True
        tap = rest % taps
        rest //= taps
        for axis in range(len(out) - 1, -1, -1):
            k = tap % window[axis]
            tap //= window[axis]
            place = rest % out[axis] * strides[axis] - before[axis] + k * dilation[axis]
            rest //= out[axis]
            inside = inside and 0 <= place < extents[axis]
            at += place * step
            step *= extents[axis]
        if inside:
            y[i] = x[at + rest * step]
        else:
            y[i] = 0


@kernel
def _fold(x, y, total, channels, taps, out, window, extents, strides, before, dilation):
    """A thread an element of x: the windows that hold it, in the order of their taps."""
    for i in range(cuda.grid(1), total, cuda.gridsize(1)):
        sum_ = 0.0
        for t in range(taps):
            tap, rest, step, at, inside = t, i // channels, 1, 0, True
            for axis in range(len(out) - 1, -1, -1):
                place = rest % extents[axis] + before[axis] - tap % window[axis] * dilation[axis]
                rest //= extents[axis]
                tap //= window[axis]
                o = place // strides[axis]
                inside = inside and o * strides[axis] == place and 0 <= o < out[axis]
                at += o * step
                step *= out[axis]
            if inside:
                sum_ += _double(y[((at + rest * step) * taps + t) * channels + i % channels])
        x[i] = sum_


def _geometry(extents: tuple, window: tuple, strides: tuple, pads: tuple, dilation: tuple) -> tuple:
    rank = len(extents)
    before = tuple(pads[::2]) or (0,) * rank
    return (
        *(tuple(window), tuple(extents)),
        *(tuple(strides) or (1,) * rank, before, tuple(dilation) or (1,) * rank),
    )


def unfold(
    y: Any, x: Any, *, window: tuple, strides: tuple = (), pads: tuple = (), dilation: tuple = ()
) -> None:
    """y [images, results.., window.. * channels] of x [images, spatial.., channels]."""
    shape, out = tuple(x.shape), tuple(y.shape)[1:-1]
    geometry = _geometry(shape[1:-1], window, strides, pads, dilation)
    numbers = y.size, shape[-1], math.prod(window)
    launch(_unfold, y.size, flat(y), flat(x), *numbers, out, *geometry)


def fold(
    x: Any,
    y: Any,
    *,
    window: tuple,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    extents: tuple = (),
) -> None:
    """The transpose of unfold: x adds up its windows."""
    out = tuple(y.shape)[1:-1]
    geometry = _geometry(extents, window, strides, pads, dilation)
    numbers = x.size, tuple(x.shape)[-1], math.prod(window)
    launch(_fold, x.size, flat(x), flat(y), *numbers, out, *geometry)


FUNCTIONS = {f.__name__: f for f in (unfold, fold)}
