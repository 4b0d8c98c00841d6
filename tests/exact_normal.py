"""erf, gelu and its slope with 50 digits, by `decimal`: P is the normal distribution function."""

import functools
import math
from decimal import Decimal, localcontext

import numpy as np

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
TERMS = 300  # of the series and of the continued fraction: more than 50 digits at NEAR
NEAR = 6


def density(x):
    """P'(x)."""
    return (-x * x / 2).exp() / (2 * PI).sqrt()


def half_inside(a):
    """P(a) - 1/2 = P'(a) (a + a^3 / 3 + a^5 / (3 5) + ...), for a from 0 to NEAR."""
    total = term = a
    for n in range(1, TERMS):
        term *= a * a / (2 * n + 1)
        total += term
    return density(a) * total


def below(a):
    """P(-a) = P'(a) / (a + 1 / (a + 2 / (a + 3 / ...))) for a > NEAR: Laplace's fraction."""
    rest = a
    for n in range(TERMS, 0, -1):
        rest = a + n / rest
    return density(a) / rest


def exact(x):
    """erf(x), x P(x), P(x) + x P'(x), and that with |x| for x, for a finite float."""
    with localcontext() as context:
        context.prec, context.Emin = 60, -(10**6)
        x = Decimal(x)
        z = abs(x) * Decimal(2).sqrt()
        erf = 2 * half_inside(z) if z < NEAR else 1 - 2 * below(z)
        a = abs(x)
        tail = Decimal("0.5") - half_inside(a) if a < NEAR else below(a)
        p = tail if x < 0 else 1 - tail
        slope = x * density(x)
        return erf.copy_sign(x), x * p, p + slope, p + abs(slope)


def units_off(y, value, size):
    """|y - value| in units in the last place of `size`, for a float y."""
    with localcontext() as context:
        context.prec, context.Emin = 60, -(10**6)
        return float(abs(Decimal(y) - value) / Decimal(math.ulp(float(size))))


def _numbers():
    random = np.random.default_rng(0)
    hardest = [random.uniform(-b, -a, 120) for a, b in ((0.8, 0.84), (1.38, 1.45), (1.82, 1.87))]
    tail = [random.uniform(-b, -a, 80) for a, b in ((2, 5), (5, 10), (10, 20), (20, 37))]
    end = random.uniform(-38.6, -37, 80)  # gelu is subnormal from -37.6 to -38.5
    near = random.uniform(-2, 2, 300)
    tiny = 10.0 ** random.uniform(-320, -1, 60) * random.choice([-1, 1], 60)
    edges = [0.9, np.nextafter(0.9, 0), -6.0, 6.0, 9.0, 26.0, 38.5, -38.55, 5e-324]
    return np.concatenate([*hardest, *tail, end, near, random.uniform(2, 7, 60), tiny, edges])


# Where the functions bend, the tail of gelu down to its end, and small numbers.
NUMBERS = _numbers()


@functools.cache
def _values():
    return [exact(x) for x in NUMBERS.tolist()]


def worst(name, y, above=-math.inf):
    """The most units that erf, gelu or the slope is off, for y at NUMBERS, and where.

    above: of the numbers above that. Of the slope, units of the sum of its terms' sizes, which
    cancel at -0.75.
    """
    kind, size = {"erf": (0, 0), "gelu": (1, 1), "slope": (2, 3)}[name]
    return max(
        (units_off(got, value[kind], value[size]), x)
        for got, value, x in zip(y.tolist(), _values(), NUMBERS.tolist(), strict=True)
        if x > above
    )
