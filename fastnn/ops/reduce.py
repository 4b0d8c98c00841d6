"""Reductions: sums, means, extremes, norms, and where the extremes are.

``axis`` is None (all), an integer or several; ``keepdims`` leaves axes of extent 1.
"""

from __future__ import annotations

from builtins import abs as _abs
from builtins import max as _max
from numbers import Real
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops.arithmetic import divide, multiply, power
from fastnn.ops.comparison import equal, not_equal, where
from fastnn.ops.core import (
    Tensor,
    as_countable,
    as_float,
    as_tensor,
    cast,
    filled,
    follows_operands,
    like,
    normalize_axes,
    normalize_axis,
    record,
    saved_output,
)
from fastnn.ops.elementwise import absolute, sqrt, square

_binary = _core.binary
_reduce_as = _core.reduce_as


def _kept(shape: tuple, axes: tuple) -> tuple:
    """The shape with the reduced axes as extents of 1."""
    return tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))


def _spread(gradient: Tensor, shape: tuple, axes: tuple) -> Tensor:
    """A reduced gradient repeated along the reduced axes."""
    strides = []
    step = 1
    for axis in range(len(shape) - 1, -1, -1):
        strides.append(0 if axis in axes else step)
        step *= 1 if axis in axes else shape[axis]
    return _core.copy((gradient, shape, strides[::-1], 0), gradient.dtype)


def _align(x: Tensor, shape: tuple, axes: tuple) -> Tensor:
    """A reduced tensor as it broadcasts against what it was reduced from."""
    kept = _kept(shape, axes)
    return x if x.shape == kept else _core.reshape(x, kept)


def _count(shape: tuple, axes: tuple) -> int:
    count = 1
    for axis in axes:
        count *= shape[axis]
    return count


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over axes; booleans and uint8 are summed in int32.

    >>> sum([[1, 2], [3, 4]], axis=0).tolist()
    [4, 6]
    """
    return _reduce_as("sum", x, axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over axes; integers become floatx. NaN over nothing.

    >>> mean([1, 2, 6]).item()
    3.0
    """
    return _reduce_as("mean", x, axis, keepdims)


def extreme_rule(node: _core.Node, gradient: Any) -> Any:
    """The gradient of max and min: equal elements share it."""
    x, y, axes = node.saved
    hits = _core.copy(_binary(x, _align(y, x.shape, axes), "equal"), x.dtype)
    share = _binary(_align(gradient, x.shape, axes), _core.reduce(hits, "sum", axes, True), "div")
    return _binary(hits, share, "mul")


def _from_initial(op: str, x: Any, axis: Any, keepdims: bool, initial: Any) -> Tensor:
    from fastnn.ops.arithmetic import maximum, minimum

    x = as_tensor(x, None, f"{op}: x")
    axes = normalize_axes(op, axis, x.ndim)
    if _count(x.shape, axes) == 0:
        shape = _core.reduce(x, "any", axes, keepdims).shape
        return filled(shape, initial, x.dtype, x.device)
    initial = as_tensor(initial, x.dtype, f"{op}: initial")
    return (maximum if op == "max" else minimum)(_reduce_as(op, x, axes, keepdims), initial)


def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The largest element; equal ones share the gradient, NaN wins.

    initial: the least it can be; needed over an empty axis

    >>> max([[1, 5], [3, 4]], axis=1).tolist()
    [5, 4]
    """
    if initial is None:
        return _reduce_as("max", x, axis, keepdims)
    return _from_initial("max", x, axis, keepdims, initial)


def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The smallest element; equal ones share the gradient, NaN wins.

    initial: the most it can be; needed over an empty axis
    """
    if initial is None:
        return _reduce_as("min", x, axis, keepdims)
    return _from_initial("min", x, axis, keepdims, initial)


# What makes an operand one that the C type reduces.
_FITTED = {"sum": as_countable, "mean": as_float}


def fitted(op: str, x: Any, axis: Any, keepdims: bool) -> Tensor:
    """A reduction of what the C type does not take as it is: its hook."""
    what = f"{op}: x"
    x = _FITTED[op](x, what) if op in _FITTED else as_tensor(x, None, what)
    axes = normalize_axes(op, axis, x.ndim)
    if op in ("max", "min") and _count(x.shape, axes) == 0:
        raise ValueError(f"{op}: an axis of shape {x.shape} is empty and there is no initial value")
    return _reduce_as(op, x, axes, keepdims)


amax = max
amin = min


