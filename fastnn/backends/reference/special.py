"""Functions that NumPy lacks, good to float64 precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# M. Wichura, "Algorithm AS 241: the percentage points of the normal distribution" (1988), PPND16:
# coefficients of numerators and denominators, highest power first, in the middle (|q| <= 0.425),
# in the tails (r <= 5) and far out in them.
MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)  # fmt: skip
FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def _ratio(coefficients: tuple, r: np.ndarray) -> np.ndarray:
    return np.polyval(coefficients[0], r) / np.polyval(coefficients[1], r)


def _vectorize(function: Any, x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    return np.asarray(np.frompyfunc(function, 1, 1)(x), dtype=x.dtype)


def erf(x: np.ndarray) -> np.ndarray:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return _vectorize(math.erf, x)


def erfc(x: np.ndarray) -> np.ndarray:
    """1 - erf(x), without cancellation for large x."""
    return _vectorize(math.erfc, x)


def exp_of_square(x: np.ndarray, factor: float) -> np.ndarray:
    """exp(factor * x * x) for a power of two, with the rounding error of the square made good."""
    x = np.clip(x, -100, 100)  # beyond, the result is 0 or infinite
    high = x.astype(np.float32).astype(np.float64)  # its square is exact
    return np.exp(factor * high * high) * np.exp(factor * (x - high) * (x + high))


def _as241(q: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """AS 241: the normal quantile of 1/2 + q, for tail = 1/2 - abs(q)."""
    middle = q * _ratio(MIDDLE, 0.180625 - q * q)
    r = np.sqrt(-np.log(tail))
    outside = np.where(r <= 5, _ratio(TAIL, r - 1.6), _ratio(FAR, r - 5.0))
    outside = np.where(tail == 0, np.inf, outside)
    return np.where(np.abs(q) <= 0.425, middle, np.copysign(outside, q))


@np.errstate(all="ignore")
def normal_quantile(q: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """The number below which a normal variable lies with probability 1/2 + q, in float64.

    ``tail`` is 1/2 - abs(q), given apart so that no digits are lost at either end. AS 241, and one
    step of Newton's method.
    """
    z = _as241(q, tail)
    y = z * math.sqrt(0.5)
    excess = np.where(np.abs(q) < 0.25, erf(y) / 2 - q, np.sign(q) * (tail - erfc(np.abs(y)) / 2))
    return np.where(np.isfinite(z), z - excess * math.sqrt(2 * math.pi) * np.exp(y * y), z)


def erfinv(x: np.ndarray) -> np.ndarray:
    """The inverse of erf: sqrt(1/2) times the normal quantile of (1 + x) / 2."""
    wide = np.asarray(x).astype(np.float64)
    z = normal_quantile(wide / 2, (1 - np.abs(wide)) / 2)
    return (z * math.sqrt(0.5)).astype(x.dtype)
