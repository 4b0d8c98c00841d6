"""Quantiles of the normal distribution for kernels in Python; see reference/special.py."""

from __future__ import annotations

import math
from typing import Any

from fastnn.backends.reference.special import FAR, MIDDLE, TAIL

_SQRT_HALF, _SQRT_2PI = math.sqrt(0.5), math.sqrt(2 * math.pi)


def normal_quantile(m: Any) -> Any:
    """f(q, tail) -> the normal quantile of 1/2 + q, tail = 1/2 - abs(q), in float64."""
    sqrt, log, exp, erf, erfc, copysign = m.sqrt, m.log, m.exp, m.erf, m.erfc, m.copysign

    @m.compile
    def ratio(numerator, denominator, r):
        top, bottom = 0.0, 0.0
        for i in range(8):
            top = top * r + numerator[i]
            bottom = bottom * r + denominator[i]
        return top / bottom

    @m.compile
    def as241(q, tail):
        if abs(q) <= 0.425:
            return q * ratio(MIDDLE[0], MIDDLE[1], 0.180625 - q * q)
        if tail == 0:
            return copysign(math.inf, q)
        r = sqrt(-log(tail))
        if r <= 5:
            return copysign(ratio(TAIL[0], TAIL[1], r - 1.6), q)
        return copysign(ratio(FAR[0], FAR[1], r - 5.0), q)

    @m.compile
    def quantile(q, tail):
        z = as241(q, tail)
        if not abs(z) < math.inf:
            return z
        # One step of Newton's method.
        y = z * _SQRT_HALF
        if abs(q) < 0.25:
            excess = erf(y) / 2 - q
        else:
            excess = copysign(1.0, q) * (tail - erfc(abs(y)) / 2)
        return z - excess * _SQRT_2PI * exp(y * y)

    return quantile


def erfinv(m: Any) -> Any:
    """f(x) -> the inverse of erf, in float64."""
    quantile = normal_quantile(m)

    @m.compile
    def inverse(x):
        return quantile(x / 2, (1 - abs(x)) / 2) * _SQRT_HALF

    return inverse