def _prod_rule(node: _core.Node, gradient: Any) -> Any:
    x, axes = node.saved
    zero = _binary(x, like(x, 0), "equal")
    others = _core.select(zero, like(x, 1), x)
    product = _core.reduce(others, "prod", axes, True)
    zeros = _core.reduce(_core.copy(zero, x.dtype), "sum", axes, True)
    # At a zero the derivative is the product of the others, which counts if there is no second.
    none = _core.copy(_binary(zeros, like(x, 0), "equal"), x.dtype)
    single = _core.copy(_binary(zeros, like(x, 1), "equal"), x.dtype)
    weight = _core.select(zero, single, none)
    slope = _binary(_binary(product, others, "div"), weight, "mul")
    return _binary(_align(gradient, x.shape, axes), slope, "mul")


def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product over axes, computed in a dtype if one is given.

    >>> prod([2.0, 3.0]).item()
    6.0
    """
    x = as_countable(x, "prod: x") if dtype is None else cast(x, dtype)
    axes = normalize_axes("prod", axis, x.ndim)
    return record(_core.reduce(x, "prod", axes, keepdims), _prod_rule, (x, axes), x)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether an element is non-zero."""
    return _reduce_as("any", x, axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether every element is non-zero."""
    return _reduce_as("all", x, axis, keepdims)


def _logsumexp_rule(node: _core.Node, gradient: Any) -> Any:
    x, y, axes = node.saved
    aligned = _align(y, x.shape, axes)
    # Over nothing but -inf the result is -inf and no element has a share.
    nothing = _binary(aligned, like(x, float("-inf")), "equal")
    weight = _core.unary(_binary(x, _core.select(nothing, like(x, 0), aligned), "sub"), "exp")
    return _binary(_align(gradient, x.shape, axes), weight, "mul")


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) without overflow.

    >>> round(logsumexp([1000.0, 1000.0]).item(), 3)
    1000.693
    """
    x = as_float(x, "logsumexp: x")
    axes = normalize_axes("logsumexp", axis, x.ndim)
    y = _core.reduce(x, "logsumexp", axes, keepdims)
    if not x.requires_grad:
        return y
    return record(y, _logsumexp_rule, (x, y.detach(), axes), x)


def _moments_rule(node: _core.Node, gradients: Any) -> Any:
    x, centre, axes = node.saved
    of_mean, of_variance = gradients
    share, total = like(x, 1 / (_count(x.shape, axes) or 1)), None
    if of_mean is not None:
        total = _spread(_binary(of_mean, share, "mul"), x.shape, axes)
    if of_variance is not None:
        twice = _binary(_align(of_variance, x.shape, axes), like(x, 2), "mul")
        slope = _binary(_binary(x, centre, "sub"), _binary(twice, share, "mul"), "mul")
        total = slope if total is None else _binary(total, slope, "add")
    return total


def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple:
    """Mean and variance over axes, in one call; integers become floatx. NaN over nothing.

    synchronized: must be False: there are no other devices

    >>> mean, variance = moments([[1.0, 2.0], [3.0, 6.0]], axes=[0])
    >>> mean.tolist(), variance.tolist()
    ([2.0, 4.0], [1.0, 4.0])
    """
    if synchronized:
        raise ValueError("moments: synchronized is not available, there is one device")
    return _moments("moments", x, axes, keepdims)


def _moments(operation: str, x: Any, axes: Any, keepdims: bool) -> tuple:
    x = as_float(x, f"{operation}: x")
    axes = normalize_axes(operation, axes, x.ndim)
    results = _core.moments(x, axes, keepdims)
    if not x.requires_grad:
        return results
    centre = _align(results[0].detach(), x.shape, axes)
    return record(results, _moments_rule, (x.detach(), centre, axes), x)


def var(x: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The mean squared distance from the mean, computed in two passes.

    ddof: what the divisor is less than the number of elements

    >>> var([1.0, 3.0]).item()
    1.0
    """
    x = as_float(x, "var: x")
    variance = _moments("var", x, axis, keepdims)[1]
    if ddof == 0:
        return variance
    count = _count(x.shape, normalize_axes("var", axis, x.ndim))
    return multiply(variance, count) / float(_max(count - ddof, 0))


def std(x: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
    """The square root of the variance, with a gradient of 0 where that is 0."""
    return root_of_spread(var(x, axis, keepdims, ddof))


def root_of_spread(variance: Tensor) -> Tensor:
    """The square root; of 0 it stands still, as all elements are alike."""
    alike = equal(variance, 0.0)
    return where(alike, 0.0, sqrt(where(alike, 1.0, variance)))


def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest minus the smallest element over axes.

    >>> ptp([3, 8, 5]).item()
    5
    """
    return max(x, axis, keepdims) - min(x, axis, keepdims)


def _norm_rule(node: _core.Node, gradient: Any) -> Any:
    x, y, axes = node.saved
    zero = _binary(y, like(y, 0), "equal")
    scaled = _binary(gradient, _core.select(zero, like(y, 1), y), "div")
    return _binary(x, _align(scaled, x.shape, axes), "mul")


def _euclidean(x: Tensor, axes: tuple, keepdims: bool) -> Tensor:
    y = _core.unary(_core.reduce(x, "sum_squares", axes, keepdims), "sqrt")
    saved = saved_output(y, x)
    return y if saved is None else record(y, _norm_rule, (x, saved[0], axes), x)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The norm of vectors or (over two axes) matrices; integers become floatx.

    ord: None or 2 (Euclidean; "fro" for matrices), 1, inf, -inf, 0 (how many are non-zero), or
        another power for vectors. For matrices 1 and inf are the largest column and row sum.
    The derivative of the Euclidean norm at 0 is 0.

    >>> norm([3.0, 4.0]).item()
    5.0
    """
    x = as_float(x, "norm: x")
    axes = normalize_axes("norm", axis, x.ndim)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return _euclidean(x, axes, keepdims)
    infinity = float("inf")
    if len(axes) == 1:
        if ord == 0:
            return sum(cast(not_equal(x, 0), x.dtype), axes, keepdims)
        if ord == 1:
            return sum(absolute(x), axes, keepdims)
        if ord in (infinity, -infinity):
            return (max if ord > 0 else min)(absolute(x), axes, keepdims)
        if isinstance(ord, Real):
            ord = float(ord)
            return power(sum(power(absolute(x), ord), axes, keepdims), 1.0 / ord)
    elif len(axes) == 2 and ord in (1, -1, infinity, -infinity):
        inner = axes[0] if _abs(ord) == 1 else axes[1]
        sums = sum(absolute(x), inner, keepdims=True)
        return (max if ord > 0 else min)(sums, axes, keepdims)
    raise ValueError(f"norm: ord {ord!r} is not available over {len(axes)} axes")


def count_nonzero(x: Any, axis: Any = None) -> Tensor:
    """How many elements are not zero.

    >>> count_nonzero([0, 3, 4]).item()
    2
    """
    return sum(not_equal(as_tensor(x, None, "count_nonzero: x"), 0), axis)


@follows_operands
def average(x: Any, axis: Any = None, weights: Any = None) -> Tensor:
    """The mean, or the mean with weights: of x's shape, or one a position of the axis.

    >>> average([1.0, 3.0], weights=[3.0, 1.0]).item()
    1.5
    """
    if weights is None:
        return mean(x, axis)
    x, weights = as_float(x, "average: x"), as_float(weights, "average: weights")
    if weights.shape != x.shape:
        if not isinstance(axis, (int, np.integer)) or weights.shape != (
            x.shape[normalize_axis("average", axis, x.ndim)],
        ):
            raise ValueError(
                f"average: weights have shape {weights.shape}, expected {x.shape} or one a position"
                f" of axis {axis}"
            )
        axis = normalize_axis("average", axis, x.ndim)
        shape = [1] * x.ndim
        shape[axis] = -1
        from fastnn.ops.shape import reshape

        weights = multiply(reshape(weights, shape), cast(absolute(x) >= 0, x.dtype))
    return divide(sum(multiply(x, weights), axis), sum(weights, axis))


def _arg_extreme(op: str, x: Any, axis: Any, keepdims: bool) -> Tensor:
    x = as_tensor(x, None, f"{op}: x")
    if x.dtype == "bool":
        x = _core.copy(x, "uint8")
    if axis is None:
        y = _core.arg_reduce(_core.reshape(x, (-1,)), op, 0, False)
        return _core.reshape(y, (1,) * x.ndim) if keepdims else y
    return _core.arg_reduce(x, op, normalize_axis(op, axis, x.ndim), keepdims)


def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Where the largest element is, the first of equal ones; int64, of the flat x if axis is None.

    >>> argmax([[1, 7, 2], [9, 0, 9]], axis=-1).tolist()
    [1, 0]
    """
    return _arg_extreme("argmax", x, axis, keepdims)


def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Where the smallest element is, the first of equal ones; int64."""
    return _arg_extreme("argmin", x, axis, keepdims)


def normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: Any = None) -> Tensor:
    """x divided by its norm over axes, which counts as at least epsilon (config.epsilon())."""
    from fastnn import config
    from fastnn.ops.arithmetic import maximum

    x = as_float(x, "normalize: x")
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        sums = sum(square(x), axis, keepdims=True)
        return divide(x, sqrt(maximum(sums, epsilon**2)))
    return divide(x, maximum(norm(x, order, axis, keepdims=True), epsilon))
