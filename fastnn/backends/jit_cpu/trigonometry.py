"""sin and cos without branches, for arguments of every size.

A number is an integer m times 2^e. A table has 2^e times 2 / pi, less multiples of 4, in parts: m
times that is the number in quarter turns, but for whole turns (M. Payne and R. Hanek, "Radian
reduction for trigonometric functions", 1983). What is left is at most half a quarter turn; there
sine and cosine are the polynomials of csrc/simd/vec_trig.h, and shorter ones for float32, which is
computed in float64. Only few float32 numbers take that way: those below FAR32 are computed in
float32 as in vec_trig.h. Within 2 units in the last place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .compile import compiled
from .elementary import (
    HALF32,
    ONE32,
    ONE_BITS64,
    ROUND32,
    ROUND64,
    SIGN32,
    SIGN64,
    ZERO32,
    f32,
    f64,
    shifted_down,
    signed64,
    two_sum,
)
from .intrinsics import bits, floor, fma, from_bits
from .rare import rarely

HALF_PI, HALF_PI_REST = 1.5707963267948966, 6.123233995736766e-17
# For float32: 2 / pi, -pi / 2 in parts, and polynomials for |r| <= pi / 4.
FAR32, TURNS32 = f32(30_000), f32(0.63661977)
PART0_32, PART1_32, PART2_32 = f32(-1.57079637), f32(4.37113883e-8), f32(1.71512451e-15)
S0, S1, S2, S3 = f32(-0.166666672), f32(0.00833338033), f32(-0.000198534835), f32(2.83695067e-06)
C0, C1, C2, C3 = f32(0.0416666679), f32(-0.00138889812), f32(2.48224515e-05), f32(-2.89188591e-07)
INFINITY = np.inf
LOW, LOW_EXPONENT = 2.0**-30, 1023 - 30  # below, sin(x) is x and cos(x) is 1
MANTISSA64 = np.int64(-0x7FF0000000000001)  # all bits but those of the exponent
_BITS = 1400  # of 2 / pi behind the point


def _atan_of_inverse(n: int) -> int:
    """atan(1 / n) 2^_BITS."""
    total, term, k = 0, (1 << _BITS) // n, 1
    while term:
        total += term // k if k % 4 == 1 else -(term // k)
        term //= n * n
        k += 2
    return total


def _table(end: int, digits: int, widths: Sequence[int]) -> list[np.ndarray]:
    """For numbers of so many digits from LOW to 2^end: 2^e 2 / pi mod 4 in parts of so many bits.

    At last NaN, for infinity.
    """
    pi = 16 * _atan_of_inverse(5) - 4 * _atan_of_inverse(239)  # J. Machin, 1706
    ratio = (2 << 2 * _BITS) // pi
    parts: list[list[float]] = [[] for _ in widths]
    for exponent in range(LOW_EXPONENT - 1023 - digits + 1, end - digits + 1):
        shifted = ratio << exponent if exponent > 0 else ratio >> -exponent
        rest = shifted & ((4 << _BITS) - 1)
        for part, width in zip(parts, widths):
            spare = max(0, rest.bit_length() - width)
            head = rest >> spare << spare
            part.append(head / (1 << _BITS))
            rest -= head
    return [np.array([*part, np.nan]) for part in parts]


# Products of 24 and 29 bits are exact.
SHORT0, SHORT1 = _table(128, 24, (29, 53))
LONG0, LONG1, LONG2, LONG3 = _table(1024, 53, (53, 53, 53, 53))


@compiled
def integer_and_place(x, one, end):
    """m, and where 2^e stands in the table; `one`: the bits of the least m."""
    a = abs(x)
    exponent = shifted_down(bits(LOW if a < LOW else (a if a < end else end)), 52)
    return from_bits((bits(x) & MANTISSA64) | one), np.uint64(exponent - LOW_EXPONENT)


@compiled
def quarter_turns32(x):
    """n + ROUND64 and r with x = n pi / 2 + r but for whole turns, for a float32."""
    m, place = integer_and_place(x, ONE_BITS64 + (23 << 52), 2.0**128)
    high, low = m * SHORT0[place], SHORT1[place]
    biased = fma(m, low, high) + ROUND64
    return biased, fma(m, low, high - (biased - ROUND64)) * HALF_PI


@compiled
def quarter_turns64(x):
    """n + ROUND64, r and what its rounding took, with x = n pi / 2 + r but for whole turns."""
    m, place = integer_and_place(x, ONE_BITS64 + (52 << 52), INFINITY)
    t0, t1, t2 = LONG0[place], LONG1[place], LONG2[place]
    p0, p1, p2 = m * t0, m * t1, m * t2
    turns = signed64(floor(abs(0.25 * p0)), p0)  # towards 0, so that what is left is exact
    first, low1 = two_sum(p0 - 4.0 * turns, fma(m, t0, -p0))
    first, low2 = two_sum(first, p1)
    biased = first + ROUND64
    first -= biased - ROUND64
    # The rest are small, and the least of the small ones is lost.
    small, least1 = two_sum(fma(m, t1, -p1), p2)
    low, least2 = two_sum(low1, low2)
    small, least3 = two_sum(small, low)
    turns, rest = two_sum(first, small)
    rest += (least1 + least2) + (least3 + fma(m, LONG3[place], fma(m, t2, -p2)))
    r = turns * HALF_PI
    return biased, r, fma(turns, HALF_PI, -r) + fma(turns, HALF_PI_REST, rest * HALF_PI)


@compiled
def of_quadrant(sine, cosine, biased, more):
    """The sine of n + more quarter turns and of what is left."""
    n = bits(biased) + more
    y = cosine if (n & 1) != 0 else sine
    return from_bits(bits(y) ^ ((n << 62) & SIGN64))


@compiled
def turned32(x, more):
    """The sine of a float32, given as float64 and at least LOW, and of `more` quarter turns."""
    biased, r = quarter_turns32(x)
    z = r * r
    p = fma(fma(-0.00019587890880412386, z, 0.008332748270629749), z, -0.1666666466231438)
    q = fma(fma(2.4547942085071572e-05, z, -0.0013888303035894866), z, 0.04166666465950221)
    return of_quadrant(fma(r * z, p, r), fma(z * z, q, fma(z, -0.5, 1.0)), biased, more)


@compiled
def turned64(x, more):
    """The sine of x and of `more` quarter turns."""
    biased, r, rest = quarter_turns64(x)
    z = r * r
    p = fma(-7.5784718460150525e-13, z, 1.6058361804214892e-10)
    p = fma(p, z, -2.5052104871330903e-08)
    p = fma(p, z, 2.7557319214025077e-06)
    p = fma(p, z, -0.00019841269841254725)
    p = fma(p, z, 0.0083333333333333228)
    p = fma(p, z, -0.16666666666666666)
    q = fma(-1.1358423585591786e-11, z, 2.087569871012841e-09)
    q = fma(q, z, -2.7557314163990812e-07)
    q = fma(q, z, 2.4801587288800086e-05)
    q = fma(q, z, -0.0013888888888872975)
    q = fma(q, z, 0.041666666666666595)
    cosine = fma(z * z, q, fma(z, -0.5, 1.0)) - r * rest
    return of_quadrant(fma(r * z, p, rest) + r, cosine, biased, more)


@compiled
def far_sin32(x):
    """The sine of any number."""
    return f32(turned32(f64(x), 0))


@compiled
def far_cos32(x):
    """The cosine of any number."""
    return f32(turned32(f64(x), 1))


_sin_if_far, _cos_if_far = rarely(far_sin32), rarely(far_cos32)


@compiled
def near32(x, more):
    """The sine of x and of `more` quarter turns, for |x| < FAR32, but that of -0.0."""
    biased = fma(x, TURNS32, ROUND32)
    n = biased - ROUND32
    r = fma(n, PART2_32, fma(n, PART1_32, fma(n, PART0_32, x)))
    z = r * r
    p = fma(fma(fma(S3, z, S2), z, S1), z, S0)
    q = fma(fma(fma(C3, z, C2), z, C1), z, C0)
    sine, cosine = fma(r * z, p, r), fma(z * z, q, fma(z, -HALF32, ONE32))
    quadrant = np.int32(bits(biased) + np.int32(more))
    y = cosine if (quadrant & 1) != 0 else sine
    return from_bits(np.int32(bits(y) ^ np.int32(np.int32(quadrant << 30) & SIGN32)))


@compiled
def sin32(x):
    """The sine."""
    y = near32(x, 0)
    return _sin_if_far(abs(x) >= FAR32, x, x if x == ZERO32 else y)


@compiled
def cos32(x):
    """The cosine."""
    return _cos_if_far(abs(x) >= FAR32, x, near32(x, 1))


@compiled
def sin64(x):
    """The sine."""
    y = turned64(x, 0)
    return x if abs(x) < LOW else y


@compiled
def cos64(x):
    """The cosine."""
    return turned64(x, 1)
