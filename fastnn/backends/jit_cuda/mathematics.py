"""Scalar mathematics for the tables of fastnn.backends.jit: libdevice's, NumPy's when simulated.

A function's result has the type of its argument. libdevice's errors are at most 2 ULP (CUDA C++
Programming Guide, "Mathematical functions").
"""

from __future__ import annotations

import math
import sys

import numpy as np

from fastnn.backends.jit import normal

from .cuda import compiled as compile  # noqa: A004 (the tables ask for these names)
from .cuda import cuda, simulated

if simulated:
    exp, expm1, log, log1p, log2, log10 = np.exp, np.expm1, np.log, np.log1p, np.log2, np.log10
    sin, cos, tan, sinh, cosh, tanh = np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh
    asin, acos, atan, atan2 = np.arcsin, np.arccos, np.arctan, np.arctan2
    fmod, pow, sqrt, copysign = np.fmod, np.power, np.sqrt, np.copysign
    floor, ceil, rint = np.floor, np.ceil, np.rint
    # Products and sums that the compiler must not join to one rounding, by dtype.
    MULTIPLY = dict.fromkeys(("float32", "float64"), lambda x, y: x * y)
    ADD = dict.fromkeys(("float32", "float64"), lambda x, y: x + y)

    def bits(x):
        """The bits of a float64 as an int64."""
        return np.float64(x).view(np.int64)

else:
    exp, expm1, log, log1p = math.exp, math.expm1, math.log, math.log1p
    log2, log10, sin, cos, tan = math.log2, math.log10, math.sin, math.cos, math.tan
    sinh, cosh, tanh, sqrt, fmod = math.sinh, math.cosh, math.tanh, math.sqrt, math.fmod
    asin, acos, atan, atan2 = math.asin, math.acos, math.atan, math.atan2
    pow, copysign = math.pow, math.copysign
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
