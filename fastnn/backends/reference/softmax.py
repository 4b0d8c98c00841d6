"""softmax and its gradient."""

from __future__ import annotations

import numpy as np


@np.errstate(all="ignore")
def softmax(x: np.ndarray, *, axis: int = -1, log: bool = False) -> np.ndarray:
    """y = exp(x) / sum(exp(x)) along ``axis``, or its logarithm; the largest x is taken out."""
    if x.size == 0:
        return x.copy()
    shifted = x - np.max(x, axis=axis, keepdims=True)
    total = np.sum(np.exp(shifted), axis=axis, keepdims=True)
    return shifted - np.log(total) if log else np.exp(shifted) / total


@np.errstate(all="ignore")
def softmax_backward(
    dy: np.ndarray, y: np.ndarray, *, axis: int = -1, log: bool = False
) -> np.ndarray:
    """dx = y * (dy - sum(dy * y)), or dy - exp(y) * sum(dy) where y is the logarithm."""
    if log:
        return dy - np.exp(y) * np.sum(dy, axis=axis, keepdims=True)
    return y * (dy - np.sum(dy * y, axis=axis, keepdims=True))
