"""Scalar mathematics of float64 for the tables of fastnn.backends.jit.operations."""

from __future__ import annotations

import math

import numpy as np

from fastnn.backends.reference.special import FAR, MIDDLE, TAIL

from .compile import compiled as compile
from .elementary import exp64 as exp  # noqa: F401
from .elementary import expm1_64 as expm1  # noqa: F401
from .elementary import log1p64 as log1p  # noqa: F401
from .elementary import log64 as log  # noqa: F401
from .elementary import tanh64 as tanh  # noqa: F401

log2, log10 = math.log2, math.log10
sin, cos, tan, asin, acos, atan = math.sin, math.cos, math.tan, math.asin, math.acos, math.atan
sinh, cosh, atan2, fmod, pow = math.sinh, math.cosh, math.atan2, np.fmod, math.pow
erf, erfc, sqrt, copysign = math.erf, math.erfc, math.sqrt, math.copysign
floor, ceil, rint = np.floor, np.ceil, np.rint

_SQRT_HALF, _SQRT_2PI, _INFINITY = math.sqrt(0.5), math.sqrt(2 * math.pi), math.inf


@compile
def head(x):
    """The leading 24 bits of a number."""
    return np.float64(np.float32(x))


@compile
def _ratio(numerator, denominator, r):
    top, bottom = 0.0, 0.0
    for i in range(8):
        top = top * r + numerator[i]
        bottom = bottom * r + denominator[i]
    return top / bottom


@compile
def _quantile(q, tail):
    """The normal quantile of 1/2 + q, tail = 1/2 - abs(q): AS 241, see reference/special.py."""
    if abs(q) <= 0.425:
        return q * _ratio(MIDDLE[0], MIDDLE[1], 0.180625 - q * q)
    if tail == 0:
        return copysign(_INFINITY, q)
    r = sqrt(-math.log(tail))
    if r <= 5:
        return copysign(_ratio(TAIL[0], TAIL[1], r - 1.6), q)
    return copysign(_ratio(FAR[0], FAR[1], r - 5.0), q)


@compile
def normal_quantile(q, tail):
    """The normal quantile of 1/2 + q, made better by one step of Newton's method."""
    z = _quantile(q, tail)
    if not abs(z) < _INFINITY:
        return z
    y = z * _SQRT_HALF
    if abs(q) < 0.25:
        excess = erf(y) / 2 - q
    else:
        excess = copysign(1.0, q) * (tail - erfc(abs(y)) / 2)
    return z - excess * _SQRT_2PI * math.exp(y * y)


@compile
def erfinv(x):
    """The inverse of erf."""
    return normal_quantile(x / 2, (1 - abs(x)) / 2) * _SQRT_HALF
