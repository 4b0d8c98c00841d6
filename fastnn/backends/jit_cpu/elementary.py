"""exp, log and their kin as branch-free polynomials, which LLVM turns into vector code.

The methods are those of csrc/simd/vec_exp.h and vec_log.h: W. Cody and W. Waite, "Software manual
for the elementary functions" (1980), with minimax polynomials. Within 2 units in the last place
over the whole range; right at zeros, infinities, NaN and subnormal numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compile import compiled
from .intrinsics import bits, fma, from_bits

f32, f64 = np.float32, np.float64
_NAN, _INFINITY = math.nan, math.inf


def polynomial(*coefficients: Any) -> Any:
    """A function: c0 + c1 x + c2 x^2 + ..., by Horner's rule, in the type of the coefficients."""
    names = {f"c{i}": coefficient for i, coefficient in enumerate(coefficients)}
    *others, text = names
    for name in reversed(others):
        text = f"fma({text}, x, {name})"
    return compiled(eval(f"lambda x: {text}", {"fma": fma, "__name__": __name__, **names}))


# ---- float32 ----------------------------------------------------------------------------------
ROUND32 = f32(12582912.0)  # 1.5 * 2^23: adding it rounds to an integer
LOG2E32, LN2_HIGH32, LN2_LOW32 = f32(1.44269504), f32(-0.693359375), f32(2.12194440e-4)
ONE32, TWO32, HALF32 = f32(1), f32(2), f32(0.5)
LOW32, HIGH32 = f32(-104), f32(89)  # exp is 0 and infinity there
# As ROUND32, but the last nine bits are n and twice the bias of exponents, of which `half_way32`
# takes one away again.
ROUND_BIASED32 = f32(12582912.0 + 254)
UP32, DOWN32 = f32(2.0**64), f32(2.0**-64)
NOTHING32 = f32(-0.0)  # x + NOTHING32 is no work
E0, E1, E2 = f32(0.49999994), f32(0.166665167), f32(0.0416681021)
E3, E4 = f32(0.00836916454), f32(0.00138379866)
# The same, fitted for e^r - 1.
M1, M2, M3 = f32(0.166666672), f32(0.0416664928), f32(0.0083332248)
M4, M5 = f32(0.00139324099), f32(0.000199266709)
EXPM1_LOW32 = f32(-25)
L0, L1, L2, L3 = f32(0.666666627), f32(0.400009722), f32(0.284987926), f32(0.242788151)
LEAST32, LIFT32, ZERO32 = f32(1.17549435e-38), f32(16777216.0), f32(0)
LIFT_BITS32 = f32(24 * 2.0**23)
SQRT_HALF_BITS32, EXPONENT32 = np.int32(0x3F3504F3), np.int32(-0x800000)
UNIT_HIGH32, UNIT_LOW32 = -LN2_HIGH32 * f32(2.0**-23), -LN2_LOW32 * f32(2.0**-23)
NAN32, INFINITY32 = f32(_NAN), f32(_INFINITY)
TANH_END32 = f32(10)  # tanh is 1 there
SIGN32, ONE_BITS32 = np.int32(-0x80000000), np.int32(0x3F800000)


@compiled
def signed32(y, x):
    """y >= 0 with the sign of x."""
    return from_bits(np.int32(bits(y) | np.int32(bits(x) & SIGN32)))


@compiled
def power_of_two32(biased):
    """2^n where that is normal; `biased` is n + ROUND32, whose last bits are n."""
    return from_bits(np.int32(np.int32(bits(biased) << 23) + ONE_BITS32))


@compiled
def exp_parts32(x):
    """n + ROUND32 and p with e^x = 2^n (1 + p), for x of a size that exp has a result for."""
    biased = fma(x, LOG2E32, ROUND32)
    n = biased - ROUND32
    r = fma(n, LN2_LOW32, fma(n, LN2_HIGH32, x))
    z = r * r
    # Short chains of operations keep a processor busier than Horner's rule.
    p = fma(fma(E4, z, fma(E3, r, E2)), z, fma(E1, r, E0))
    return biased, fma(z, p, r)


