"""Sequences of numbers: differences, integrals, correlation, windows over them."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np

from fastnn.dtypes import standardize_dtype
from fastnn.ops.arithmetic import add, multiply, subtract
from fastnn.ops.comparison import not_equal
from fastnn.ops.core import Tensor, as_float, as_tensor, follows_operands, normalize_axis, promote
from fastnn.ops.elementwise import log10, square
from fastnn.ops.indexing import take
from fastnn.ops.padding import pad
from fastnn.ops.products import matmul
from fastnn.ops.reduce import mean, sum
from fastnn.ops.shape import flip, moveaxis


def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """Differences between neighbours along an axis, n times; of booleans, whether they differ.

    >>> diff([1, 4, 9]).tolist()
    [3, 5]
    """
    a = as_tensor(a, None, "diff: a")
    if index(n) < 0:
        raise ValueError(f"diff: n must not be negative, got {n}")
    axis = normalize_axis("diff", axis, a.ndim)
    before: tuple = (slice(None),) * axis
    later, earlier = (*before, slice(1, None)), (*before, slice(None, -1))
    difference = not_equal if a.dtype == "bool" else subtract
    for _ in range(index(n)):
        a = difference(a[later], a[earlier])
    return a


@follows_operands
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The integral along an axis by the trapezoidal rule.

    x: where y was sampled, of y's shape or one a position of the axis; if None, dx apart

    >>> trapezoid([1.0, 2.0, 3.0]).item()
    4.0
    """
    y = moveaxis(as_float(y, "trapezoid: y"), axis, -1)
    widths: Any = dx
    if x is not None:
        x = as_float(x, "trapezoid: x")
        widths = diff(x if x.ndim == 1 else moveaxis(x, axis, -1))
    return sum(multiply(add(y[..., 1:], y[..., :-1]), widths), -1) * 0.5


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Overlapping pieces of the last axis: [..., n] becomes [..., pieces, sequence_length].

    >>> extract_sequences([1, 2, 3, 4, 5], 3, 2).tolist()
    [[1, 2, 3], [3, 4, 5]]
    """
    x = as_tensor(x, None, "extract_sequences: x")
    length, stride = index(sequence_length), index(sequence_stride)
    if length < 1 or stride < 1:
        raise ValueError(
            "extract_sequences: sequence_length and sequence_stride must be positive, got "
            f"{length} and {stride}"
        )
    if x.ndim == 0 or x.shape[-1] < length:
        raise ValueError(
            f"extract_sequences: x has shape {x.shape}, whose last axis has no {length} elements"
        )
    starts = np.arange(0, x.shape[-1] - length + 1, stride)
    return take(x, starts[:, None] + np.arange(length), -1)


@follows_operands
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """Sums of products of two vectors, one moved along the other; integers become floatx.

    mode: "valid" (where they overlap wholly), "same" (as long as the longer one), "full" (where
        they overlap at all)

    >>> correlate([1.0, 2.0, 3.0], [1.0, 1.0], "full").tolist()
    [1.0, 3.0, 5.0, 3.0]
    """
    x1, x2 = promote("correlate", as_float(x1, "correlate: x1"), as_float(x2, "correlate: x2"))
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"correlate: mode is {mode!r}, expected 'valid', 'same' or 'full'")
    if x1.ndim != 1 or x2.ndim != 1 or not x1.size or not x2.size:
        raise ValueError(
            f"correlate: x1 has shape {x1.shape} and x2 {x2.shape}, expected vectors with elements"
        )
    if x1.size < x2.size:  # the shorter one moves
        return flip(correlate(x2, x1, mode))
    short = x2.size
    before, after = {
        "valid": (0, 0),
        "same": (short // 2, short - 1 - short // 2),
        "full": (short - 1, short - 1),
    }[mode]
    return matmul(extract_sequences(pad(x1, ((before, after),)), short, 1), x2)


@follows_operands
def psnr(x1: Any, x2: Any, max_val: float) -> Tensor:
    """The peak signal-to-noise ratio in decibels: 10 log10(max_val ** 2 / mean squared error).

    x1, x2: one shape   max_val: the largest value that a signal can have

    >>> round(psnr([0.0, 0.0], [0.1, 0.1], max_val=1.0).item(), 4)
    20.0
    """
    x1, x2 = promote("psnr", as_float(x1, "psnr: x1"), as_float(x2, "psnr: x2"))
    if x1.shape != x2.shape:
        raise ValueError(f"psnr: x1 has shape {x1.shape}, x2 {x2.shape}")
    return log10(mean(square(subtract(x1, x2)))) * -10.0 + 20.0 * math.log10(float(max_val))


# ---- windows -------------------------------------------------------------------------------------


def _window(values: np.ndarray) -> Tensor:
    return as_tensor(values, standardize_dtype(None))


def bartlett(x: Any) -> Tensor:
    """A triangle of x points.

    >>> bartlett(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return _window(np.bartlett(index(x)))


def blackman(x: Any) -> Tensor:
    """Blackman's window of x points, three terms of cosines."""
    return _window(np.blackman(index(x)))


def hamming(x: Any) -> Tensor:
    """Hamming's window of x points, a raised cosine on a base of 0.08."""
    return _window(np.hamming(index(x)))


def hanning(x: Any) -> Tensor:
    """Hann's window of x points, a raised cosine."""
    return _window(np.hanning(index(x)))


def kaiser(x: Any, beta: float) -> Tensor:
    """Kaiser's window of x points; a larger beta makes it narrower."""
    return _window(np.kaiser(index(x), float(beta)))
