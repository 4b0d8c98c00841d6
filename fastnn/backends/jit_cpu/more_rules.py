"""Functions of Numbers for which fastnn has no op code: those of math and NumPy beyond rules.py.

Importing this file makes Numba know them. Values are within 2 units in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import mathematics
from .compile import compiled
from .intrinsics import floor, fma, rint
from .numbers import PLAIN, NumberType, chain, value
from .rules import binary_rule, define, named

_double = np.float64
_DEGREES, _RADIANS = 180 / math.pi, math.pi / 180
exp, log, fmod = mathematics.exp, mathematics.log, mathematics.fmod


def _unary_rule(f: Callable, slope: Callable) -> Callable:
    """f(x) of a float64, and its slope from the element x and y."""
    f, slope = compiled(f), compiled(slope)

    def rule(x):
        if isinstance(x, PLAIN):
            return lambda x: f(_double(x))
        if not isinstance(x, NumberType):
            return None

        def differentiated(x):
            y = f(_double(value(x)))
            return chain(y, slope(value(x), y), x)

        return differentiated

    return rule


def _flat(x, y):
    return 0.0


@compiled
def _truncated(x):
    return math.copysign(floor(abs(x)), x)


@compiled
def _cbrt(x):
    """From a power of e, which Newton's step makes exact; its residual has 100 bits."""
    a = abs(x)
    large, small = a > 2.0**1000, a < 2.0**-1000  # their cubes would leave the range
    a *= 2.0**-300 if large else (2.0**300 if small else 1.0)
    y = exp(log(a) / 3)
    square = y * y
    cube = square * y
    rest = fma(square, y, -cube) + fma(y, y, -square) * y
    y -= ((cube - a) + rest) / (3 * square)
    y *= 2.0**100 if large else (2.0**-100 if small else 1.0)
    return x if (x == 0) | (abs(x) == math.inf) else math.copysign(y, x)


@compiled
def _hypot(x1, x2):
    a, b = abs(_double(x1)), abs(_double(x2))
    larger = a if a > b else b
    large, small = larger > 2.0**500, larger < 2.0**-450
    down = 2.0**-600 if large else (2.0**600 if small else 1.0)
    up = 2.0**600 if large else (2.0**-600 if small else 1.0)
    y = math.sqrt(fma(a * down, a * down, (b * down) * (b * down))) * up
    return math.inf if (a == math.inf) | (b == math.inf) else y


@compiled
def _share(x, y):
    return x / y if y != 0 else 0.0


def _of_sign(x1, x2, y):
    return 0.0 if x1 == 0 else math.copysign(1.0, x1) * math.copysign(1.0, x2)


def _times(factor: float) -> Callable:
    return lambda x: (lambda x: x * factor) if isinstance(x, NumberType) else None


def _is_infinite(x):
    return (lambda x: abs(value(x)) == math.inf) if isinstance(x, NumberType) else None


define(named("degrees", "rad2deg"), _times(_DEGREES))
define(named("radians", "deg2rad"), _times(_RADIANS))
define(named("isinf"), _is_infinite)
define([int, *named("trunc", "fix")], _unary_rule(_truncated, _flat))
define(named("cbrt"), _unary_rule(_cbrt, lambda x, y: 1 / (3 * y * y)))
define(
    named("hypot"),
    binary_rule(
        lambda x1, x2: _hypot(x1, x2),
        lambda x1, x2, y: _share(x1, y),
        lambda x1, x2, y: _share(x2, y),
    ),
)
define(
    named("copysign"),
    binary_rule(lambda x1, x2: math.copysign(x1, x2), _of_sign, lambda x1, x2, y: 0.0),
)
define(
    named("fmod"),
    binary_rule(
        lambda x1, x2: fmod(_double(x1), _double(x2)),
        lambda x1, x2, y: 1.0,
        lambda x1, x2, y: -rint((x1 - y) / x2),
    ),
)