@compiled
def exp_mantissa32(x, low):
    """n + ROUND_BIASED32 and m with e^(x + low) = 2^n m, for x of a size that exp has a result for;
    low is far below it."""
    biased = fma(x, LOG2E32, ROUND_BIASED32)
    n = biased - ROUND_BIASED32
    r = fma(n, LN2_LOW32, fma(n, LN2_HIGH32, x)) + low
    p = fma(fma(fma(fma(E4, r, E3), r, E2), r, E1), r, E0)
    return biased, fma(fma(p, r, ONE32), r, ONE32)


@compiled
def half_way32(biased, step):
    """2^n / step, which is normal for a step of UP32 or DOWN32 toward 2^n."""
    return from_bits(np.int32(np.int32(bits(biased) << 23) - bits(step)))


@compiled
def exp32(x):
    """e^x."""
    x = LOW32 if x < LOW32 else x
    x = HIGH32 if x > HIGH32 else x
    biased, m = exp_mantissa32(x, NOTHING32)
    step = DOWN32 if bits(x) < 0 else UP32
    return m * half_way32(biased, step) * step


@compiled
def exp_of_negative32(x):
    """e^x for x <= 0."""
    biased, m = exp_mantissa32(LOW32 if x < LOW32 else x, NOTHING32)
    return m * half_way32(biased, DOWN32) * DOWN32


