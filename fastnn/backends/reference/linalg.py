"""Matrix products with epilogue: gemm, dense_backward."""

from __future__ import annotations

import numpy as np

from .derivatives import unary_backward
from .elementwise import unary


def _transposed(x: np.ndarray, transpose: bool) -> np.ndarray:
    return np.swapaxes(x, -1, -2) if transpose else x


@np.errstate(all="ignore")
def gemm(
    A: np.ndarray,
    B: np.ndarray,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    C0: np.ndarray | None = None,
    *,
    trans_a: bool = False,
    trans_b: bool = False,
    alpha: float = 1,
    beta: float = 1,
    activation: str = "linear",
    a: float = 0,
    want_preactivation: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """C = activation(z) and, when wanted, z = alpha * A @ B + beta * C0 + bias + residual.

    A [.., m, k], B [.., k, n] (each transposed first where asked), leading axes broadcast;
    bias [n]; residual and C0 of C's shape [.., m, n]; one floating-point dtype for all.
    """
    scalar = A.dtype.type
    z = np.matmul(_transposed(A, trans_a), _transposed(B, trans_b)) * scalar(alpha)
    if C0 is not None:
        z = z + scalar(beta) * C0
    if bias is not None:
        z = z + bias
    if residual is not None:
        z = z + residual
    return unary(z, op=activation, a=a), z if want_preactivation else None


@np.errstate(all="ignore")
def dense_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    value: np.ndarray,
    *,
    activation: str = "linear",
    a: float = 0,
    want_dx: bool = True,
    want_dw: bool = True,
    want_db: bool = True,
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """The gradients of y = activation(x @ w + b): dx, dw, db, each None unless wanted.

    x [m, k], w [k, n], dy [m, n]; ``value`` is y or x @ w + b, whichever the derivative of the
    activation reads. g = dy * activation'(value): dx = g @ w.T, dw = x.T @ g, db = g summed over m.
    """
    g = unary_backward(dy, value, op=activation, a=a)
    return (
        g @ w.T if want_dx else None,
        x.T @ g if want_dw else None,
        g.sum(axis=0) if want_db else None,
    )
