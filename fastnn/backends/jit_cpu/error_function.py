"""The error function without branches: erf, and erfc = 1 - erf with all its digits.

erfc(x) = e^(-x^2) u R(u), u = k / (x + k), for x >= 0: from 0 to infinity u stays between 0 and 1,
and R is smooth (M. Shepherd and J. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2)
erfc(x)", 1981). In float64 it is 2 P(-sqrt(2) x), P the normal distribution function, whose tail is
that of csrc/simd/vec_normal.h. Polynomials are interpolations at Chebyshev's points, in 60 digits;
those of erf for float32 have the least relative error. All are within 2 units in the last place.
"""

from __future__ import annotations

from .compile import compiled
from .elementary import (
    DOWN32,
    LN2_HIGH64,
    LN2_LOW64,
    LOG2E64,
    ONE32,
    ROUND64,
    exp_curve64,
    exp_mantissa32,
    exp_parts32,
    exp_short,
    f32,
    f64,
    half_way32,
    polynomial,
    power_of_two32,
    scaled64,
    signed32,
    signed64,
)
from .intrinsics import fma

END32, MIDDLE32 = f32(3.93), f32(0.84)  # erf(x) is 1 from END32 on
LAST32, LAST64 = 26.0, 27.25  # erfc(x) is less than any number there
LAST_SQUARED32 = f32(10.25)  # e^(-x^2) is, of float32
SLOPE_DOWN32 = f32(1.1283791670955126 * 2.0**-64)
SQRT2, SQRT_HALF, SCALE32 = 1.4142135623730951, 0.7071067811865476, 2.75

# erf(x) / x - 1 in x^2 for |x| < MIDDLE32, and log(erfc(x)) beyond, in float32.
_inner32 = polynomial(
    *(f32(0.12837916612625122), f32(-0.3761257827281952), f32(0.1128280907869339)),
    *(f32(-0.026806598529219627), f32(0.00505830068141222), f32(-0.0006359555409289896)),
)
_outer32 = polynomial(
    *(f32(-9.390681225340813e-05), f32(-1.1281071901321411), f32(-0.636437177658081)),
    *(f32(-0.10460105538368225), f32(0.022556856274604797), f32(-0.0031277232337743044)),
    f32(0.00020472063624765724),
)
# erf(x) / x - 1 in x^2, for |x| < 1.
_erf64 = polynomial(
    0.1283791670955126,
    -0.3761263890318375,
    0.11283791670954879,
    -0.026866170645076792,
    0.0052239776248180145,
    -0.000854832698083379,
    0.0001205533111164271,
    -1.4925595266831182e-05,
    1.6461000484121368e-06,
    -1.6350312701054695e-07,
    1.4659775274047436e-08,
    -1.1372848856791674e-09,
    5.957176147748911e-11,
)
# R(u)
_tail32 = polynomial(
    0.20515984850253977,
    0.20515986438099498,
    0.1915951769285525,
    0.16446150975034,
    0.1266986691029423,
    0.08023786968811765,
    0.05748244937831026,
    -0.049148351408384895,
    0.11304714566961935,
    -0.17567838015547654,
    0.10163062027652423,
    -0.020646423546785878,
)
# F(q) less its first term, over q: csrc/simd/vec_normal.h.
_normal64 = polynomial(
    *(-0.12176972500398899, 0.063787931590427366, -0.017956314507674504, -0.0084167201481420914),
    *(0.016977729182788309, -0.014662947938379006, 0.0087572591761420418, -0.0037693289956643736),
    *(0.0010457671978948058, -7.2319967137364887e-05, -8.4284020141282205e-05),
    *(3.567411535119352e-05, -5.961366799966801e-08, -4.4565646164320632e-06),
    *(9.3606697661234667e-07, 4.4786168898181058e-07, -1.9676969531613518e-07),
    *(-4.5755214194758448e-08, 3.2263952222394729e-08, 6.5693527722307808e-09),
    *(-3.7872081717496583e-09, -1.1343857826311044e-09),
)
NORMAL_FIRST, NORMAL_WIDTH, NORMAL_CENTRE = 0.47507290055209667, 1.25, 5.4765625
NORMAL_END = 38.75  # a P(-a) is 0 there
DENSITY, DENSITY_REST = 0.3989422804014327, -2.49232720227773e-17  # 1 / sqrt(2 pi)


