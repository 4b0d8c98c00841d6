"""The error function without branches: erf, and erfc = 1 - erf with all its digits.

erfc(x) = e^(-x^2) u R(u), u = k / (x + k), for x >= 0: from 0 to infinity u stays between 0 and 1,
and R is smooth (M. Shepherd and J. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2)
erfc(x)", 1981). Polynomials are interpolations at Chebyshev's points, in 60 digits; those of erf
for float32 have the least relative error. erf is within 2 units in the last place, erfc within 5.
"""

from __future__ import annotations

from .compile import compiled
from .elementary import (
    DOWN32,
    ONE32,
    exp64,
    exp_mantissa32,
    exp_parts32,
    exp_short,
    f32,
    f64,
    half_way32,
    polynomial,
    power_of_two32,
    signed32,
    signed64,
)
from .intrinsics import fma

END32, MIDDLE32 = f32(3.93), f32(0.84)  # erf(x) is 1 from END32 on
LAST32, LAST64 = 26.0, 28.0  # erfc(x) is less than any number there
LAST_SQUARED32 = f32(10.25)  # e^(-x^2) is, of float32
SLOPE_DOWN32 = f32(1.1283791670955126 * 2.0**-64)
SQRT_HALF = 0.7071067811865476
SCALE32, SCALE64 = 2.75, 4.0

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
_tail64 = polynomial(
    0.14104739588693907,
    0.1410473958869398,
    0.13663966476532322,
    0.12782420253495452,
    0.11501423339957542,
    0.0990362237269439,
    0.08106495635479358,
    0.06249960538503054,
    0.04472715474192903,
    0.029406396568274398,
    0.014986306427188643,
    0.0146965026936726,
    -0.025270495973720702,
    0.0804237059835667,
    -0.20118353318970852,
    0.3955264343475022,
    -0.6402471719405809,
    0.8298564628580134,
    -0.8540941333286585,
    0.6853274164566557,
    -0.4143532105372185,
    0.1805737674047726,
    -0.05330163554110638,
    0.00953344559100491,
    -0.0007810905020868027,
)


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
def tail64(a):
    """erfc(a) for a >= 0."""
    a = LAST64 if a > LAST64 else a
    square = a * a
    u = SCALE64 / (a + SCALE64)
    y = exp64(-square) * (u * _tail64(u))
    return fma(-y, fma(a, a, -square), y)


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
