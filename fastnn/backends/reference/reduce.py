"""Reductions: reduce, arg_reduce, reduce_list, moments. One op code is one line of a table."""

from __future__ import annotations

import math

import numpy as np


def logsumexp(x: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """log of the sum of exp(x), with the largest element taken out; -inf for no elements."""
    top = np.max(x, axis=axes, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, np.zeros_like(top))
    total = np.sum(np.exp(x - shift), axis=axes, keepdims=True)
    result = np.log(total) + shift
    return result if keepdims else np.squeeze(result, axis=axes)


def mean(x: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """Sum over count; NaN for no elements."""
    count = math.prod(x.shape[axis] for axis in axes)
    return np.sum(x, axis=axes, keepdims=keepdims) / x.dtype.type(count)


REDUCE = {
    "sum": lambda x, axes, keep: np.sum(x, axis=axes, keepdims=keep, dtype=x.dtype),
    "mean": lambda x, axes, keep: mean(x, axes, keep),
    "max": lambda x, axes, keep: np.max(x, axis=axes, keepdims=keep),
    "min": lambda x, axes, keep: np.min(x, axis=axes, keepdims=keep),
    "prod": lambda x, axes, keep: np.prod(x, axis=axes, keepdims=keep, dtype=x.dtype),
    "any": lambda x, axes, keep: np.any(x, axis=axes, keepdims=keep),
    "all": lambda x, axes, keep: np.all(x, axis=axes, keepdims=keep),
    "sum_squares": lambda x, axes, keep: np.sum(x * x, axis=axes, keepdims=keep, dtype=x.dtype),
    "abs_sum": lambda x, axes, keep: np.sum(np.abs(x), axis=axes, keepdims=keep, dtype=x.dtype),
    "logsumexp": lambda x, axes, keep: logsumexp(x, axes, keep),
}

REDUCE_LIST = {
    "sum": lambda x: np.sum(x, dtype=x.dtype),
    "sum_squares": lambda x: np.sum(x * x, dtype=x.dtype),
    "abs_sum": lambda x: np.sum(np.abs(x), dtype=x.dtype),
    "max": lambda x: np.max(x),
    "all_finite": lambda x: np.all(np.isfinite(x)),
}


@np.errstate(all="ignore")
def reduce(x: np.ndarray, *, op: str, axes: tuple[int, ...], keepdims: bool = False) -> np.ndarray:
    """y = REDUCE[op] over ``axes``; y has the dtype of x (any, all: bool).

    The reduced axes are dropped, or kept with extent 1. No axes: op over one element at a time.
    max and min of no elements are a ValueError; NaN propagates.
    """
    return np.asarray(REDUCE[op](x, tuple(axes), bool(keepdims)))


def arg_reduce(x: np.ndarray, *, op: str, axis: int, keepdims: bool = False) -> np.ndarray:
    """The int64 index of the largest (argmax) or smallest (argmin) element along ``axis``.

    The first wins; a NaN wins over every number.
    """
    function = {"argmax": np.argmax, "argmin": np.argmin}[op]
    return np.asarray(function(x, axis=axis, keepdims=bool(keepdims)), dtype=np.int64)


@np.errstate(all="ignore")
def reduce_list(xs: list[np.ndarray], *, op: str) -> np.ndarray:
    """One number, 0-d and of the arrays' dtype, over all elements of all arrays.

    sum, sum_squares, abs_sum, max; all_finite gives bool.
    """
    joined = np.concatenate([x.reshape(-1) for x in xs])
    return np.asarray(REDUCE_LIST[op](joined))


@np.errstate(all="ignore")
def moments(
    x: np.ndarray, *, axes: tuple[int, ...], keepdims: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance over ``axes``: the mean of the squared distances from the mean.

    Both NaN over nothing.
    """
    centre = mean(x, tuple(axes), True)
    variance = mean(np.square(x - centre), tuple(axes), True)
    kept = centre.shape if keepdims else np.squeeze(centre, tuple(axes)).shape
    return centre.reshape(kept), variance.reshape(kept)
