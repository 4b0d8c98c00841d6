"""Scalar mathematics of float64 for the tables of fastnn.backends.jit.operations."""

from __future__ import annotations

import math
import sys

import numpy as np
from numba.extending import overload

from fastnn.backends.jit import normal

from .compile import compiled as compile
from .elementary import exp64 as exp  # noqa: F401
from .elementary import expm1_64 as expm1  # noqa: F401
from .elementary import log1p64 as log1p  # noqa: F401
from .elementary import log64 as log  # noqa: F401
from .elementary import tanh64 as tanh  # noqa: F401
from .error_function import erf64 as erf  # noqa: F401
from .error_function import erfc64 as erfc  # noqa: F401
from .intrinsics import ceil, floor, rint, unforeseen  # noqa: F401
from .power import pow64
from .trigonometry import cos64 as cos  # noqa: F401
from .trigonometry import sin64 as sin  # noqa: F401

log2, log10 = math.log2, math.log10
tan, asin, acos, atan = math.tan, math.asin, math.acos, math.atan
sinh, cosh, atan2, fmod = math.sinh, math.cosh, math.atan2, math.fmod
sqrt, copysign = math.sqrt, math.copysign


@overload(fmod, target="cpu")  # numba-cuda knows it, Numba does not
def _fmod(x, y):
    return lambda x, y: np.fmod(x, y)


@compile
def pow(x, y):
    """x ** y."""
    return pow64(np.float64(x), np.float64(y))


@compile
def head(x):
    """The leading 24 bits of a number."""
    return np.float64(np.float32(x))


normal_quantile = normal.normal_quantile(sys.modules[__name__])
_inverse_erf = normal.erfinv(sys.modules[__name__])


@compile
def erfinv(x):
    """The inverse of erf, whose branches would be vectorized too slowly: see `loops`."""
    return _inverse_erf(unforeseen(np.float64(x)))
