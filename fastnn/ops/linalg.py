"""Linear algebra with keras.ops.linalg's names, by NumPy's LAPACK on the host.

Matrices are the last two axes; leading axes are a batch. Gradients: M. Giles, An extended
collection of matrix derivative results for forward and reverse mode algorithmic differentiation
(2008); of Cholesky's, I. Murray, Differentiation of the Cholesky decomposition (2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import _core
from fastnn.context import context
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    check_devices,
    follows_operands,
    promote,
    record,
)
from fastnn.ops.joining import tril, triu
from fastnn.ops.products import matmul
from fastnn.ops.reduce import norm as norm
from fastnn.ops.shape import expand_dims, squeeze, swapaxes


def _matrices(operation: str, x: Any, name: str = "x", square: bool = True) -> Tensor:
    x = as_float(x, f"{operation}: {name}")
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        kind = "square matrices" if square else "matrices"
        raise ValueError(f"{operation}: {name} has shape {x.shape}, expected {kind}")
    return x


def _numpy(operation: str, function: Any, *arrays: Any, **options: Any) -> Any:
    """A call of NumPy's, whose failure names the operation."""
    try:
        return function(*arrays, **options)
    except np.linalg.LinAlgError as error:
        if context.on_trial:  # where only shapes count, arrays of ones stand for all matrices
            ones = np.broadcast_to(np.eye(arrays[0].shape[-1]), arrays[0].shape)
            return function(ones.astype(arrays[0].dtype), *arrays[1:], **options)
        raise ValueError(f"{operation}: {str(error).lower()}") from None


def _t(x: np.ndarray) -> np.ndarray:
    return np.swapaxes(x, -1, -2)


# ---- inverses and solutions ----------------------------------------------------------------------


def _inv_rule(node: _core.Node, gradient: Any) -> Any:
    (y,) = node.saved
    return as_tensor(-(_t(y) @ gradient.numpy() @ _t(y)))