@compiled
def expm1_32(x):
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1), with what the rounding of r took."""
    bounded = EXPM1_LOW32 if x < EXPM1_LOW32 else x
    bounded = HIGH32 if bounded > HIGH32 else bounded
    biased = fma(bounded, LOG2E32, ROUND32)
    n = biased - ROUND32
    high = fma(n, LN2_HIGH32, bounded)
    r = fma(n, LN2_LOW32, high)
    rest = fma(n, LN2_LOW32, high - r)
    p = fma(fma(fma(fma(fma(M5, r, M4), r, M3), r, M2), r, M1), r, HALF32)
    half_power = power_of_two32(biased - ONE32)  # 2^n itself may be too large
    y = fma(half_power, r + fma(r * r, p, rest), half_power - HALF32)
    return signed32(abs(y + y), x)


@compiled
def log_of_normal32(x, lifted, low):
    """log(x) + low less `lifted` 2^-23 powers of two, for positive normal x; low far below it."""
    i = bits(x)
    exponent = np.int32(np.int32(i - SQRT_HALF_BITS32) & EXPONENT32)  # 2^23 times it
    f = from_bits(np.int32(i - exponent)) - ONE32
    e = f32(exponent) - lifted
    s = f / (TWO32 + f)
    z = s * s
    half = HALF32 * f * f
    r = fma(z, fma(fma(L3, z, L2), z * z, fma(L1, z, L0)), half)
    return fma(e, UNIT_HIGH32, f - (half - fma(s, r, fma(e, UNIT_LOW32, low))))


@compiled
def with_ends32(y, x, least):
    """y, a logarithm that begins at x = least; there, below, at infinity and NaN what it is."""
    y = y if x < INFINITY32 else x
    return (-INFINITY32 if x == least else NAN32) if x <= least else y


@compiled
def log32(x):
    """The natural logarithm."""
    tiny = x < LEAST32
    lifted = LIFT_BITS32 if tiny else ZERO32
    y = log_of_normal32(x * LIFT32 if tiny else x, lifted, ZERO32)
    return with_ends32(y, x, ZERO32)


@compiled
def log1p32(x):
    """log(1 + x) = log(u) + (x - (u - 1)) / u, u = 1 + x rounded."""
    u = ONE32 + x
    of_x = u - ONE32
    rest = (x - of_x) + (ONE32 - (u - of_x))
    y = signed32(abs(log_of_normal32(u, ZERO32, rest / u)), x)
    return with_ends32(y, x, -ONE32)


@compiled
def softplus32(x):
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    e = exp_of_negative32(-abs(x))
    u = ONE32 + e
    return (ZERO32 if x < ZERO32 else x) + log_of_normal32(u, ZERO32, (e - (u - ONE32)) / u)


@compiled
def sigmoid32(x):
    """1 / (1 + e^-x)."""
    e = exp_of_negative32(-abs(x))
    total = ONE32 + e
    y = (e if x < ZERO32 else ONE32) / total
    return fma(-y, e - (total - ONE32), y)


@compiled
def tanh32(x):
    """tanh(x) = h / (1 + h), h = (e^(2 |x|) - 1) / 2; for small h it is h - h tanh(x)."""
    a = abs(x)
    bounded = TANH_END32 if a > TANH_END32 else a
    biased, p = exp_parts32(bounded + bounded)
    half_power = power_of_two32(biased - ONE32)
    h = fma(half_power, p, half_power - HALF32)
    y = h / (h + ONE32)
    return signed32(fma(-h, y, h) if h < HALF32 else y, x)


# ---- float64 ----------------------------------------------------------------------------------
ROUND64 = 6755399441055744.0  # 1.5 * 2^52
LOG2E64, LN2_HIGH64 = 1.4426950408889634, -6.93147180369123816490e-01
LN2_LOW64 = -1.90821492927058770002e-10
LEAST64, LIFT64 = 2.2250738585072014e-308, 18014398509481984.0  # 2^54
SIGN64, ONE_BITS64 = np.int64(-0x8000000000000000), np.int64(0x3FF0000000000000)
# (e^r - 1 - r) / r^2
exp_curve64 = polynomial(
    *(0.5, 0.16666666666666682, 0.041666666666666539, 0.0083333333333180312),
    *(0.0013888888888978549, 0.00019841269893884064, 2.4801587109197537e-05),
    *(2.7557237243003619e-06, 2.755747037318788e-07, 2.5111268398471319e-08),
    2.0852464943592008e-09,
)
_exp_short = polynomial(
    *(1.0, 1.000000037716214, 0.5000000047117757, 0.16666415514653277, 0.04166635289677516),
    *(0.008375126398153335, 0.0013941108433972674),
)
_expm1_64 = polynomial(
    *(0.5, 0.16666666666666677, 0.041666666666666671, 0.0083333333333213862),
    *(0.0013888888888886014, 0.00019841269886818164, 2.4801587317940496e-05),
    *(2.7557243449289732e-06, 2.7557283052363812e-07, 2.5109321877744631e-08),
    2.0910650814296757e-09,
)
_log64 = polynomial(
    *(0.66666666666667351, 0.39999999999408758, 0.28571428743908034, 0.22222198399159376),
    *(0.18183574210407544, 0.15313777897575462, 0.14798862589960515),
)
UNIT64, UNIT_BITS64 = 4503599627370496.0, np.int64(0x4330000000000000)  # 2^52


@compiled
def signed64(y, x):
    """y >= 0 with the sign of x."""
    return from_bits(bits(y) | (bits(x) & SIGN64))


@compiled
def two_sum(a, b):
    """a + b rounded, and what that took."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


@compiled
def shifted_down(i, places):
    """i >> places, zeros moving in: for other shifts, and for conversions of int64 from and to
    float64, few processors have vector instructions."""
    return np.int64(np.uint64(i) >> np.uint64(places))


@compiled
def power_of_two64(biased):
    """2^n where that is normal; `biased` is n + ROUND64, whose last bits are n."""
    return from_bits((bits(biased) << 52) + ONE_BITS64)


@compiled
def scaled64(y, biased):
    """y 2^n in two steps, neither of which leaves the normal range."""
    n = bits(biased)
    half = shifted_down(n, 1)
    first = from_bits((half << 52) + ONE_BITS64)
    return y * first * from_bits(((n - half) << 52) + ONE_BITS64)


@compiled
def exp_parts64(x, low):
    """n + ROUND64 and p with e^(x + low) = 2^n (1 + p), for x of a size that exp has results for;
    low is far below it."""
    biased = fma(x, LOG2E64, ROUND64)
    n = biased - ROUND64
    r = fma(n, LN2_LOW64, fma(n, LN2_HIGH64, x) + low)
    return biased, fma(r * r, exp_curve64(r), r)


