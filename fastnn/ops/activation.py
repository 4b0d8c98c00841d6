"""Activation functions, with keras.ops's names and arguments."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.messages import shown
from fastnn.ops.arithmetic import divide, maximum, multiply, subtract
from fastnn.ops.comparison import clip, greater, less_equal, where
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    follows_operands,
    like,
    normalize_axis,
    record,
)
from fastnn.ops.creation import arange
from fastnn.ops.cumulative import cumsum
from fastnn.ops.elementwise import absolute, define_unary, sign, sqrt, square, unary, unary_rule
from fastnn.ops.joining import split
from fastnn.ops.order import sort
from fastnn.ops.reduce import max as _max
from fastnn.ops.reduce import sum as _sum
from fastnn.ops.shape import reshape, transpose

tanh = define_unary("tanh", "tanh", "The hyperbolic tangent")
log_sigmoid = define_unary("log_sigmoid", "log_sigmoid", "log(sigmoid(x)) without overflow")
softplus = define_unary("softplus", "softplus", "log(1 + exp(x)) without overflow")
softsign = define_unary("softsign", "softsign", "x / (1 + |x|)")
relu = define_unary("relu", "relu", "max(x, 0); its derivative at 0 is 0")
selu = define_unary(
    "selu", "selu", "The scaled exponential unit of Klambauer et al. (2017), scale * elu(x, alpha)"
)
silu = define_unary("silu", "silu", "x * sigmoid(x), also called swish")
mish = define_unary("mish", "mish", "x * tanh(softplus(x))")
hard_sigmoid = define_unary("hard_sigmoid", "hard_sigmoid", "x / 6 + 1 / 2, limited to [0, 1]")
hard_tanh = define_unary("hard_tanh", "hard_tanh", "x limited to [-1, 1]")
hard_silu = define_unary("hard_silu", "hard_silu", "x * hard_sigmoid(x)")
swish = silu
hard_swish = hard_silu

_sigmoid_rule = unary_rule("sigmoid")
_gelu_rule = unary_rule("gelu")
_gelu_tanh_rule = unary_rule("gelu_tanh")


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x)). The result remembers x, for losses that are exact on logits.

    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    x = as_float(x, "sigmoid: x")
    y = _core.unary(x, "sigmoid")
    if x.requires_grad:
        record(y, _sigmoid_rule, (y.detach(),), x)
    y._logits = x
    return y


def gelu(x: Any, approximate: bool = True) -> Tensor:
    """x times the normal distribution function; ``approximate`` is the form with tanh.

    Hendrycks and Gimpel, "Gaussian error linear units" (2016).

    >>> gelu([0.0]).tolist()
    [0.0]
    """
    x = as_float(x, "gelu: x")
    if approximate:
        return record(_core.unary(x, "gelu_tanh"), _gelu_tanh_rule, (x,), x)
    return record(_core.unary(x, "gelu"), _gelu_rule, (x,), x)


def as_number(value: Any, what: str) -> float:
    """A constant of an activation as a float; TypeError for what is no number."""
    try:
        if not isinstance(value, str):
            return float(value)
    except TypeError:
        pass
    raise TypeError(f"{what} must be a number, got {shown(value)}")


def check_operand(value: Any, what: str) -> None:
    """TypeError for a constant of an activation that is neither a number nor an array."""
    if not isinstance(value, (int, float)):
        as_tensor(value, None, what)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x where positive, else negative_slope * x.

    >>> leaky_relu([-1.0, 2.0], 0.5).tolist()
    [-0.5, 2.0]
    """
    slope = as_number(negative_slope, "leaky_relu: negative_slope")
    return unary("leaky_relu", as_float(x, "leaky_relu: x"), slope)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where positive, else alpha * (exp(x) - 1)."""
    return unary("elu", as_float(x, "elu: x"), as_number(alpha, "elu: alpha"))


@follows_operands
def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where positive, else alpha * (exp(x / alpha) - 1)."""
    check_operand(alpha, "celu: alpha")
    return multiply(elu(divide(as_float(x, "celu: x"), alpha)), alpha)


def relu6(x: Any) -> Tensor:
    """x limited to [0, 6]; its derivative is 0 at the ends."""
    x = as_float(x, "relu6: x")
    inside = _core.binary(greater(x, 0), greater(6, x), "logical_and")
    y = _core.binary(_core.unary(x, "relu"), like(x, 6), "minimum")
    return record(y, _masked_rule, (inside,), x)


def _masked_rule(node: _core.Node, gradient: Any) -> Any:
    return _core.select(node.saved[0], gradient, like(gradient, 0))


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half of an axis times the sigmoid of the second."""
    x = as_float(x, "glu: x")
    axis = normalize_axis("glu", axis, x.ndim)
    if x.shape[axis] % 2:
        raise ValueError(f"glu: axis {axis} of shape {x.shape} must have an even extent")
    first, second = split(x, 2, axis)
    return multiply(first, sigmoid(second))


def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    x = as_float(x, "tanh_shrink: x")
    return subtract(x, tanh(x))


@follows_operands
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0; NaN stays."""
    x = as_float(x, "hard_shrink: x")
    check_operand(threshold, "hard_shrink: threshold")
    return where(less_equal(absolute(x.detach()), threshold), like(x, 0), x)