@follows_operands
def inv(x: Any) -> Tensor:
    """The inverse of square matrices; ValueError for a singular one.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x = _matrices("inv", x)
    y = _numpy("inv", np.linalg.inv, x.numpy())
    return record(as_tensor(y), _inv_rule, (y,), x)


def _solve_rule(node: _core.Node, gradient: Any) -> Any:
    a, x = node.saved
    db = np.linalg.solve(_t(a), gradient.numpy())
    return as_tensor(-(db @ _t(x))), as_tensor(db)


@follows_operands
def solve(a: Any, b: Any) -> Tensor:
    """x of a x = b: square matrices a [..., n, n] and columns b [..., n, k], or a vector b [n].

    ValueError for a singular matrix.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
    [1.0, 0.5]
    """
    a, b = promote("solve", _matrices("solve", a, "a"), as_float(b, "solve: b"))
    check_devices("solve", a=a, b=b)
    if b.ndim == a.ndim - 1:
        return squeeze(solve(a, expand_dims(b, -1)), -1)
    if b.ndim != a.ndim or b.shape[:-1] != a.shape[:-1]:
        raise ValueError(f"solve: a has shape {a.shape} and b {b.shape}, whose rows do not fit")
    x = _numpy("solve", np.linalg.solve, a.numpy(), b.numpy())
    return record(as_tensor(x), _solve_rule, (a.numpy(), x), a, b)


@follows_operands
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """x of a x = b, where of a only the upper (or lower) triangle is read.

    >>> solve_triangular([[2.0, 0.0], [9.0, 4.0]], [2.0, 4.0]).tolist()
    [1.0, 1.0]
    """
    a = _matrices("solve_triangular", a, "a")
    return solve(tril(a) if lower else triu(a), b)


def _pinv_rule(node: _core.Node, gradient: Any) -> Any:
    # G. Golub, V. Pereyra, The differentiation of pseudo-inverses (1973), transposed.
    a, p = node.saved
    g = gradient.numpy()
    rows = np.eye(a.shape[-2], dtype=a.dtype) - a @ p
    columns = np.eye(a.shape[-1], dtype=a.dtype) - p @ a
    first = -(_t(p) @ g @ _t(p))
    second = rows @ _t(g) @ p @ _t(p)
    third = _t(p) @ p @ _t(g) @ columns
    return as_tensor(first + second + third)


@follows_operands
def pinv(x: Any, rcond: float | None = None) -> Tensor:
    """The pseudo-inverse of Moore and Penrose, [..., m, n] to [..., n, m].

    rcond: singular values below this share of the largest count as 0; machine precision times the
        larger extent if None
    Its gradient is right where the rank does not change.

    >>> pinv([[2.0], [0.0]]).tolist()
    [[0.5, 0.0]]
    """
    x = _matrices("pinv", x, square=False)
    if rcond is None:
        rcond = max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
    y = _numpy("pinv", np.linalg.pinv, x.numpy(), rcond)
    return record(as_tensor(y), _pinv_rule, (x.numpy(), y), x)


@follows_operands
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """x with the least |a x - b|, the shortest of them: a [m, n], b [m] or [m, k].

    >>> round(lstsq([[1.0], [1.0]], [1.0, 3.0]).item(), 4)
    2.0
    """
    a, b = _matrices("lstsq", a, "a", square=False), as_float(b, "lstsq: b")
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ValueError(
            f"lstsq: a has shape {a.shape} and b {b.shape}, expected (m, n) and (m, k)"
        )
    return matmul(pinv(a, rcond), b)


# ---- determinants --------------------------------------------------------------------------------


def _det_rule(node: _core.Node, gradient: Any) -> Any:
    x, y = node.saved
    inverse = _numpy("det: the gradient", np.linalg.inv, x)
    return as_tensor((gradient.numpy() * y)[..., None, None] * _t(inverse))


@follows_operands
def det(x: Any) -> Tensor:
    """The determinant of square matrices. The gradient of a singular one is a ValueError.

    >>> det([[2.0, 0.0], [0.0, 4.0]]).item()
    8.0
    """
    x = _matrices("det", x)
    y = np.linalg.det(x.numpy())
    return record(as_tensor(y), _det_rule, (x.numpy(), y), x)


def _slogdet_rule(node: _core.Node, gradients: Any) -> Any:
    (x,) = node.saved
    if gradients[1] is None:  # the sign has no slope
        return None
    inverse = _numpy("slogdet: the gradient", np.linalg.inv, x)
    return as_tensor(gradients[1].numpy()[..., None, None] * _t(inverse))


@follows_operands
def slogdet(x: Any) -> tuple:
    """The sign of the determinant of square matrices, and the logarithm of its size.

    >>> sign, logarithm = slogdet([[-1.0, 0.0], [0.0, 1.0]])
    >>> sign.item(), logarithm.item()
    (-1.0, 0.0)
    """
    x = _matrices("slogdet", x)
    sign, logarithm = np.linalg.slogdet(x.numpy())
    return tuple(record((as_tensor(sign), as_tensor(logarithm)), _slogdet_rule, (x.numpy(),), x))


@follows_operands
def logdet(x: Any) -> Tensor:
    """The logarithm of the determinant of positive definite matrices."""
    return slogdet(_matrices("logdet", x))[1]


# ---- decompositions ------------------------------------------------------------------------------


def _cholesky_rule(node: _core.Node, gradient: Any) -> Any:
    (lower,) = node.saved
    inverse = np.linalg.inv(lower)
    middle = np.tril(_t(lower) @ gradient.numpy())
    middle[..., range(lower.shape[-1]), range(lower.shape[-1])] *= 0.5
    dx = _t(inverse) @ middle @ inverse
    return as_tensor((dx + _t(dx)) / 2)


@follows_operands
def cholesky(x: Any, upper: bool = False) -> Tensor:
    """L with x = L Lᵀ of positive definite matrices, lower triangular; upper: its transpose.

    ValueError if a matrix is not positive definite.

    >>> cholesky([[4.0, 2.0], [2.0, 2.0]]).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    x = _matrices("cholesky", x)
    lower = _numpy("cholesky", np.linalg.cholesky, x.numpy())
    y = record(as_tensor(lower), _cholesky_rule, (lower,), x)
    return swapaxes(y, -1, -2) if upper else y


