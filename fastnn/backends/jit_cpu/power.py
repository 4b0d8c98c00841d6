"""x ** y without branches: e^(y log |x|), and what is special.

The product may be 700, so for float64 the logarithm is a sum of two numbers: two terms of
log(m) = 2 s + 2/3 s^3 + ..., s = (m - 1) / (m + 1), are such sums (T. Dekker, "A floating-point
technique for extending the available precision", 1971). For float32 one float64 has digits enough.
Within 2 units in the last place.
"""

from __future__ import annotations

import math

from numba.core import types
from numba.extending import overload

from .compile import compiled
from .elementary import (
    LEAST64,
    LIFT64,
    LN2_HIGH64,
    LN2_LOW64,
    SIGN64,
    binary_parts64,
    exp_of_sum64,
    exp_short,
    f64,
    log64,
    polynomial,
    two_sum,
)
from .intrinsics import bits, floor, fma, from_bits

_NAN, _INFINITY = math.nan, math.inf
THIRD, THIRD_REST = 0.6666666666666666, 3.700743415417188e-17  # 2 / 3
# (2 atanh(s) / s - 2 - 2 z / 3) / z^2 in z = s^2
_atanh = polynomial(
    *(0.40000000000000024, 0.2857142857133851, 0.2222222227110069, 0.18181808247814057),
    *(0.15385574776827135, 0.13285958087797103, 0.12913609606437132),
)


@compiled
def long_log(x):
    """log(x) as a sum of two numbers, for positive finite x."""
    tiny = x < LEAST64
    e, m = binary_parts64(x * LIFT64 if tiny else x, 54.0 if tiny else 0.0)
    f = m - 1.0
    divisor = 2.0 + f
    s = f / divisor
    s_rest = fma(-s, divisor, f) - s * (f - (divisor - 2.0))
    s_rest /= divisor
    z = s * s
    cube = s * z
    cube_rest = fma(s, z, -cube) + s * (fma(s, s, -z) + 3.0 * s * s_rest)
    third = cube * THIRD
    third_rest = fma(cube, THIRD, -third) + (cube_rest * THIRD + cube * THIRD_REST)
    high, rest1 = two_sum(-LN2_HIGH64 * e, 2.0 * s)
    high, rest2 = two_sum(high, third)
    low = fma(e, -LN2_LOW64, cube * z * _atanh(z)) + (third_rest + 2.0 * s_rest)
    low += rest1 + rest2
    total = high + low
    return total, low - (total - high)


@compiled
def with_sign(size, x, y):
    """x ** y from |x| ** y; what has no logarithm or product is put right."""
    a, whole = abs(x), floor(y) == y
    if (y == 0.0) | (x == 1.0) | ((a == 1.0) & (abs(y) == _INFINITY)):
        size = 1.0
    if (x < 0.0) & (a < _INFINITY) & (not whole):
        size = _NAN
    half = 0.5 * y
    odd = whole & (floor(half) != half)
    return from_bits(bits(size) ^ (bits(x) & SIGN64)) if odd else size


@compiled
def pow64(x, y):
    """x ** y."""
    a = abs(x)
    usual = (a > 0.0) & (a < _INFINITY)
    high, low = long_log(a if usual else 1.0)
    special = -_INFINITY if a == 0.0 else a
    high = high if usual else special
    product = y * high
    rest = fma(y, high, -product) + y * low
    rest = rest if abs(product) < 750.0 else 0.0
    return with_sign(exp_of_sum64(product, rest), x, y)


@compiled
def pow_short(x, y):
    """x ** y with the digits of float32, as float64; 0 or infinite far beyond its range."""
    product = y * log64(abs(x))
    bounded = -300.0 if product < -300.0 else (300.0 if product > 300.0 else product)
    size = exp_short(bounded)
    size = 0.0 if product < -300.0 else (_INFINITY if product > 300.0 else size)
    return with_sign(size, x, y)


def power(x, y):
    """x ** y of two elements as float64; with the digits of float32 if x is one."""
    raise NotImplementedError("for kernels")


@overload(power, jit_options={"forceinline": True})
def _power(x, y):
    if x == types.float32:
        return lambda x, y: pow_short(f64(x), f64(y))
    return lambda x, y: pow64(f64(x), f64(y))
