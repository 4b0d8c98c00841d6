"""Products: matmul, dense, dot, tensordot, outer. Sums of products run in one primitive, gemm."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import FLOATS
from fastnn.ops.arithmetic import multiply
from fastnn.ops.core import (
    Tensor,
    as_float,
    cast,
    check_devices,
    follows_operands,
    normalize_axis,
    promote,
    record,
)
from fastnn.ops.shape import expand_dims, reshape, squeeze, transpose


def gemm(a: Any, b: Any, trans_a: bool = False, trans_b: bool = False) -> Tensor:
    """op(a) @ op(b) over the last two axes, not recorded."""
    return _core.gemm(a, b, None, None, None, trans_a, trans_b)[0]


def matmul_rule(node: _core.Node, gradient: Any) -> Any:
    a, b = node.saved
    first, second = node.needs
    return (
        gemm(gradient, b, False, True) if first else None,
        gemm(a, gradient, True, False) if second else None,
    )


def _rows_rule(node: _core.Node, gradient: Any) -> Any:
    """Of [..., m, k] @ [k, n], which is one product of flattened rows."""
    a, b = node.saved
    first, second = node.needs
    rows = a.size // a.shape[-1]
    flat = _core.reshape(gradient, (rows, b.shape[1]))
    return (
        _core.reshape(gemm(flat, b, False, True), a.shape) if first else None,
        gemm(_core.reshape(a, (rows, b.shape[0])), flat, True, False) if second else None,
    )


def _as_matrices(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """A vector before a matrix or another vector is a row, behind it a column."""
    return (
        _core.reshape(a, (1, a.size)) if a.ndim == 1 else a,
        _core.reshape(b, (b.size, 1)) if b.ndim == 1 else b,
    )


def _vectors_rule(node: _core.Node, gradient: Any) -> Any:
    """Of products with a vector."""
    a, b = node.saved
    first, second = node.needs
    rows, columns = _as_matrices(a, b)
    flat = _core.reshape(gradient, (rows.shape[0], columns.shape[1]))
    return (
        _core.reshape(gemm(flat, columns, False, True), a.shape) if first else None,
        _core.reshape(gemm(rows, flat, True, False), b.shape) if second else None,
    )


def matmul(x1: Any, x2: Any) -> Tensor:
    """Matrix product over the last two axes; leading axes broadcast, vectors get an axis.

    Integers are multiplied in float64, exactly up to 2 ** 53. What int32 and uint8 do not hold
    wraps, for what int64 does not hold there is the nearest that it does.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    return _core.matmul(x1, x2)


def fitted_matmul(x1: Any, x2: Any) -> Any:
    """A product that the C type does not take as it is: its hook."""
    if not (isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.dtype == x2.dtype):
        x1, x2 = promote("matmul", x1, x2)
    if _core.devices_in_use():
        check_devices("matmul", x1=x1, x2=x2)
    first, second = x1.shape, x2.shape
    if not first or not second:
        raise ValueError(f"matmul: a scalar has no rows; the shapes are {first} and {second}")
    if first[-1] != second[-2 if len(second) > 1 else 0]:
        raise ValueError(
            f"matmul: x1 has shape {first} and x2 {second}: the last axis of x1 must fit the "
            f"{'last but one' if len(second) > 1 else 'only one'} of x2"
        )
    if x1.dtype not in FLOATS:
        dtype = "int32" if x1.dtype == "bool" else x1.dtype
        y = matmul(_core.copy(x1, "float64"), _core.copy(x2, "float64"))
        return cast(cast(y, "int64"), dtype)
    if len(first) == 1 or len(second) == 1:
        if len(first) <= 2 and len(second) <= 2:
            y = _core.reshape(gemm(*_as_matrices(x1, x2)), (*first[:-1], *second[1:]))
            return record(y, _vectors_rule, (x1, x2), x1, x2)
        if len(first) == 1:
            return squeeze(matmul(expand_dims(x1, 0), x2), -2)
        return squeeze(matmul(x1, expand_dims(x2, 1)), -1)
    if len(second) == 2 and len(first) > 2 and x1.size:
        y = gemm(_core.reshape(x1, (-1, first[-1])), x2)
        y = _core.reshape(y, (*first[:-1], second[-1]))
        return record(y, _rows_rule, (x1, x2), x1, x2)
    return record(gemm(x1, x2), matmul_rule, (x1, x2), x1, x2)


# ---- dense ---------------------------------------------------------------------------------------

# Activations that gemm applies on the way out, and what their derivative reads.
FUSED = {
    name: reads
    for name, (reads, dtypes) in _core.UNARY.items()
    if reads != "z" and dtypes in ("F", "N", "A")
}


def _dense_sigmoid_rule(node: _core.Node, gradients: Any) -> Any:
    """Of (sigmoid(z), z): what comes after used the output, the logits z, or both."""
    outer, inner = gradients
    x, kernel, y = node.saved
    activation, value = "sigmoid", y
    if inner is not None:
        if outer is not None:
            inner = _core.binary(inner, _core.unary_backward(outer, y, "sigmoid"), "add")
        outer, activation, value = inner, "linear", inner
    return _core.dense_backward(outer, x, kernel, value, activation, 0.0, *node.needs)


def _size(extents: Any) -> int:
    size = 1
    for extent in extents:
        size *= extent
    return size


