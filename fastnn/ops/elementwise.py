"""Element-wise operations on one operand: powers, logarithms, trigonometry, rounding.

A function is a row of a table: its op code, and in ``_core.UNARY`` what its derivative reads.
Arguments may be Tensors, arrays or numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.ops.core import Tensor, as_float, as_tensor, like, record

_binary = _core.binary
_unary = _core.unary
_unary_backward = _core.unary_backward


def unary_rule(op: str) -> Any:
    """The gradient rule of a unary op code without parameters."""

    if _core.UNARY[op][0] == "n":
        return lambda node, gradient: _unary_backward(gradient, gradient, op)
    return lambda node, gradient: _unary_backward(gradient, node.saved[0], op)


def _parametrized_rule(node: _core.Node, gradient: Any) -> Any:
    value, op, a, b = node.saved
    return _unary_backward(gradient, value, op, a, b)


def unary(op: str, x: Tensor, a: float = 0.0, b: float = 0.0) -> Tensor:
    """A unary op code with parameters, applied to a floating-point Tensor and recorded."""
    y = _unary(x, op, a, b)
    if not x.requires_grad:
        return y
    value = x if _core.UNARY[op][0] == "x" else y.detach()
    return record(y, _parametrized_rule, (value, op, a, b), x)


def define_unary(name: str, op: str, doc: str) -> Callable:
    """The public function of an op code without parameters."""
    reads, dtypes = _core.UNARY[op]
    only_float = dtypes in ("F", "FB")
    rule = None if reads == "z" else unary_rule(op)
    what = f"{name}: x"

    def function(x: Any) -> Tensor:
        if not isinstance(x, Tensor) or (only_float and x.dtype not in FLOATS):
            x = as_float(x, what) if only_float else as_tensor(x, None, what)
        y = _unary(x, op)
        if rule is None or not x.requires_grad:
            return y
        return record(y, rule, (x,) if reads == "x" else (y.detach(),), x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{doc}, element by element.

    x: Tensor, array or number{"; integers become floatx" if only_float else ""}

    >>> {name}([0.25, 0.5]).shape
    (2,)
    """
    return function


negative = define_unary("negative", "neg", "-x")
absolute = define_unary("absolute", "abs", "The absolute value; its derivative at 0 is 0")
sign = define_unary("sign", "sign", "-1, 0 or 1; not differentiable")
square = define_unary("square", "square", "x * x")
sqrt = define_unary("sqrt", "sqrt", "The square root")
rsqrt = define_unary("rsqrt", "rsqrt", "1 / sqrt(x)")
reciprocal = define_unary("reciprocal", "reciprocal", "1 / x")
exp = define_unary("exp", "exp", "e to the power of x")
expm1 = define_unary("expm1", "expm1", "exp(x) - 1, exact near 0")
log = define_unary("log", "log", "The natural logarithm")
log2 = define_unary("log2", "log2", "The logarithm to base 2")
log10 = define_unary("log10", "log10", "The logarithm to base 10")
log1p = define_unary("log1p", "log1p", "log(1 + x), exact near 0")
sin = define_unary("sin", "sin", "The sine")
cos = define_unary("cos", "cos", "The cosine")
tan = define_unary("tan", "tan", "The tangent")
arcsin = define_unary("arcsin", "asin", "The inverse sine")
arccos = define_unary("arccos", "acos", "The inverse cosine")
arctan = define_unary("arctan", "atan", "The inverse tangent")
sinh = define_unary("sinh", "sinh", "The hyperbolic sine")
cosh = define_unary("cosh", "cosh", "The hyperbolic cosine")
erf = define_unary("erf", "erf", "The error function")
erfinv = define_unary("erfinv", "erfinv", "The inverse of the error function")
floor = define_unary("floor", "floor", "The largest integer below; not differentiable")
ceil = define_unary("ceil", "ceil", "The smallest integer above; not differentiable")
logical_not = define_unary("logical_not", "logical_not", "Whether x is zero or False")
isfinite = define_unary("isfinite", "isfinite", "Whether x is neither infinite nor NaN")
isnan = define_unary("isnan", "isnan", "Whether x is NaN")
_round = define_unary("round", "round", "The nearest integer, ties to even; not differentiable")
abs = absolute


def round(x: Any, decimals: int = 0) -> Tensor:
    """The nearest multiple of 10 ** -decimals, ties to even; not differentiable.

    Integers stay integers, exact up to 2 ** 53 where decimals are negative.

    >>> round([0.5, 1.26], decimals=1).tolist() == round([0.5, 1.3], decimals=1).tolist()
    True
    """
    if decimals == 0:
        return _round(x)
    x = as_tensor(x, None, "round: x")
    if x.dtype not in FLOATS:  # which are whole
        if decimals > 0 or x.dtype == "bool":
            return x if type(x) is Tensor else _core.copy(x, x.dtype)
        wide = _core.copy(x, "float64")
        scale = like(wide, 10.0**-decimals)
        wide = _binary(_unary(_binary(wide, scale, "div"), "round"), scale, "mul")
        return _core.copy(wide, x.dtype)
    scale = like(x, 10.0**decimals)
    return _binary(_unary(_binary(x, scale, "mul"), "round"), scale, "div")


def stop_gradient(variable: Any) -> Tensor:
    """The same values, cut off from back-propagation."""
    return as_tensor(variable, None, "stop_gradient: variable").detach()
