"""Further functions of one number, made of others: inverse hyperbolics, roots, angles, signs.

Where a composition would lose the slope at 0 (by way of ``abs``), a rule gives it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.ops.arithmetic import arctan2, divide, multiply, power
from fastnn.ops.comparison import equal, greater, less, where
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    follows_operands,
    like,
    record,
    saved_output,
)
from fastnn.ops.elementwise import absolute, ceil, floor, log, log1p, sign, sin, sqrt
from fastnn.ops.elementwise import square as squared


def _odd(x: Tensor, y: Tensor) -> Tensor:
    """What an odd function is at x, by what it is at |x|: y with the sign of x, of -0.0 too."""
    return where(equal(x, 0.0), x, multiply(sign(x), y))


def _arcsinh_rule(node: _core.Node, gradient: Any) -> Any:
    (x,) = node.saved
    a = absolute(x)
    large = greater(a, 1e8)  # where 1 does not count beside a squared
    return divide(gradient, where(large, a, sqrt(squared(where(large, 0.0, a)) + 1.0)))


def arcsinh(x: Any) -> Tensor:
    """The inverse hyperbolic sine, element by element; exact near 0, without overflow.

    >>> arcsinh([0.0]).tolist()
    [0.0]
    """
    x = as_float(x, "arcsinh: x")
    a = absolute(x.detach())
    large = greater(a, 1e8)  # where 1 does not count beside a squared
    b = where(large, 0.0, a)
    y = log1p(b + divide(squared(b), sqrt(squared(b) + 1.0) + 1.0))
    y = where(large, log(where(large, a, 1.0)) + math.log(2.0), y)
    return record(_odd(x.detach(), y), _arcsinh_rule, (x,), x)


def arccosh(x: Any) -> Tensor:
    """The inverse hyperbolic cosine, element by element; NaN below 1.

    >>> arccosh([1.0]).tolist()
    [0.0]
    """
    x = as_float(x, "arccosh: x")
    large = greater(x.detach(), 1e8)
    b = where(large, 2.0, x) - 1.0
    b = where(less(b, 0.0), math.nan, b)
    y = log1p(b + sqrt(multiply(b, b + 2.0)))
    return where(large, log(where(large, x, 1.0)) + math.log(2.0), y)


def _arctanh_rule(node: _core.Node, gradient: Any) -> Any:
    (x,) = node.saved
    return divide(gradient, multiply(1.0 - x, x + 1.0))


def arctanh(x: Any) -> Tensor:
    """The inverse hyperbolic tangent, element by element; NaN outside [-1, 1].

    >>> arctanh([0.0, 1.0]).tolist()
    [0.0, inf]
    """
    x = as_float(x, "arctanh: x")
    a = absolute(x.detach())
    y = log1p(divide(a * 2.0, 1.0 - a)) * 0.5
    return record(_odd(x.detach(), y), _arctanh_rule, (x,), x)


def _cbrt_rule(node: _core.Node, gradient: Any) -> Any:
    (y,) = node.saved
    return divide(gradient, squared(y) * 3.0)


def cbrt(x: Any) -> Tensor:
    """The cube root, element by element, of negative numbers too; its slope at 0 is infinite.

    >>> cbrt([27.0, -8.0]).tolist()
    [3.0, -2.0]
    """
    x = as_float(x, "cbrt: x")
    value = x.detach()
    rough = _odd(value, power(absolute(value), 1.0 / 3.0))
    # A step of Newton's method takes away the rounding of 1 / 3.
    step = divide(rough - divide(value, squared(rough)), 3.0)
    usable = equal(step - step, 0.0)  # neither at 0 nor at infinity
    y = where(usable, rough - step, rough)
    saved = saved_output(y, x)
    return y if saved is None else record(y, _cbrt_rule, saved, x)


def exp2(x: Any) -> Tensor:
    """2 to the power of x, element by element.

    >>> exp2([3.0]).tolist()
    [8.0]
    """
    x = as_float(x, "exp2: x")
    return power(like(x, 2), x)


def _erfc_rule(node: _core.Node, gradient: Any) -> Any:
    (x,) = node.saved
    slope = _core.unary(_core.unary(_core.unary(x, "square"), "neg"), "exp")
    return multiply(gradient, slope * (-2.0 / math.sqrt(math.pi)))


@follows_operands
def erfc(x: Any) -> Tensor:
    """1 - erf(x), element by element, exact where it is tiny.

    Computed on the host, one number at a time, by the C library's erfc: correct, not fast.

    >>> erfc([0.0]).tolist()
    [1.0]
    """
    x = as_float(x, "erfc: x")
    values = np.frompyfunc(math.erfc, 1, 1)(x.detach().numpy().astype(np.float64))
    y = as_tensor(np.asarray(values, dtype=x.dtype))
    return record(y, _erfc_rule, (x,), x)


def sinc(x: Any) -> Tensor:
    """sin(pi x) / (pi x), and 1 at 0, element by element.

    >>> sinc([0.0]).tolist()
    [1.0]
    """
    x = as_float(x, "sinc: x")
    zero = equal(x.detach(), 0.0)
    angle = where(zero, 1.0, x) * math.pi
    return where(zero, like(x, 1), divide(sin(angle), angle))


def deg2rad(x: Any) -> Tensor:
    """Degrees as radians.

    >>> round(deg2rad(180.0).item(), 5)
    3.14159
    """
    return multiply(as_float(x, "deg2rad: x"), math.pi / 180.0)


def rad2deg(x: Any) -> Tensor:
    """Radians as degrees."""
    return multiply(as_float(x, "rad2deg: x"), 180.0 / math.pi)


def fabs(x: Any) -> Tensor:
    """The absolute value as a floating-point number."""
    return absolute(as_float(x, "fabs: x"))


def trunc(x: Any) -> Tensor:
    """The integer part, toward 0; not differentiable.

    >>> trunc([-1.7, 1.7]).tolist()
    [-1.0, 1.0]
    """
    x = as_tensor(x, None, "trunc: x")
    if x.dtype not in FLOATS:
        return x
    return where(less(x, 0.0), ceil(x), floor(x)).detach()


def signbit(x: Any) -> Tensor:
    """Whether the sign is negative, of -0.0 too; False for NaN.

    >>> signbit([-0.0, 0.0, -1.0]).tolist()
    [True, False, True]
    """
    x = as_tensor(x, None, "signbit: x")
    if x.dtype not in FLOATS:
        return less(x, 0)
    return less(arctan2(x.detach(), -1.0), 0.0)


def isposinf(x: Any) -> Tensor:
    """Whether x is infinity, element by element."""
    return equal(as_float(x, "isposinf: x"), float("inf"))


def isneginf(x: Any) -> Tensor:
    """Whether x is minus infinity, element by element."""
    return equal(as_float(x, "isneginf: x"), float("-inf"))