def _dense_operands(x: Any, kernel: Any, bias: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """The operands as Tensors of one floating-point dtype whose shapes fit, or a clear error."""
    operands = [as_float(x, "dense: x"), as_float(kernel, "dense: kernel")]
    if bias is not None:
        operands.append(as_float(bias, "dense: bias"))
    x, kernel, *rest = promote("dense", *operands)
    bias = rest[0] if rest else None
    if _core.devices_in_use():
        check_devices("dense", x=x, kernel=kernel, bias=bias)
    if kernel.ndim != 2:
        raise ValueError(f"dense: kernel has shape {kernel.shape}, expected two axes")
    if x.ndim == 0 or x.shape[-1] != kernel.shape[0]:
        last = f"last axis is {x.shape[-1]}" if x.ndim else "is a scalar"
        raise ValueError(f"dense: kernel has shape {kernel.shape} but the input's {last}")
    if bias is not None and bias.shape != kernel.shape[1:]:
        raise ValueError(f"dense: bias has shape {bias.shape}, expected {kernel.shape[1:]}")
    return x, kernel, bias


def dense(
    x: Any, kernel: Any, bias: Any = None, activation: str = "linear", a: float = 0.0
) -> Tensor:
    """activation(x @ kernel + bias) in one pass.

    x: [..., k]   kernel: [k, n]   bias: [n] or None   result: [..., n]
    activation: an element-wise activation's op code ("linear", "relu", "tanh", "gelu" ...)
    a: its parameter (the slope of leaky_relu, the alpha of elu)
    Raises ValueError where the shapes do not fit.

    >>> dense([[1.0, -2.0]], [[1.0], [1.0]], [0.5], "relu").tolist()
    [[0.0]]
    """
    return _core.dense(x, kernel, bias, activation, a)


@follows_operands
def fitted_dense(x: Any, kernel: Any, bias: Any, activation: str, a: float) -> Tensor:
    """A dense layer that is not computed in C as it is: its hook."""
    if activation not in FUSED:
        raise ValueError(
            f"dense: activation is {activation!r}, expected one of {', '.join(FUSED)}; apply "
            "others to the result"
        )
    x, kernel, bias = _dense_operands(x, kernel, bias)
    if x.ndim != 2:
        leading = x.shape[:-1]
        flat = _core.dense(reshape(x, (_size(leading), x.shape[-1])), kernel, bias, activation, a)
        y = reshape(flat, (*leading, kernel.shape[1]))
        if flat._logits is not None:
            y._logits = reshape(flat._logits, y.shape)
        return y
    if activation != "sigmoid":
        return _core.dense(x, kernel, bias, activation, float(a))
    y, z = _core.gemm(x, kernel, bias, None, None, False, False, 1.0, 1.0, "sigmoid", 0.0, True)
    record((y, z), _dense_sigmoid_rule, (x, kernel, y), x, kernel, bias)
    y._logits = z
    return y


# ---- products over chosen axes -------------------------------------------------------------------


def _tensordot_axes(axes: Any, first: Tensor, second: Tensor) -> tuple:
    if isinstance(axes, (int, np.integer)):
        if not 0 <= axes <= min(first.ndim, second.ndim):
            raise ValueError(
                f"tensordot: axes is {axes}, the operands have {first.ndim} and {second.ndim}"
            )
        return tuple(range(first.ndim - axes, first.ndim)), tuple(range(axes))
    left, right = (list(part) if isinstance(part, (tuple, list)) else [part] for part in axes)
    if len(left) != len(right):
        raise ValueError(f"tensordot: axes {axes!r} pair {len(left)} with {len(right)}")
    return (
        tuple(normalize_axis("tensordot", axis, first.ndim) for axis in left),
        tuple(normalize_axis("tensordot", axis, second.ndim) for axis in right),
    )


@follows_operands
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """The sum of products over axes: the last and first ``axes`` ones, or a pair of lists.

    >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], axes=1).tolist()
    [[11.0]]
    """
    x1, x2 = promote("tensordot", x1, x2)
    left, right = _tensordot_axes(axes, x1, x2)
    summed = [x1.shape[axis] for axis in left]
    if summed != [x2.shape[axis] for axis in right]:
        raise ValueError(
            f"tensordot: x1 has shape {x1.shape} and x2 {x2.shape}, which differ along axes {axes}"
        )
    free1 = [axis for axis in range(x1.ndim) if axis not in left]
    free2 = [axis for axis in range(x2.ndim) if axis not in right]
    rows, columns = [x1.shape[axis] for axis in free1], [x2.shape[axis] for axis in free2]
    first = reshape(transpose(x1, (*free1, *left)), (_size(rows), _size(summed)))
    second = reshape(transpose(x2, (*right, *free2)), (_size(summed), _size(columns)))
    return reshape(matmul(first, second), (*rows, *columns))


def dot(x1: Any, x2: Any) -> Tensor:
    """NumPy's dot: the sum over the last axis of x1 and the last but one of x2.

    >>> dot([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    x1, x2 = promote("dot", x1, x2)
    if _core.devices_in_use():
        check_devices("dot", x1=x1, x2=x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return multiply(x1, x2)
    return matmul(x1, x2) if x2.ndim <= 2 else tensordot(x1, x2, (-1, -2))


@follows_operands
def inner(x1: Any, x2: Any) -> Tensor:
    """The sum of products over the last axes."""
    x1, x2 = promote("inner", x1, x2)
    return multiply(x1, x2) if x1.ndim == 0 or x2.ndim == 0 else tensordot(x1, x2, (-1, -1))


@follows_operands
def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of products of all elements."""
    return dot(reshape(x1, (-1,)), reshape(x2, (-1,)))


@follows_operands
def outer(x1: Any, x2: Any) -> Tensor:
    """The product of every element of x1 with every element of x2."""
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))
