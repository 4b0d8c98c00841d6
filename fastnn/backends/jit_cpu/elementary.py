"""exp, log, tanh and sigmoid as branch-free polynomials, which LLVM turns into vector code.

The methods are those of csrc/simd/vec_exp.h and vec_log.h: W. Cody and W. Waite, "Software manual
for the elementary functions" (1980), with minimax polynomials. Within 2 units in the last place
over the whole range; right at zeros, infinities, NaN and subnormal numbers.
"""

from __future__ import annotations

import math

import numpy as np

from .compile import compiled
from .intrinsics import bits, fma, from_bits

f32, f64 = np.float32, np.float64
_NAN, _INFINITY = math.nan, math.inf

# ---- float32 ----------------------------------------------------------------------------------
ROUND32 = f32(12582912.0)  # 1.5 * 2^23: adding it rounds to an integer
LOG2E32, LN2_HIGH32, LN2_LOW32 = f32(1.44269504), f32(-0.693359375), f32(2.12194440e-4)
ONE32, TWO32, HALF32 = f32(1), f32(2), f32(0.5)
LOW32, HIGH32 = f32(-104), f32(89)  # exp is 0 and infinity there
E0, E1, E2 = f32(0.49999994), f32(0.166665167), f32(0.0416681021)
E3, E4 = f32(0.00836916454), f32(0.00138379866)
L0, L1, L2, L3 = f32(0.666666627), f32(0.400009722), f32(0.284987926), f32(0.242788151)
LEAST32, LIFT32, LIFT_BITS32, ZERO32 = f32(1.17549435e-38), f32(16777216.0), f32(24), f32(0)
NAN32, INFINITY32 = f32(_NAN), f32(_INFINITY)
# (tanh(x) / x - 1) / x^2 as a polynomial in x^2 for |x| <= 0.55
T0, T1, T2 = f32(-0.33333333333), f32(0.13333333), f32(-0.0539682)
T3, T4, T5 = f32(0.0218688), f32(-0.0088433), f32(0.0031)
TANH_BORDER32, TANH_END32 = f32(0.55), f32(10)


@compiled
def power32(n):
    """2^n in two factors, neither of which leaves the normal range."""
    k = np.int32(n)
    half = np.int32(k >> 1)
    first = from_bits(np.int32((half + 127) << 23))
    return first, from_bits(np.int32((k - half + 127) << 23))


@compiled
def exp32(x):
    """e^x."""
    x = LOW32 if x < LOW32 else (HIGH32 if x > HIGH32 else x)
    n = fma(x, LOG2E32, ROUND32) - ROUND32
    r = fma(n, LN2_LOW32, fma(n, LN2_HIGH32, x))
    p = fma(fma(fma(fma(E4, r, E3), r, E2), r, E1), r, E0)
    first, second = power32(n)
    return (fma(r * r, p, r) + ONE32) * first * second


@compiled
def log32(x):
    """The natural logarithm."""
    tiny = x < LEAST32
    i = bits(x * LIFT32 if tiny else x)
    k = np.int32(np.int32(i + np.int32(0x3F800000 - 0x3F3504F3)) >> 23)
    m = from_bits(np.int32(i - np.int32(np.int32(k - 127) << 23)))
    e = f32(np.int32(k - 127)) - (LIFT_BITS32 if tiny else ZERO32)
    f = m - ONE32
    s = f / (TWO32 + f)
    z = s * s
    half = HALF32 * f * f
    r = fma(z, fma(fma(fma(L3, z, L2), z, L1), z, L0), half)
    y = fma(e, -LN2_HIGH32, f - (half - fma(s, r, e * -LN2_LOW32)))
    special = -INFINITY32 if x == ZERO32 else (x if x > ZERO32 else NAN32)
    return y if (x > ZERO32) & (x < INFINITY32) else special


@compiled
def sigmoid32(x):
    """1 / (1 + e^-x)."""
    e = exp32(-abs(x))
    total = ONE32 + e
    y = (e if x < ZERO32 else ONE32) / total
    return fma(-y, e - (total - ONE32), y)