@compiled
def exp_of_sum64(x, low):
    """e^(x + low), low far below x."""
    biased, p = exp_parts64(-746.0 if x < -746.0 else (710.0 if x > 710.0 else x), low)
    return scaled64(p + 1.0, biased)


@compiled
def exp64(x):
    """e^x."""
    return exp_of_sum64(x, -0.0)


@compiled
def exp_short(x):
    """e^x with the digits of float32, for x from -700 to 700."""
    biased = fma(x, LOG2E64, ROUND64)
    n = biased - ROUND64
    r = fma(n, LN2_LOW64, fma(n, LN2_HIGH64, x))
    return _exp_short(r) * power_of_two64(biased)


@compiled
def expm1_64(x):
    """e^x - 1, as in float32."""
    bounded = -50.0 if x < -50.0 else (710.0 if x > 710.0 else x)
    biased = fma(bounded, LOG2E64, ROUND64)
    n = biased - ROUND64
    high = fma(n, LN2_HIGH64, bounded)
    r = fma(n, LN2_LOW64, high)
    rest = fma(n, LN2_LOW64, high - r)
    whole = 1.0 - power_of_two64(ROUND64 - (100.0 if n > 100.0 else n))
    total = whole + r
    y = total + fma(r * r, _expm1_64(r), (r - (total - whole)) + rest)
    return signed64(abs(scaled64(y, biased)), x)


@compiled
def binary_parts64(x, lifted):
    """e and m with x = 2^(e + lifted) m, sqrt(1/2) <= m < sqrt(2), for positive normal x."""
    i = bits(x)
    k = shifted_down(i + (ONE_BITS64 - 0x3FE6A09E667F3BCD), 52)
    m = from_bits(i - (k << 52) + ONE_BITS64)
    return from_bits(k | UNIT_BITS64) - (UNIT64 + 1023.0) - lifted, m


@compiled
def log_of_normal64(x, lifted, low):
    """log(x) + low less so many powers of two, for positive normal x; low far below it."""
    e, m = binary_parts64(x, lifted)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    r = fma(z, _log64(z), half)
    return fma(e, -LN2_HIGH64, f - (half - fma(s, r, fma(e, -LN2_LOW64, low))))


@compiled
def log64(x):
    """The natural logarithm."""
    tiny = x < LEAST64
    y = log_of_normal64(x * LIFT64 if tiny else x, 54.0 if tiny else 0.0, 0.0)
    special = -_INFINITY if x == 0.0 else (x if x > 0.0 else _NAN)
    return y if (x > 0.0) & (x < _INFINITY) else special


@compiled
def log1p64(x):
    """log(1 + x), as in float32."""
    u = 1.0 + x
    rest = 1.0 - (u - x) if x > 1.0 else x - (u - 1.0)
    y = signed64(abs(log_of_normal64(u, 0.0, rest / u)), x)
    special = -_INFINITY if x == -1.0 else (x if x > -1.0 else _NAN)
    return y if (x > -1.0) & (x < _INFINITY) else special


@compiled
def softplus64(x):
    """log(1 + e^x), as in float32."""
    e = exp64(-abs(x))
    u = 1.0 + e
    return (0.0 if x < 0.0 else x) + log_of_normal64(u, 0.0, (e - (u - 1.0)) / u)


@compiled
def sigmoid64(x):
    """1 / (1 + e^-x)."""
    e = exp64(-abs(x))
    total = 1.0 + e
    y = (e if x < 0.0 else 1.0) / total
    return fma(-y, e - (total - 1.0), y)


@compiled
def tanh64(x):
    """The hyperbolic tangent, as in float32."""
    a = abs(x)
    biased, p = exp_parts64(2.0 * (40.0 if a > 40.0 else a), -0.0)
    half_power = power_of_two64(biased - 1.0)
    h = fma(half_power, p, half_power - 0.5)
    y = h / (h + 1.0)
    return signed64(fma(-h, y, h) if h < 0.5 else y, x)