@compiled
def erf32(x):
    """The error function of a float32; beyond MIDDLE32 it is 1 - e^log(erfc(|x|))."""
    a = abs(x)
    inner = fma(a, _inner32(a * a), a)
    biased, p = exp_parts32(_outer32(END32 if a > END32 else a))
    power = power_of_two32(biased)
    outer = fma(-power, p, ONE32 - power)
    return signed32(inner if a < MIDDLE32 else outer, x)


@compiled
def erf_slope32(x, _):
    """The derivative of erf: e^(-x^2) 2 / sqrt(pi), with what the rounding of the square took."""
    a = abs(x)
    a = LAST_SQUARED32 if a > LAST_SQUARED32 else a
    square = a * a
    biased, m = exp_mantissa32(-square, -fma(a, a, -square))
    return m * half_way32(biased, DOWN32) * SLOPE_DOWN32


@compiled
def erfc32(x):
    """1 - erf(x) for a float32, given and returned as float64."""
    a = abs(x)
    a = LAST32 if a > LAST32 else a
    u = SCALE32 / (a + SCALE32)
    y = exp_short(-a * a) * (u * _tail32(u))
    return 2.0 - y if x < 0.0 else y


@compiled
def normal_ratio64(factor, a):
    """factor P(-a) e^(a^2 / 2) as a value and a rest, for 0 <= a <= NORMAL_END."""
    width, total = a + NORMAL_WIDTH, a + NORMAL_CENTRE
    both = 1.0 / (width * total)
    about = both * width
    part = fma(about, fma(-about, a - (total - NORMAL_CENTRE), fma(-about, total, 1.0)), about)
    q = fma(part, -2.0 * NORMAL_CENTRE, 1.0)
    p = _normal64(q)
    top = fma(q, p, NORMAL_FIRST)
    top_rest = fma(q, p, NORMAL_FIRST - top)
    n = factor * top
    n_rest = fma(factor, top_rest, fma(factor, top, -n))
    inverse = both * total
    value = n * inverse
    back = width - a
    width_rest = (a - (width - back)) + (NORMAL_WIDTH - back)
    return value, fma(-value, width_rest, fma(-value, width, n) + n_rest) * inverse


@compiled
def times_power64(value, rest, exponent, low):
    """(value + rest) e^(exponent + low), rounded about once; rest and low are far below."""
    biased = fma(exponent, LOG2E64, ROUND64)
    n = biased - ROUND64
    r = fma(n, LN2_HIGH64, exponent) + fma(n, LN2_LOW64, low)
    above = fma(value, r, fma(value, r * r * exp_curve64(r), fma(rest, r, rest)))
    return scaled64(value + above, biased)


@compiled
def tail64(a):
    """erfc(a) for a >= 0."""
    a = LAST64 if a > LAST64 else a
    square = a * a
    value, rest = normal_ratio64(2.0, a * SQRT2)
    return times_power64(value, rest, -square, -fma(a, a, -square))


@compiled
def erfc64(x):
    """1 - erf(x)."""
    y = tail64(abs(x))
    return 2.0 - y if x < 0.0 else y


@compiled
def erf64(x):
    """The error function."""
    inner = fma(x, _erf64(x * x), x)
    outer = signed64(1.0 - tail64(abs(x)), x)
    return inner if abs(x) < 1.0 else outer


@compiled
def gelu32(x):
    """x P(x), P(x) = erfc(-x / sqrt(2)) / 2 the normal distribution function."""
    bounded = f64(-LAST32 if x < -LAST32 else x)
    return f32(bounded * (erfc32(bounded * -SQRT_HALF) * 0.5))


@compiled
def gelu64(x):
    """x P(x) = max(x, 0) - a P(-a), a = |x|."""
    a = abs(x)
    a = NORMAL_END if a > NORMAL_END else a
    square = a * a
    value, rest = normal_ratio64(a, a)
    tail = times_power64(value, rest, -0.5 * square, -0.5 * fma(a, a, -square))
    return (-0.0 if x < 0.0 else x) - tail


@compiled
def gelu_slope64(x, _):
    """P(x) + x P'(x), at -a: e^(-a^2 / 2) (P(-a) e^(a^2 / 2) - a / sqrt(2 pi))."""
    a = abs(x)
    a = NORMAL_END if a > NORMAL_END else a
    square = a * a
    value, rest = normal_ratio64(1.0, a)
    height = fma(a, -DENSITY, fma(a, -DENSITY_REST, value + rest))
    tail = times_power64(height, 0.0, -0.5 * square, -0.5 * fma(a, a, -square))
    return tail if x < 0.0 else 1.0 - tail
