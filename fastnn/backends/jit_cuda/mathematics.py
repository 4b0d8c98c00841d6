"""Scalar mathematics for the tables of fastnn.backends.jit: libdevice's, NumPy's when simulated.

A function's result has the type of its argument. libdevice's errors are at most 2 ULP (CUDA C++
Programming Guide, "Mathematical functions").
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from fastnn.backends.jit import normal

from .cuda import compiled as compile  # the tables ask for this name
from .cuda import cuda, simulated

if simulated:
    _np: Any = np  # whose types are not those of math

    def _in_double(function: Any) -> Any:
        """NumPy's function, whose float32 is worse than libdevice's, by way of float64."""
        return lambda *x: type(x[0])(function(*map(np.float64, x)))

    exp, expm1, log, log1p = map(_in_double, (_np.exp, _np.expm1, _np.log, _np.log1p))
    log2, log10, sin, cos = map(_in_double, (_np.log2, _np.log10, _np.sin, _np.cos))
    tan, sinh, cosh, tanh = map(_in_double, (_np.tan, _np.sinh, _np.cosh, _np.tanh))
    asin, acos, atan = map(_in_double, (_np.arcsin, _np.arccos, _np.arctan))
    atan2, _power = map(_in_double, (_np.arctan2, _np.power))
    fmod, sqrt, copysign = _np.fmod, _np.sqrt, _np.copysign

    def pow(x, y):
        """NumPy's takes the square root of -infinity, NaN, where the exponent is 0.5."""
        return _power(-x if (x == -np.inf) & (y == 0.5) else x, y)

    floor, ceil, rint = _np.floor, _np.ceil, _np.rint
    # Products and sums that the compiler must not join to one rounding, by dtype.
    MULTIPLY = dict.fromkeys(("float32", "float64"), lambda x, y: x * y)
    ADD = dict.fromkeys(("float32", "float64"), lambda x, y: x + y)

    def bits(x):
        """The bits of a float64 as an int64."""
        return np.float64(x).view(np.int64)

else:
    _math: Any = math
    exp, expm1, log, log1p = _math.exp, _math.expm1, _math.log, _math.log1p
    log2, log10, sin, cos, tan = _math.log2, _math.log10, _math.sin, _math.cos, _math.tan
    sinh, cosh, tanh, sqrt, fmod = _math.sinh, _math.cosh, _math.tanh, _math.sqrt, _math.fmod
    asin, acos, atan, atan2 = _math.asin, _math.acos, _math.atan, _math.atan2
    pow, copysign = _math.pow, _math.copysign
    floor, ceil, rint = cuda.libdevice.floor, cuda.libdevice.ceil, cuda.libdevice.rint
    MULTIPLY = {"float32": cuda.libdevice.fmul_rn, "float64": cuda.libdevice.dmul_rn}
    ADD = {"float32": cuda.libdevice.fadd_rn, "float64": cuda.libdevice.dadd_rn}
    bits = cuda.libdevice.double_as_longlong

erf, erfc = math.erf, math.erfc


@compile
def head(x):
    """The leading 24 bits of a number."""
    return np.float64(np.float32(x))


normal_quantile = normal.normal_quantile(sys.modules[__name__])
erfinv = normal.erfinv(sys.modules[__name__])