@follows_operands
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of L Lᵀ from L (upper: of Uᵀ U from U), as cholesky gives them."""
    x = _matrices("cholesky_inverse", x)
    x = swapaxes(triu(x), -1, -2) if upper else tril(x)
    return inv(matmul(x, swapaxes(x, -1, -2)))


def _qr_rule(node: _core.Node, gradients: Any) -> Any:
    q, r = node.saved
    dq = np.zeros_like(q) if gradients[0] is None else gradients[0].numpy()
    dr = np.zeros_like(r) if gradients[1] is None else gradients[1].numpy()
    m = r @ _t(dr) - _t(dq) @ q
    mirrored = np.tril(m) + _t(np.tril(m, -1))
    return as_tensor(_t(np.linalg.solve(r, _t(dq + q @ mirrored))))


@follows_operands
def qr(x: Any, mode: str = "reduced") -> tuple:
    """Q and R with x = Q R: orthogonal columns, and an upper triangle.

    x: [..., m, n]   mode: "reduced" (Q has min(m, n) columns) or "complete" (m)
    Differentiable if reduced and m >= n; otherwise the results have no gradient.

    >>> q, r = qr([[3.0], [4.0]])
    >>> abs(r).tolist()
    [[5.0]]
    """
    x = _matrices("qr", x, square=False)
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode is {mode!r}, expected 'reduced' or 'complete'")
    q, r = _numpy("qr", np.linalg.qr, x.numpy(), mode=mode)
    results = as_tensor(q), as_tensor(r)
    if mode == "complete" or x.shape[-2] < x.shape[-1]:
        return results
    return tuple(record(results, _qr_rule, (q, r), x))


def _eigh_rule(node: _core.Node, gradients: Any) -> Any:
    w, v = node.saved
    middle = np.zeros((*w.shape, w.shape[-1]), w.dtype)
    if gradients[1] is not None:
        gaps = w[..., None, :] - w[..., :, None]
        usable = gaps != 0
        middle = np.where(usable, _t(v) @ gradients[1].numpy(), 0) / np.where(usable, gaps, 1)
    if gradients[0] is not None:
        middle[..., range(w.shape[-1]), range(w.shape[-1])] += gradients[0].numpy()
    dx = v @ middle @ _t(v)
    return as_tensor((dx + _t(dx)) / 2)


@follows_operands
def eigh(x: Any) -> tuple:
    """The eigenvalues of symmetric matrices, ascending, and their eigenvectors as columns.

    The gradient of eigenvectors is that of matrices whose eigenvalues differ.

    >>> values, vectors = eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> values.tolist()
    [1.0, 2.0]
    """
    x = _matrices("eigh", x)
    symmetric = (x.numpy() + _t(x.numpy())) / 2
    w, v = _numpy("eigh", np.linalg.eigh, symmetric)
    return tuple(record((as_tensor(w), as_tensor(v)), _eigh_rule, (w, v), x))


def _svd_rule(node: _core.Node, gradient: Any) -> Any:
    u, vt = node.saved
    return as_tensor((u * gradient.numpy()[..., None, :]) @ vt)


@follows_operands
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, S and Vᵀ with x = U diag(S) Vᵀ: singular values, descending, between orthogonal matrices.

    full_matrices: whether U and Vᵀ are square   compute_uv: without, S alone
    Only the singular values are differentiable.

    >>> svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False).tolist()
    [4.0, 3.0]
    """
    x = _matrices("svd", x, square=False)
    u, s, vt = _numpy("svd", np.linalg.svd, x.numpy(), full_matrices=full_matrices)
    k = s.shape[-1]
    values = record(as_tensor(s), _svd_rule, (u[..., :k], vt[..., :k, :]), x)
    return (as_tensor(u), values, as_tensor(vt)) if compute_uv else values


@follows_operands
def matrix_rank(x: Any, tol: float | None = None) -> Tensor:
    """How many singular values are above ``tol``; if None, NumPy's bound for rounding. int32.

    >>> matrix_rank([[1.0, 1.0], [1.0, 1.0]]).item()
    1
    """
    x = _matrices("matrix_rank", x, square=False)
    rank = _numpy("matrix_rank", np.linalg.matrix_rank, x.numpy(), tol)
    return as_tensor(np.asarray(rank).astype(np.int32))
