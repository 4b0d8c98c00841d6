"""Further functions of two numbers, made of others; operands are promoted and broadcast."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.ops.arithmetic import add, divide, maximum, minimum, mod, multiply, subtract
from fastnn.ops.comparison import (
    equal,
    greater,
    left_shift,
    less,
    less_equal,
    logical_and,
    logical_or,
    not_equal,
    right_shift,
    where,
)
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    check_devices,
    follows_operands,
    like,
    promote,
    record,
    saved_output,
)
from fastnn.ops.elementwise import absolute, exp, isnan, log1p, logical_not, sqrt, square
from fastnn.ops.functions import signbit, trunc
from fastnn.ops.reduce import all


def _floats(operation: str, x1: Any, x2: Any) -> list:
    """Both as Tensors of one floating-point dtype."""
    return [as_float(x, operation) for x in promote(operation, x1, x2)]


# ---- sums of exponentials, lengths ---------------------------------------------------------------


@follows_operands
def logaddexp(x1: Any, x2: Any) -> Tensor:
    """log(exp(x1) + exp(x2)) without overflow.

    >>> round(logaddexp(1000.0, 1000.0).item(), 3)
    1000.693
    """
    x1, x2 = _floats("logaddexp", x1, x2)
    # Equal ones have no difference, be they infinite.
    distance = absolute(where(equal(x1, x2), like(x1, 0), subtract(x1, x2)))
    return add(maximum(x1, x2), log1p(exp(-distance)))


@follows_operands
def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """log2(2 ** x1 + 2 ** x2) without overflow."""
    x1, x2 = _floats("logaddexp2", x1, x2)
    return logaddexp(x1 * math.log(2.0), x2 * math.log(2.0)) * (1.0 / math.log(2.0))


def _hypot_rule(node: _core.Node, gradient: Any) -> Any:
    x1, x2, y = node.saved
    size = where(equal(y, 0.0), 1.0, y)
    return multiply(gradient, divide(x1, size)), multiply(gradient, divide(x2, size))


@follows_operands
def hypot(x1: Any, x2: Any) -> Tensor:
    """sqrt(x1 ** 2 + x2 ** 2) without overflow; its derivatives at (0, 0) are 0.

    >>> f"{hypot(3e30, 4e30).item():.3e}"
    '5.000e+30'
    """
    x1, x2 = _floats("hypot", x1, x2)
    a, b = absolute(x1.detach()), absolute(x2.detach())
    largest = maximum(a, b)
    usual = logical_and(greater(largest, 0.0), less(largest, math.inf))
    scale = where(usual, largest, 1.0)
    y = multiply(scale, sqrt(add(square(divide(a, scale)), square(divide(b, scale)))))
    y = where(equal(fmax(a, b), math.inf), math.inf, y)  # beside NaN, too
    saved = saved_output(y, x1, x2)
    return y if saved is None else record(y, _hypot_rule, (x1, x2, *saved), x1, x2)


# ---- choices -------------------------------------------------------------------------------------


@follows_operands
def heaviside(x1: Any, x2: Any) -> Tensor:
    """The step function: 0 where x1 < 0, x2 where it is 0, else 1.

    >>> heaviside([-2.0, 0.0, 3.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x1, x2 = _floats("heaviside", x1, x2)
    x1 = x1.detach()
    step = where(isnan(x1), x1, where(less(x1, 0.0), like(x1, 0), like(x1, 1)))
    return where(equal(x1, 0.0), x2, step)


def _without_nan(choose: Any, operation: str, x1: Any, x2: Any) -> Tensor:
    x1, x2 = promote(operation, x1, x2)
    if x1.dtype not in FLOATS:
        return choose(x1, x2)
    return where(isnan(x1), x2, where(isnan(x2), x1, choose(x1, x2)))


@follows_operands
def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger of two, or the one that is no NaN.

    >>> fmax([1.0, float("nan")], 0.0).tolist()
    [1.0, 0.0]
    """
    return _without_nan(maximum, "fmax", x1, x2)


@follows_operands
def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller of two, or the one that is no NaN."""
    return _without_nan(minimum, "fmin", x1, x2)


# ---- remainders and divisors ---------------------------------------------------------------------


def _fmod_rule(node: _core.Node, gradient: Any) -> Any:
    x1, x2 = node.saved
    return gradient, multiply(gradient, -trunc(divide(x1, x2))) if node.needs[1] else None


@follows_operands
def fmod(x1: Any, x2: Any) -> Tensor:
    """The remainder of a division rounded toward 0: it has the sign of x1, as C's fmod.

    >>> fmod([-7.0, 7.0], 3.0).tolist()
    [-1.0, 1.0]
    """
    x1, x2 = promote("fmod", x1, x2)
    if x1.dtype == "bool":
        x1, x2 = _core.copy(x1, "int32"), _core.copy(x2, "int32")
    a, b = x1.detach(), x2.detach()
    if a.dtype in FLOATS:
        y = mod(absolute(a), absolute(b))
        return record(where(signbit(a), -y, y), _fmod_rule, (x1, x2), x1, x2)
    y = mod(a, b)  # with the sign of b
    return where(logical_and(not_equal(y, 0), not_equal(less(a, 0), less(b, 0))), y - b, y)


def _of_integers(function: Any, operation: str, x1: Any, x2: Any) -> Tensor:
    x1, x2 = promote(operation, x1, x2)
    check_devices(operation, x1=x1, x2=x2)
    if x1.dtype in FLOATS or x1.dtype == "bool":
        raise TypeError(f"{operation}: x1 and x2 must be integers, got {x1.dtype}")
    return as_tensor(function(x1.numpy(), x2.numpy()))


@follows_operands
def gcd(x1: Any, x2: Any) -> Tensor:
    """The greatest common divisor of integers; computed on the host.

    >>> gcd([12, 18], 8).tolist()
    [4, 2]
    """
    return _of_integers(np.gcd, "gcd", x1, x2)


@follows_operands
def lcm(x1: Any, x2: Any) -> Tensor:
    """The least common multiple of integers; computed on the host.

    >>> lcm([4, 6], 10).tolist()
    [20, 30]
    """
    return _of_integers(np.lcm, "lcm", x1, x2)


def _scaled(x: Tensor, exponent: np.ndarray) -> Tensor:
    with np.errstate(all="ignore"):
        return as_tensor(np.ldexp(x.numpy(), exponent))


def _ldexp_rule(node: _core.Node, gradient: Any) -> Any:
    return _scaled(gradient, node.saved[0])


@follows_operands
def ldexp(x1: Any, x2: Any) -> Tensor:
    """x1 * 2 ** x2 for integers x2; computed on the host.

    >>> ldexp([0.5, 3.0], [2, -1]).tolist()
    [2.0, 1.5]
    """
    x1, exponent = as_float(x1, "ldexp: x1"), as_tensor(x2, None, "ldexp: x2")
    check_devices("ldexp", x1=x1, x2=exponent)
    if exponent.dtype in FLOATS:
        raise TypeError(f"ldexp: x2 must be integers, got {exponent.dtype}")
    # Beyond 5000 every number is 0 or infinite; C's int is all that ldexp takes.
    whole = np.clip(exponent.numpy().astype(np.int64), -5000, 5000).astype(np.int32)
    return record(_scaled(x1.detach(), whole), _ldexp_rule, (whole,), x1)


@follows_operands
def nextafter(x1: Any, x2: Any) -> Tensor:
    """The neighbour of x1 in direction of x2; not differentiable; computed on the host."""
    x1, x2 = _floats("nextafter", x1, x2)
    check_devices("nextafter", x1=x1, x2=x2)
    return as_tensor(np.nextafter(x1.numpy(), x2.numpy()))


# ---- nearly equal --------------------------------------------------------------------------------


@follows_operands
def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether |x1 - x2| <= atol + rtol |x2|, or both are the same infinity.

    equal_nan: whether NaN is close to NaN

    >>> isclose([1.0, 2.0], [1.000001, 2.1]).tolist()
    [True, False]
    """
    x1, x2 = _floats("isclose", x1, x2)
    size = absolute(x2)
    near = less_equal(absolute(subtract(x1, x2)), size * rtol + atol)
    near = logical_or(logical_and(near, less(size, math.inf)), equal(x1, x2))
    return logical_or(near, logical_and(isnan(x1), isnan(x2))) if equal_nan else near


@follows_operands
def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are close, as isclose has it: a scalar Tensor.

    >>> bool(allclose([1.0, 2.0], [1.0, 2.1]))
    False
    """
    return all(isclose(x1, x2, rtol, atol, equal_nan))


# ---- bits ----------------------------------------------------------------------------------------


def bitwise_not(x: Any) -> Tensor:
    """All bits of integers turned over; booleans negated.

    >>> bitwise_not([0, 5]).tolist()
    [-1, -6]
    """
    x = as_tensor(x, None, "bitwise_not: x")
    if x.dtype in FLOATS:
        raise TypeError(f"bitwise_not: x must be integers or booleans, got {x.dtype}")
    if x.dtype == "bool":
        return logical_not(x)
    return subtract(255 if x.dtype == "uint8" else -1, x)


bitwise_invert = bitwise_not
bitwise_left_shift = left_shift
bitwise_right_shift = right_shift