@follows_operands
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved toward 0 by threshold, and 0 where it would cross; NaN stays."""
    x = as_float(x, "soft_shrink: x")
    check_operand(threshold, "soft_shrink: threshold")
    size = absolute(x.detach())
    moved = subtract(x, sign(x.detach()) * threshold)
    return where(less_equal(size, threshold), like(x, 0), moved)


@follows_operands
def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where it is above the threshold, else default_value."""
    x = as_float(x, "threshold: x")
    check_operand(threshold, "threshold: threshold")
    default_value = as_number(default_value, "threshold: default_value")
    return where(greater(x.detach(), threshold), x, like(x, default_value))


@follows_operands
def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + sqrt(x * x + b)) / 2."""
    x = as_float(x, "squareplus: x")
    check_operand(b, "squareplus: b")
    return (x + sqrt(square(x) + b)) * 0.5


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, (x + 1)^2 / 4 up to 1, then x."""
    x = as_float(x, "sparse_plus: x")
    middle = square(clip(x, -1.0, 1.0) + 1.0) * 0.25
    return where(greater(x.detach(), 1), x, middle)


def sparse_sigmoid(x: Any) -> Tensor:
    """(x + 1) / 2, limited to [0, 1]."""
    return (clip(as_float(x, "sparse_sigmoid: x"), -1.0, 1.0) + 1.0) * 0.5


# ---- softmax -------------------------------------------------------------------------------------


def _softmax_rule(node: _core.Node, gradient: Any) -> Any:
    y, axis, log = node.saved
    return _core.softmax_backward(gradient, y, axis, log)


def _softmax(operation: str, x: Any, axis: Any, log: bool) -> Tensor:
    x = as_float(x, f"{operation}: x")
    if isinstance(axis, (tuple, list)):
        return _softmax_over(operation, x, axis, log)
    if axis is None:
        return reshape(_softmax(operation, reshape(x, (-1,)), -1, log), x.shape)
    axis = normalize_axis(operation, axis, x.ndim)
    y = _core.softmax(x, axis, log)
    if x.requires_grad:
        record(y, _softmax_rule, (y.detach(), axis, log), x)
    if not log and axis == x.ndim - 1:
        y._logits = x
    return y


def _softmax_over(operation: str, x: Tensor, axes: Any, log: bool) -> Tensor:
    """Over several axes as if they were one."""
    axes = [normalize_axis(operation, axis, x.ndim) for axis in axes]
    order = [i for i in range(x.ndim) if i not in axes] + axes
    moved = transpose(x, order)
    rest = moved.shape[: x.ndim - len(axes)]
    y = reshape(_softmax(operation, reshape(moved, (*rest, -1)), -1, log), moved.shape)
    return transpose(y, [order.index(i) for i in range(x.ndim)])


def softmax(x: Any, axis: Any = -1) -> Tensor:
    """exp(x) divided by its sum over an axis (None: over all). The result remembers x.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    return _softmax("softmax", x, axis, False)


def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """log(softmax(x)) without underflow.

    >>> log_softmax([[1000.0, 0.0]]).tolist()
    [[0.0, -1000.0]]
    """
    return _softmax("log_softmax", x, axis, True)


@follows_operands
def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The point of the simplex nearest to x: like softmax, with exact zeros.

    Martins and Astudillo, "From softmax to sparsemax" (2016).
    """
    x = as_float(x, "sparsemax: x")
    axis = normalize_axis("sparsemax", axis, x.ndim)
    y = _sparsemax(x, axis)
    return record(y, _sparsemax_rule, (greater(y, 0), axis), x)


def _sparsemax(x: Tensor, axis: int) -> Tensor:
    """From how many of the largest elements a limit is taken, and what lies above it."""
    # A shift changes nothing but the rounding; the largest element is always inside, even NaN.
    x = x.detach() - _max(x.detach(), axis, keepdims=True)
    ordered = sort(x, axis, descending=True)
    ranks = arange(1, x.shape[axis] + 1, dtype=x.dtype)
    ranks = reshape(ranks, [-1 if i == axis else 1 for i in range(x.ndim)])
    inside = greater(ranks * ordered + 1.0, cumsum(ordered, axis))
    count = maximum(_sum(_core.copy(inside, x.dtype), axis, keepdims=True), 1.0)
    limit = (_sum(where(inside, ordered, 0.0), axis, keepdims=True) - 1.0) / count
    return relu(x - limit)


def _sparsemax_rule(node: _core.Node, gradient: Any) -> Any:
    support, axis = node.saved
    inside = _core.select(support, gradient, like(gradient, 0))
    count = _core.reduce(_core.copy(support, gradient.dtype), "sum", (axis,), True)
    mean = _core.binary(_core.reduce(inside, "sum", (axis,), True), count, "div")
    centred = _core.binary(inside, mean, "sub")
    return _core.select(support, centred, like(gradient, 0))
