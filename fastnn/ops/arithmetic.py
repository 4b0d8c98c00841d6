"""Element-wise arithmetic on two operands, which are promoted and broadcast."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.ops.core import (
    BINARY_RULES,
    Tensor,
    as_float,
    as_tensor,
    follows_operands,
    like,
    promote,
    record,
)
from fastnn.ops.elementwise import square

_ONLY_FLOAT = {op for op, (dtypes, _) in _core.BINARY.items() if dtypes == "F"}
_ANY = {op for op, (dtypes, _) in _core.BINARY.items() if dtypes == "A"}
_COMPARED = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
}
_binary = _core.binary
_unary = _core.unary


def binary(op: str, x1: Any, x2: Any) -> Tensor:
    """A binary op code on promoted operands, recorded; the hook of the C type's operators."""
    if not (isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.dtype == x2.dtype):
        try:
            x1, x2 = promote(_core.BINARY_OPERATIONS[op], x1, x2)
        except OverflowError:
            if op not in _COMPARED:
                raise
            return _compared_beyond(op, x1, x2)
    rule = BINARY_RULES.get(op)
    if rule is None:  # comparisons, logic, bits
        return _binary(x1, x2, op)
    if x1.dtype not in FLOATS:
        if op in _ONLY_FLOAT:
            x1, x2 = as_float(x1, op), as_float(x2, op)
        elif x1.dtype == "bool" and op not in _ANY:
            x1, x2 = _core.copy(x1, "int32"), _core.copy(x2, "int32")
    y = _binary(x1, x2, op)
    if x1.requires_grad or x2.requires_grad:
        record(y, rule, None if op in ("add", "sub") else (x1, x2), x1, x2)
    return y


@follows_operands
def _compared_beyond(op: str, x1: Any, x2: Any) -> Tensor:
    """A comparison with a Python integer beyond the dtype of the other operand, which so has one
    result for all its elements: by value, as NumPy 2 compares them."""
    # Any element lies on the same side of the integer as 0 does.
    truth = _COMPARED[op](*(x if isinstance(x, int) else 0 for x in (x1, x2)))
    elements = as_tensor(next((x for x in (x1, x2) if not isinstance(x, int)), 0), None, op)
    return _binary(elements, elements, "equal" if truth else "not_equal")


def _add_rule(node: _core.Node, gradient: Any) -> Any:
    return gradient, gradient


def add(x1: Any, x2: Any) -> Tensor:
    """x1 + x2.

    >>> add([1.0, 2.0], 1).tolist()
    [2.0, 3.0]
    """
    if type(x1) is type(x2) is Tensor:  # at once in C++
        return x1 + x2
    return binary("add", x1, x2)


def _subtract_rule(node: _core.Node, gradient: Any) -> Any:
    return gradient, _unary(gradient, "neg") if node.needs[1] else None


def subtract(x1: Any, x2: Any) -> Tensor:
    """x1 - x2."""
    if type(x1) is type(x2) is Tensor:  # at once in C++
        return x1 - x2
    return binary("sub", x1, x2)


def _multiply_rule(node: _core.Node, gradient: Any) -> Any:
    x1, x2 = node.saved
    first, second = node.needs
    return (
        _binary(gradient, x2, "mul") if first else None,
        _binary(gradient, x1, "mul") if second else None,
    )


def multiply(x1: Any, x2: Any) -> Tensor:
    """x1 * x2."""
    if type(x1) is type(x2) is Tensor:  # at once in C++
        return x1 * x2
    return binary("mul", x1, x2)


def _divide_rule(node: _core.Node, gradient: Any) -> Any:
    x1, x2 = node.saved
    scaled = _binary(gradient, x2, "div")
    if not node.needs[1]:
        return scaled, None
    return scaled, _unary(_binary(scaled, _binary(x1, x2, "div"), "mul"), "neg")


def divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2; integers become floatx."""
    return binary("div", x1, x2)


true_divide = divide


def _floor_divide_rule(node: _core.Node, gradient: Any) -> Any:
    return None, None


def floor_divide(x1: Any, x2: Any) -> Tensor:
    """The largest integer below x1 / x2; its derivative is 0."""
    return binary("floordiv", x1, x2)


def _mod_rule(node: _core.Node, gradient: Any) -> Any:
    if not node.needs[1]:
        return gradient, None
    x1, x2 = node.saved
    return gradient, _unary(_binary(gradient, _binary(x1, x2, "floordiv"), "mul"), "neg")


def mod(x1: Any, x2: Any) -> Tensor:
    """The remainder of floor_divide, with the sign of x2."""
    return binary("mod", x1, x2)


def _power_rule(node: _core.Node, gradient: Any) -> Any:
    x1, x2 = node.saved
    zero, one = like(x1, 0), like(x1, 1)
    first = second = None
    if node.needs[0]:
        slope = _binary(x2, _binary(x1, _binary(x2, one, "sub"), "pow"), "mul")
        # An exponent of 0 has derivative 0 also where x1 ** -1 is infinite or NaN.
        slope = _core.select(_binary(x2, zero, "equal"), zero, slope)
        first = _binary(gradient, slope, "mul")
    if node.needs[1]:
        positive = _binary(zero, x1, "less")
        logarithm = _unary(_core.select(positive, x1, one), "log")
        second = _binary(gradient, _binary(_binary(x1, x2, "pow"), logarithm, "mul"), "mul")
    return first, second


def power(x1: Any, x2: Any) -> Tensor:
    """x1 to the power of x2; the derivative by x2 counts where x1 > 0."""
    return binary("pow", x1, x2)


def _share(winner: Tensor, loser: Tensor, dtype: str) -> Tensor:
    """1 where winner > loser, 1/2 where they are equal, else 0."""
    above = _core.copy(_binary(loser, winner, "less"), dtype, 0.5)
    return _binary(above, _core.copy(_binary(loser, winner, "less_equal"), dtype, 0.5), "add")


def _maximum_rule(node: _core.Node, gradient: Any) -> Any:
    x1, x2 = node.saved
    return tuple(
        _binary(gradient, _share(a, b, gradient.dtype), "mul") if needed else None
        for a, b, needed in zip((x1, x2), (x2, x1), node.needs)
    )


def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger of two; a tie shares the gradient, NaN wins."""
    return binary("maximum", x1, x2)


def _minimum_rule(node: _core.Node, gradient: Any) -> Any:
    x1, x2 = node.saved
    return tuple(
        _binary(gradient, _share(a, b, gradient.dtype), "mul") if needed else None
        for a, b, needed in zip((x2, x1), (x1, x2), node.needs)
    )


def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller of two; a tie shares the gradient, NaN wins."""
    return binary("minimum", x1, x2)


def _arctan2_rule(node: _core.Node, gradient: Any) -> Any:
    x1, x2 = node.saved
    # x / (x1 ** 2 + x2 ** 2), also where the squares are 0 or infinite.
    largest = _binary(_unary(x1, "abs"), _unary(x2, "abs"), "maximum")
    scale = _binary(largest, like(x1, float(np.finfo(x1.dtype).max)), "minimum")
    a, b = _binary(x1, scale, "div"), _binary(x2, scale, "div")
    norm = _binary(_unary(a, "square"), _unary(b, "square"), "add")

    def part(x: Tensor) -> Tensor:
        return _binary(_binary(_binary(gradient, x, "mul"), norm, "div"), scale, "div")

    first, second = node.needs
    return part(b) if first else None, _unary(part(a), "neg") if second else None


def arctan2(x1: Any, x2: Any) -> Tensor:
    """The angle of the point (x2, x1), between -pi and pi."""
    return binary("atan2", x1, x2)


@follows_operands
def squared_difference(x1: Any, x2: Any) -> Tensor:
    """(x1 - x2) squared."""
    return square(subtract(x1, x2))


BINARY_RULES.update(
    {
        "add": _add_rule,
        "sub": _subtract_rule,
        "mul": _multiply_rule,
        "div": _divide_rule,
        "floordiv": _floor_divide_rule,
        "mod": _mod_rule,
        "pow": _power_rule,
        "maximum": _maximum_rule,
        "minimum": _minimum_rule,
        "atan2": _arctan2_rule,
    }
)
