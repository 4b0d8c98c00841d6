"""Random numbers, bit for bit those of every backend; see fastnn/backends/reference/random.py.

A thread draws the words of one counter; the counter moves on in a launch of its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.backends.jit.philox import HALF, block_of_words
from fastnn.backends.reference.random import _BETWEEN, _CUT

from . import mathematics, status
from .arrays import empty, flat
from .cuda import compiled, cuda, kernel, launch
from .loops import elementwise
from .movement import assign
from .sorting import order_of
from .status import report

_words = block_of_words(compiled)
_quantile = mathematics.normal_quantile
_bits = mathematics.bits
_DOWN = {32: (np.uint64(8), 24), 64: (np.uint64(11), 53)}
_double, _whole, _word = np.float64, np.int64, np.uint64


@functools.cache
def _drawing(value: Callable, wide: bool) -> Any:
    """y[i] = value(drawn integer of 32 or 64 bits, a, b, c)."""

    @kernel
    def narrow_draw(y, state, n, counters, a, b, c):
        for counter in range(cuda.grid(1), counters, cuda.gridsize(1)):
            w0, w1, w2, w3 = _words(_word(state[0]), _word(state[1]) + _word(counter))
            i = counter * 4
            y[i] = value(w0, a, b, c)
            if i + 1 < n:
                y[i + 1] = value(w1, a, b, c)
            if i + 2 < n:
                y[i + 2] = value(w2, a, b, c)
            if i + 3 < n:
                y[i + 3] = value(w3, a, b, c)

    @kernel
    def wide_draw(y, state, n, counters, a, b, c):
        for counter in range(cuda.grid(1), counters, cuda.gridsize(1)):
            w0, w1, w2, w3 = _words(_word(state[0]), _word(state[1]) + _word(counter))
            i = counter * 2
            y[i] = value(w1 << HALF | w0, a, b, c)
            if i + 1 < n:
                y[i + 1] = value(w3 << HALF | w2, a, b, c)

    return wide_draw if wide else narrow_draw


@kernel
def _move_on(state, counters):
    state[1] += counters


def _draw(
    y: Any, state: Any, wide: bool, value: Callable, a: Any = 0.0, b: Any = 0.0, c: Any = 0.0
) -> None:
    """y = value(integers of the state, a, b, c), and the state moves on."""
    counters = -(-y.size // (2 if wide else 4))
    if counters:
        launch(_drawing(value, wide), counters, flat(y), state, y.size, counters, a, b, c)
        launch(_move_on, 1, state, counters)


@functools.cache
def _uniform(dtype: str) -> Any:
    down, mantissa = _DOWN[64 if dtype == "float64" else 32]
    convert = np.dtype(dtype).type
    unit = convert(2.0**-mantissa)
    multiply, add = mathematics.MULTIPLY[dtype], mathematics.ADD[dtype]

    @compiled
    def uniform(n, span, low, below):
        u = multiply(convert(_whole(n >> down)), unit)
        return min(add(multiply(u, convert(span)), convert(low)), convert(below))

    return uniform


def random_uniform(
    y: Any, state: Any, *, shape: tuple, low: float = 0.0, high: float = 1.0, dtype: str
) -> None:
    """Uniform numbers in [low, high)."""
    below = np.nextafter(np.dtype(dtype).type(high), np.dtype(dtype).type(low))
    reals = float(high - low), float(low), float(below)
    _draw(y, state, dtype == "float64", _uniform(dtype), *reals)


@functools.cache
def _normal(dtype: str, truncated: bool) -> Any:
    down, mantissa = _DOWN[64 if dtype == "float64" else 32]
    middle, unit = 1 << (mantissa - 1), 2.0**-mantissa

    @compiled
    def normal(drawn, mean, std, unused):
        n = _whole(drawn >> down)
        q = (n - middle + 0.5) * unit
        tail = ((n if n < middle else 2 * middle - 1 - n) + 0.5) * unit
        if truncated:
            q, tail = q * _BETWEEN, _CUT + tail * _BETWEEN
        return mean + std * _quantile(q, tail)

    return normal


def random_normal(
    y: Any,
    state: Any,
    *,
    shape: tuple,
    mean: float = 0.0,
    std: float = 1.0,
    truncated: bool = False,
    dtype: str,
) -> None:
    """Normal numbers, by the quantile of a uniform one."""
    _draw(y, state, dtype == "float64", _normal(dtype, truncated), float(mean), float(std))


@compiled
def _high_half(a, b):
    """The upper 64 bits of the product of two numbers of 64 bits."""
    low = _word(0xFFFFFFFF)
    a0, a1, b0, b1 = a & low, a >> HALF, b & low, b >> HALF
    middle = a1 * b0 + ((a0 * b0) >> HALF)
    other = a0 * b1 + (middle & low)
    return a1 * b1 + (middle >> HALF) + (other >> HALF)


@compiled
def _narrow_integer(drawn, span, low, unused):
    return _whole(_word(low) + ((drawn * _word(span)) >> HALF))


@compiled
def _wide_integer(drawn, span, low, unused):
    return _whole(_word(low) + _high_half(drawn, _word(span)))


def _as_int64(value: int) -> int:
    """The int64 with the low 64 bits of a number."""
    return (value + 2**63) % 2**64 - 2**63


def random_integers(
    y: Any, state: Any, *, shape: tuple, low: int, high: int, dtype: str = "int32"
) -> None:
    """Integers in [low, high)."""
    wide = high - low > 1 << 32
    value = _wide_integer if wide else _narrow_integer
    numbers = np.int64(_as_int64(high - low)), np.int64(low)
    _draw(y, state, wide, value, *numbers)


_drawn_itself = compiled(lambda drawn, a, b, c: drawn)


def random_permutation(y: Any, state: Any, *, n: int) -> None:
    """The order that sorts n random 64-bit integers."""
    if n:
        keys = empty(n, np.uint64)
        _draw(keys, state, True, _drawn_itself)
        assign(y, order_of(keys)[:n])


# ---- Dropout -------------------------------------------------------------------------------------


@kernel
def _check_rate(rate, seen, code):
    if not rate[0] >= 0:
        report(seen, code, 0, _bits(_double(rate[0])))


def _bad_rate(where: int, value: int, name: str) -> Exception:
    return ValueError(f"{name}: rate is {status.real(value):f}, expected at least 0")


def require_rate(rate: Any, name: str) -> None:
    """Notes an error of the primitive of that name if the rate, a number, is negative."""
    launch(_check_rate, 1, flat(rate), status.array(), status.code(_bad_rate, name))


@kernel
def _find_threshold(threshold, rate):
    """What 24 random bits must reach to be kept."""
    threshold[0] = math.ceil(min(_double(rate[0]), 1.0) * 16777216.0)


@compiled
def _kept(drawn, threshold, b, c):
    return _whole(drawn >> _word(8)) >= threshold[0]


def draw_mask(mask: Any, rate: Any, state: Any) -> None:
    """mask = 1 for what is kept at that rate, 0 for the rest, and the state moves on."""
    threshold = empty(1, _whole)
    launch(_find_threshold, 1, threshold, flat(rate))
    _draw(mask, state, False, _kept, threshold)


@functools.cache
def _scaled(dtype: str) -> Any:
    convert = np.dtype(dtype).type
    zero, one = convert(0), convert(1)

    @compiled
    def scaled(x, mask, rate):
        return x * (one / (one - convert(rate))) if mask != 0 else zero

    return scaled


def dropout(
    y: Any,
    mask: Any,
    x: Any,
    rate: Any,
    state: Any,
    *,
    kind: str = "plain",
    noise_shape: tuple = (),
) -> None:
    """y = x * mask / (1 - rate), and the mask."""
    require_rate(rate, "dropout")
    draw_mask(mask, rate, state)
    elementwise(_scaled(str(x.dtype)), [y], [x, mask, rate])


def dropout_backward(dx: Any, dy: Any, mask: Any, rate: Any, *, kind: str = "plain") -> None:
    """dx = dy * mask / (1 - rate)."""
    require_rate(rate, "dropout_backward")
    elementwise(_scaled(str(dy.dtype)), [dx], [dy, mask, rate])


FUNCTIONS = {
    f.__name__: f
    for f in (
        *(random_uniform, random_normal, random_integers, random_permutation),
        *(dropout, dropout_backward),
    )
}
