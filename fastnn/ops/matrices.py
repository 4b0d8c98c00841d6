"""Diagonals, matrices made of vectors, and products with a pattern."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import standardize_dtype
from fastnn.ops.arithmetic import divide, multiply, subtract
from fastnn.ops.comparison import clip
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    check_devices,
    follows_operands,
    normalize_axis,
    promote,
    record,
    strides_of,
)
from fastnn.ops.elementwise import sqrt
from fastnn.ops.indexing import slice_rule
from fastnn.ops.joining import stack
from fastnn.ops.padding import pad
from fastnn.ops.products import matmul
from fastnn.ops.reduce import mean, norm, sum
from fastnn.ops.shape import (
    MOST_AXES,
    expand_dims,
    moveaxis,
    ravel,
    repeat,
    reshape,
    swapaxes,
    tile,
)

# ---- diagonals -----------------------------------------------------------------------------------


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The elements on a diagonal of two axes, as a new last axis.

    offset: how far the diagonal lies above (or, negative, below) the main one

    >>> diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    x, offset = as_tensor(x, None, "diagonal: x"), index(offset)
    if x.ndim < 2:
        raise ValueError(f"diagonal: x has shape {x.shape}, expected two axes or more")
    rows = normalize_axis("diagonal", axis1, x.ndim)
    columns = normalize_axis("diagonal", axis2, x.ndim)
    if rows == columns:
        raise ValueError(f"diagonal: axis1 and axis2 are both {rows}")
    strides = strides_of(x.shape)
    down, right = max(-offset, 0), max(offset, 0)
    count = max(min(x.shape[rows] - down, x.shape[columns] - right), 0)
    rest = [axis for axis in range(x.ndim) if axis not in (rows, columns)]
    shape = (*(x.shape[axis] for axis in rest), count)
    steps = [*(strides[axis] for axis in rest), strides[rows] + strides[columns]]
    start = down * strides[rows] + right * strides[columns] if count else 0
    y = _core.copy((x, shape, steps, start), x.dtype)
    return record(y, slice_rule, (x.shape, shape, steps, start), x)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum over a diagonal.

    >>> trace([[1.0, 2.0], [3.0, 4.0]]).item()
    5.0
    """
    return sum(diagonal(x, offset, axis1, axis2), -1)


def diagflat(x: Any, k: int = 0) -> Tensor:
    """A square matrix with the elements of x on diagonal k and zeros elsewhere.

    >>> diagflat([[1], [2]], 1).tolist()
    [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    """
    x, k = ravel(as_tensor(x, None, "diagflat: x")), index(k)
    n = x.size
    # An element and n zeros a row: cut into rows of n, the elements lie on the diagonal.
    square = reshape(ravel(pad(expand_dims(x, 1), ((0, 0), (0, n))))[: n * n], (n, n))
    below, right = max(-k, 0), max(k, 0)
    return pad(square, ((below, right), (right, below)))


def diag(x: Any, k: int = 0) -> Tensor:
    """Diagonal k of a matrix, or a matrix with a vector as diagonal k.

    >>> diag([1, 2]).tolist(), diag([[1, 2], [3, 4]]).tolist()
    ([[1, 0], [0, 2]], [1, 4])
    """
    x = as_tensor(x, None, "diag: x")
    if x.ndim not in (1, 2):
        raise ValueError(f"diag: x has shape {x.shape}, expected one or two axes")
    return diagflat(x, k) if x.ndim == 1 else diagonal(x, k)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on and below diagonal k of an N by M matrix, zeros above.

    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return as_tensor(np.tri(N, M, k, dtype=standardize_dtype(dtype)))


# ---- matrices of vectors -------------------------------------------------------------------------


