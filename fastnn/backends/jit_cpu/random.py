"""Random numbers, bit for bit those of every backend; see fastnn/backends/reference/random.py.

A task draws the words of a run of counters; the counter moves on in a stage of its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.backends.jit.philox import block_of_words
from fastnn.backends.reference.random import _BETWEEN, _CUT

from .compile import Kernel, compiled, kernel
from .intrinsics import bits
from .loops import elementwise
from .mathematics import normal_quantile
from .program import Operand, Scratch, Stage, blocks, stage
from .sorting import order_of

_words = block_of_words(compiled)
_COUNTERS = 1024  # that one task takes
_DOWN = {32: (np.uint64(8), np.uint64(24)), 64: (np.uint64(11), np.uint64(53))}
_U32, _ONE64 = np.uint64(32), np.uint64(1)


@functools.cache
def _drawing(name: str, wide: bool, value: Callable, reals: int) -> Kernel:
    """y[i] = value(drawn integer of 32 or 64 bits, reals...)."""
    arguments = "".join(f", r{i}" for i in range(reals))
    each = 2 if wide else 4  # numbers that a counter gives
    numbers = ("w1 << HALF | w0", "w3 << HALF | w2") if wide else ("w0", "w1", "w2", "w3")
    writes = "".join(
        f"\n        if i + {k} < n: y[i + {k}] = value({number}{arguments})"
        for k, number in enumerate(numbers)
    )
    source = (
        f"def draw(y, state, n, counters{arguments}, task):\n"
        f"    for c in range(task * {_COUNTERS}, min(counters, (task + 1) * {_COUNTERS})):\n"
        "        w0, w1, w2, w3 = words(uint64(state[0]), uint64(state[1]) + uint64(c))\n"
        f"        i = c * {each}{writes}"
    )
    scope = {"words": _words, "value": value, "uint64": np.uint64, "HALF": _U32}
    scope["__name__"] = __name__
    exec(source, scope)
    return Kernel(scope["draw"], f"draw {name}")  # type: ignore[arg-type]


@kernel
def _advanced(state, counters, task):
    state[1] += counters


def drawn(
    y: Operand | Scratch,
    state: Operand,
    name: str,
    wide: bool,
    value: Callable,
    reals: tuple[float, ...] = (),
) -> list[Stage]:
    """The stages of y = value(integers of the state), which moves on."""
    counters = blocks(y.size, 2 if wide else 4)
    kernel_ = _drawing(name, wide, value, len(reals))
    numbers = [y.size, counters]
    return [
        stage(kernel_, [y, state], numbers, reals, tasks=blocks(counters, _COUNTERS)),
        stage(_advanced, [state], [counters]),
    ]


@functools.cache
def _uniform(dtype: str) -> Any:
    width = 64 if dtype == "float64" else 32
    down, mantissa = _DOWN[width]
    convert = np.dtype(dtype).type
    unit = convert(2.0 ** -int(mantissa))

    @compiled
    def uniform(n, span, low, below):
        u = convert(np.int64(n >> down)) * unit * convert(span) + convert(low)
        return min(u, convert(below))

    return uniform


def random_uniform(
    y: Operand, state: Operand, *, shape: tuple, low: float, high: float, dtype: str
) -> list[Stage]:
    """Uniform numbers in [low, high)."""
    below = np.nextafter(np.dtype(dtype).type(high), np.dtype(dtype).type(low))
    reals = (high - low, low, float(below))
    return drawn(y, state, f"uniform {dtype}", dtype == "float64", _uniform(dtype), reals)


@functools.cache
def _normal(dtype: str, truncated: bool) -> Any:
    down, mantissa = _DOWN[64 if dtype == "float64" else 32]
    middle, unit = 1 << (int(mantissa) - 1), 2.0 ** -int(mantissa)
    between, cut = _BETWEEN, _CUT

    @compiled
    def normal(drawn, mean, std):
        n = np.int64(drawn >> down)
        q = (n - middle + 0.5) * unit
        tail = ((n if n < middle else 2 * middle - 1 - n) + 0.5) * unit
        if truncated:
            q, tail = q * between, cut + tail * between
        return mean + std * normal_quantile(q, tail)

    return normal


def random_normal(
    y: Operand,
    state: Operand,
    *,
    shape: tuple,
    mean: float,
    std: float,
    truncated: bool,
    dtype: str,
) -> list[Stage]:
    """Normal numbers, by the quantile of a uniform one."""
    function = _normal(dtype, truncated)
    name = f"normal {dtype} {truncated}"
    return drawn(y, state, name, dtype == "float64", function, (mean, std))


@compiled
def _high_half(a, b):
    """The upper 64 bits of the product of two numbers of 64 bits."""
    low = np.uint64(0xFFFFFFFF)
    a0, a1, b0, b1 = a & low, a >> _U32, b & low, b >> _U32
    middle = a1 * b0 + ((a0 * b0) >> _U32)
    other = a0 * b1 + (middle & low)
    return a1 * b1 + (middle >> _U32) + (other >> _U32)


_as_integer = compiled(lambda x: np.uint64(bits(x)))


@functools.cache
def _integer(wide: bool) -> Any:
    """The span and the low end come as the bits of real numbers: they may have 64 bits."""

    @compiled
    def integer(drawn, span, low):
        span, low = _as_integer(span), _as_integer(low)
        steps = _high_half(drawn, span) if wide else (drawn * span) >> _U32
        return np.int64(low + steps)

    return integer


def random_integers(
    y: Operand, state: Operand, *, shape: tuple, low: int, high: int, dtype: str
) -> list[Stage]:
    """Integers in [low, high)."""
    wide = high - low > 1 << 32
    as_bits = [float(np.uint64(v % 2**64).view(np.float64)) for v in (high - low, low)]
    return drawn(y, state, f"integers {wide}", wide, _integer(wide), tuple(as_bits))


@kernel
def _permuted(y, keys, spare, n, task):
    order_of(y, spare, keys, n)


_whole = compiled(lambda n: n)


def random_permutation(y: Operand, state: Operand, *, n: int) -> list[Stage]:
    """The order that sorts n random integers."""
    keys, spare = Scratch((n,), "uint64"), Scratch((n,), "int64")
    drawing = drawn(keys, state, "whole", True, _whole)
    return [*drawing, stage(_permuted, [y, keys, spare], [n])]


# ---- Dropout -------------------------------------------------------------------------------------


@kernel
def _checked_rate(rate, threshold, status, task):
    """Reports a rate that is none; threshold: what 24 random bits must reach to be kept."""
    if not rate[0] >= 0:
        status[0], status[1], status[2] = 1, 0, bits(np.float64(rate[0]))
        return
    threshold[0] = math.ceil(min(np.float64(rate[0]), 1.0) * 16777216.0)


@kernel
def _kept(mask, state, threshold, n, counters, task):
    eight = np.uint64(8)
    for c in range(task * _COUNTERS, min(counters, (task + 1) * _COUNTERS)):
        w0, w1, w2, w3 = _words(np.uint64(state[0]), np.uint64(state[1]) + np.uint64(c))
        i = c * 4
        mask[i] = np.int64(w0 >> eight) >= threshold[0]
        if i + 1 < n:
            mask[i + 1] = np.int64(w1 >> eight) >= threshold[0]
        if i + 2 < n:
            mask[i + 2] = np.int64(w2 >> eight) >= threshold[0]
        if i + 3 < n:
            mask[i + 3] = np.int64(w3 >> eight) >= threshold[0]


@functools.cache
def _scaled(dtype: str) -> Any:
    convert = np.dtype(dtype).type
    zero, one = convert(0), convert(1)
    return compiled(lambda x, m, r: x * (one / (one - convert(r))) if m != 0 else zero)


def _dropped(y: Operand, x: Operand, mask: Operand, rate: Operand) -> list[Stage]:
    return elementwise(f"dropout {y.dtype}", _scaled(y.dtype), y, [x, mask, rate])


def dropout(
    y: Operand,
    mask: Operand,
    x: Operand,
    rate: Operand,
    state: Operand,
    *,
    kind: str,
    noise_shape: tuple,
) -> list[Stage]:
    """y = x * mask / (1 - rate), and the mask."""
    threshold, counters = Scratch((1,), "int64"), blocks(mask.size, 4)
    numbers = [mask.size, counters]
    tasks = blocks(counters, _COUNTERS)
    return [
        stage(_checked_rate, [rate, threshold]),
        stage(_kept, [mask, state, threshold], numbers, tasks=tasks),
        stage(_advanced, [state], [counters]),
        *_dropped(y, x, mask, rate),
    ]


def dropout_backward(
    dx: Operand, dy: Operand, mask: Operand, rate: Operand, *, kind: str
) -> list[Stage]:
    """dx = dy * mask / (1 - rate)."""
    threshold = Scratch((1,), "int64")
    return [stage(_checked_rate, [rate, threshold]), *_dropped(dx, dy, mask, rate)]


PLANNERS = {
    f.__name__: f
    for f in (
        *(random_uniform, random_normal, random_integers, random_permutation),
        *(dropout, dropout_backward),
    )
}
