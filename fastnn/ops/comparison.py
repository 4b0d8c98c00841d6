"""Comparisons, logic, bits, and choices by a condition.

A Python integer that the dtype of an operand of integers does not hold is compared by its value, as
in NumPy 2: 300 equals no uint8 and is larger than every one.
"""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.ops.arithmetic import binary, divide, maximum, minimum
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    constant,
    follows_operands,
    like,
    promote,
    record,
)
from fastnn.ops.elementwise import absolute, isnan

_binary = _core.binary


def equal(x1: Any, x2: Any) -> Tensor:
    """x1 == x2."""
    return binary("equal", x1, x2)


def not_equal(x1: Any, x2: Any) -> Tensor:
    """x1 != x2."""
    return binary("not_equal", x1, x2)


def less(x1: Any, x2: Any) -> Tensor:
    """x1 < x2."""
    return binary("less", x1, x2)


def less_equal(x1: Any, x2: Any) -> Tensor:
    """x1 <= x2."""
    return binary("less_equal", x1, x2)


@follows_operands
def greater(x1: Any, x2: Any) -> Tensor:
    """x1 > x2."""
    return binary("less", x2, x1)


@follows_operands
def greater_equal(x1: Any, x2: Any) -> Tensor:
    """x1 >= x2."""
    return binary("less_equal", x2, x1)


def logical_and(x1: Any, x2: Any) -> Tensor:
    """Whether both are non-zero."""
    return binary("logical_and", x1, x2)


def logical_or(x1: Any, x2: Any) -> Tensor:
    """Whether one is non-zero."""
    return binary("logical_or", x1, x2)


def logical_xor(x1: Any, x2: Any) -> Tensor:
    """Whether exactly one is non-zero."""
    return binary("logical_xor", x1, x2)


def bitwise_and(x: Any, y: Any) -> Tensor:
    """The bits set in both integers."""
    return binary("bitwise_and", x, y)


def bitwise_or(x: Any, y: Any) -> Tensor:
    """The bits set in one of the integers."""
    return binary("bitwise_or", x, y)


def bitwise_xor(x: Any, y: Any) -> Tensor:
    """The bits set in exactly one of the integers."""
    return binary("bitwise_xor", x, y)


def left_shift(x: Any, y: Any) -> Tensor:
    """x shifted to the left by y bits."""
    return binary("left_shift", x, y)


def right_shift(x: Any, y: Any) -> Tensor:
    """x shifted to the right by y bits, keeping the sign."""
    return binary("right_shift", x, y)


def isinf(x: Any) -> Tensor:
    """Whether x is infinite, element by element."""
    return equal(absolute(as_float(x, "isinf: x")), float("inf"))


def _where_rule(node: _core.Node, gradient: Any) -> Any:
    (condition,) = node.saved
    zero = like(gradient, 0)
    return None, _core.select(condition, gradient, zero), _core.select(condition, zero, gradient)


@follows_operands
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition is true, else x2; with the condition alone, its indices.

    >>> where([True, False], 1.0, 2.0).tolist()
    [1.0, 2.0]
    """
    condition = as_tensor(condition, None, "where: condition")
    if x1 is None and x2 is None:
        return tuple(as_tensor(part) for part in condition.numpy().nonzero())
    if x1 is None or x2 is None:
        raise ValueError("where: expected both x1 and x2, or neither")
    if condition.dtype != "bool":
        condition = _core.copy(condition, "bool")
    x1, x2 = promote("where", x1, x2)
    return record(_core.select(condition, x1, x2), _where_rule, (condition,), condition, x1, x2)


def _clip_rule(node: _core.Node, gradient: Any) -> Any:
    x, low, high = node.saved
    inside = _binary(_binary(low, x, "less_equal"), _binary(x, high, "less_equal"), "logical_and")
    return _core.select(inside, gradient, like(gradient, 0))


def _limit(name: str, value: Any) -> Any:
    number = value is None or isinstance(value, (int, float))
    return value if number else as_tensor(value, None, f"clip: {name}")


@follows_operands
def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x limited to [x_min, x_max]; its derivative is 1 there, ends included, and 0 outside.

    x_min, x_max: numbers or arrays; None for no limit

    >>> clip([-2.0, 0.5, 3.0], 0, 1).tolist()
    [0.0, 0.5, 1.0]
    """
    x = as_tensor(x, None, "clip: x")
    x_min, x_max = _limit("x_min", x_min), _limit("x_max", x_max)
    ends = (float("-inf") if x_min is None else x_min, float("inf") if x_max is None else x_max)
    if x.dtype not in FLOATS:
        if x_min is not None:
            x = maximum(x, x_min)
        return x if x_max is None else minimum(x, x_max)
    low, high = (
        constant(end, x.dtype) if isinstance(end, (int, float)) else as_tensor(end, x.dtype)
        for end in ends
    )
    if low.requires_grad or high.requires_grad:
        return minimum(maximum(x, low), high)
    y = _binary(_binary(x, low, "maximum"), high, "minimum")
    return record(y, _clip_rule, (x, low, high), x)


def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with NaN and infinities replaced, by default with 0 and the largest finite numbers.

    Integers and booleans have none: they stay as they are.
    """
    x = as_tensor(x, None, "nan_to_num: x")
    if x.dtype not in FLOATS:
        return x if type(x) is Tensor else _core.copy(x, x.dtype)
    largest = 3.4028234663852886e38 if x.dtype == "float32" else 1.7976931348623157e308
    x = where(isnan(x), like(x, nan), x)
    x = where(equal(x, float("inf")), like(x, largest if posinf is None else posinf), x)
    return where(equal(x, float("-inf")), like(x, -largest if neginf is None else neginf), x)


@follows_operands
def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """x1 / x2, and 0 where x2 is 0."""
    x1, x2 = (as_float(x, "divide_no_nan") for x in promote("divide_no_nan", x1, x2))
    zero = equal(x2, 0)
    return where(zero, like(x1, 0), divide(x1, where(zero, like(x2, 1), x2)))