@follows_operands
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements as columns, the highest first unless increasing.

    N: how many columns; as many as x has elements if None

    >>> vander([2.0, 3.0], 3).tolist()
    [[4.0, 2.0, 1.0], [9.0, 3.0, 1.0]]
    """
    x = as_tensor(x, None, "vander: x")
    if x.ndim != 1:
        raise ValueError(f"vander: x has shape {x.shape}, expected one axis")
    columns = x.size if N is None else index(N)
    if columns < 0:
        raise ValueError(f"vander: N must not be negative, got {columns}")
    empty = _core.empty((x.size, columns), x.dtype)  # before many columns are made in vain
    if columns == 0:
        return empty
    one = as_tensor(np.ones(x.shape), x.dtype)
    powers = [one]
    for _ in range(columns - 1):
        powers.append(multiply(powers[-1], x))
    return stack(powers if increasing else powers[::-1], 1)


@follows_operands
def kron(x1: Any, x2: Any) -> Tensor:
    """Kronecker's product: each element of x1 times the whole of x2, laid out as blocks.

    >>> kron([1, 2], [3, 4]).tolist()
    [3, 4, 6, 8]
    """
    x1, x2 = promote("kron", x1, x2)
    rank = max(x1.ndim, x2.ndim)
    x1 = reshape(x1, (1,) * (rank - x1.ndim) + x1.shape)
    x2 = reshape(x2, (1,) * (rank - x2.ndim) + x2.shape)
    shape = tuple(a * b for a, b in zip(x1.shape, x2.shape))
    if 2 * rank > MOST_AXES:
        for axis, count in enumerate(x2.shape):
            x1 = repeat(x1, count, axis)
        return multiply(x1, tile(x2, tuple(a // b if b else 0 for a, b in zip(shape, x2.shape))))
    blocks = expand_dims(x1, tuple(range(1, 2 * rank, 2)))
    return reshape(multiply(blocks, expand_dims(x2, tuple(range(0, 2 * rank, 2)))), shape)


@follows_operands
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The vector product, over axes of two or three elements.

    axisa, axisb: the vectors' axes in x1 and x2   axisc: that of the result
    axis: all three of them, if given
    Of two vectors of two elements it is the third element of the product, without an axis.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = promote("cross", x1, x2)
    check_devices("cross", x1=x1, x2=x2)  # elements of a vector on the host are numbers, which fit
    x1, x2 = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    for name, x in (("x1", x1), ("x2", x2)):
        if x.shape[-1] not in (2, 3):
            raise ValueError(
                f"cross: {name} has vectors of {x.shape[-1]} elements, expected 2 or 3"
            )
    flat = x1.shape[-1] == x2.shape[-1] == 2
    a, b = ([x[..., i] if i < x.shape[-1] else None for i in range(3)] for x in (x1, x2))

    def minor(i: int, j: int) -> Tensor:
        """a[i] b[j] - a[j] b[i], where what is missing is 0."""
        first = None if a[i] is None or b[j] is None else multiply(a[i], b[j])
        second = None if a[j] is None or b[i] is None else multiply(a[j], b[i])
        if first is None or second is None:
            return first if first is not None else -as_tensor(second)
        return subtract(first, second)

    if flat:
        return minor(0, 1)
    return moveaxis(stack([minor(1, 2), minor(2, 0), minor(0, 1)], -1), -1, axisc)


# ---- distances and correlations ------------------------------------------------------------------


@follows_operands
def cdist(x: Any, y: Any) -> Tensor:
    """Euclidean distances between all rows of x [..., m, d] and y [..., n, d]: [..., m, n].

    >>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
    [[5.0, 1.0]]
    """
    x, y = promote("cdist", as_float(x, "cdist: x"), as_float(y, "cdist: y"))
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(
            f"cdist: x has shape {x.shape} and y {y.shape}, expected (..., rows, d) with one d"
        )
    return norm(subtract(expand_dims(x, -2), expand_dims(y, -3)), axis=-1)


def corrcoef(x: Any) -> Tensor:
    """Correlations between variables, which are rows: [variables, observations].

    >>> round(corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])[0, 1].item(), 4)
    -1.0
    """
    x = as_float(x, "corrcoef: x")
    if x.ndim > 2:
        raise ValueError(f"corrcoef: x has shape {x.shape}, expected at most two axes")
    rows = reshape(x, (1, -1)) if x.ndim < 2 else x
    centred = subtract(rows, mean(rows, -1, keepdims=True))
    deviations = sqrt(sum(multiply(centred, centred), -1, keepdims=True))
    centred = divide(centred, deviations)
    y = clip(matmul(centred, swapaxes(centred, 0, 1)), -1.0, 1.0)
    if rows.shape[1] == 0:
        y = divide(y, 0.0)  # of nothing
    return y if x.ndim == 2 else reshape(y, ())