@compiled
def tanh32(x):
    """The hyperbolic tangent: a polynomial near 0, else 1 - 2 / (e^(2 |x|) + 1)."""
    a = abs(x)
    z = x * x
    p = fma(fma(fma(fma(fma(T5, z, T4), z, T3), z, T2), z, T1), z, T0)
    inner = fma(a * z, p, a)
    outer = ONE32 - TWO32 / (exp32(TWO32 * (TANH_END32 if a > TANH_END32 else a)) + ONE32)
    y = inner if a < TANH_BORDER32 else outer
    return y if x >= ZERO32 else -y


# ---- float64 ----------------------------------------------------------------------------------
ROUND64 = 6755399441055744.0  # 1.5 * 2^52
LOG2E64, LN2_HIGH64 = 1.4426950408889634, -6.93147180369123816490e-01
LN2_LOW64 = -1.90821492927058770002e-10
LEAST64, LIFT64 = 2.2250738585072014e-308, 18014398509481984.0  # 2^54


@compiled
def power64(n):
    """2^n in two factors, neither of which leaves the normal range."""
    k = np.int64(n)
    half = k >> 1
    return from_bits((half + 1023) << 52), from_bits((k - half + 1023) << 52)


@compiled
def exp64(x):
    """e^x."""
    x = -746.0 if x < -746.0 else (710.0 if x > 710.0 else x)
    # Not fma(...) - ROUND64 alone: the integer is asked for as a number and as bits.
    n = fma(x, LOG2E64, ROUND64) - ROUND64
    r = fma(n, LN2_LOW64, fma(n, LN2_HIGH64, x))
    p = fma(2.0852464943592008e-09, r, 2.5111268398471319e-08)
    p = fma(p, r, 2.755747037318788e-07)
    p = fma(p, r, 2.7557237243003619e-06)
    p = fma(p, r, 2.4801587109197537e-05)
    p = fma(p, r, 0.00019841269893884064)
    p = fma(p, r, 0.0013888888888978549)
    p = fma(p, r, 0.0083333333333180312)
    p = fma(p, r, 0.041666666666666539)
    p = fma(p, r, 0.16666666666666682)
    p = fma(p, r, 0.5)
    first, second = power64(n)
    return (fma(r * r, p, r) + 1.0) * first * second


@compiled
def log64(x):
    """The natural logarithm."""
    tiny = x < LEAST64
    i = bits(x * LIFT64 if tiny else x)
    k = (i + (0x3FF0000000000000 - 0x3FE6A09E667F3BCD)) >> 52
    m = from_bits(i - ((k - 1023) << 52))
    e = f64(k - 1023) - (54.0 if tiny else 0.0)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    p = fma(0.14798862589960515, z, 0.15313777897575462)
    p = fma(p, z, 0.18183574210407544)
    p = fma(p, z, 0.22222198399159376)
    p = fma(p, z, 0.28571428743908034)
    p = fma(p, z, 0.39999999999408758)
    p = fma(p, z, 0.66666666666667351)
    r = fma(z, p, half)
    y = fma(e, -LN2_HIGH64, f - (half - fma(s, r, e * -LN2_LOW64)))
    special = -_INFINITY if x == 0.0 else (x if x > 0.0 else _NAN)
    return y if (x > 0.0) & (x < _INFINITY) else special


@compiled
def sigmoid64(x):
    """1 / (1 + e^-x)."""
    e = exp64(-abs(x))
    total = 1.0 + e
    y = (e if x < 0.0 else 1.0) / total
    return fma(-y, e - (total - 1.0), y)


@compiled
def tanh64(x):
    """The hyperbolic tangent: a polynomial near 0, else 1 - 2 / (e^(2 |x|) + 1)."""
    a = abs(x)
    z = x * x
    p = fma(-1.9486123126989933e-05, z, 8.3303915096252435e-05)
    p = fma(p, z, -0.00023337383244126326)
    p = fma(p, z, 0.00058844187937812282)
    p = fma(p, z, -0.0014555423271359852)
    p = fma(p, z, 0.0035920919694507093)
    p = fma(p, z, -0.0088632325974970453)
    p = fma(p, z, 0.021869488385745837)
    p = fma(p, z, -0.053968253963760482)
    p = fma(p, z, 0.13333333333326619)
    p = fma(p, z, -0.33333333333333298)
    inner = fma(a * z, p, a)
    outer = 1.0 - 2.0 / (exp64(2.0 * (40.0 if a > 40.0 else a)) + 1.0)
    y = inner if a < 0.55 else outer
    return y if x >= 0.0 else -y
