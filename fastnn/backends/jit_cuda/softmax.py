"""softmax, its gradient, and losses from logits: a block a row, sums in float64."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import mathematics, status
from .arrays import empty, flat
from .cuda import compiled, cuda, kernel, launch, launch_rows
from .status import report
from .tree import add, larger, tree

_exp, _log, _log1p = mathematics.exp, mathematics.log, mathematics.log1p
_double, _whole = np.float64, np.int64
_sum, _largest = tree(add, _double), tree(larger, _double)


def _rows(x: Any, axis: int) -> tuple[int, int, int]:
    """(rows, n, inner): element k of row r is (r // inner * n + k) * inner + r % inner."""
    shape = tuple(x.shape)
    axis = axis % x.ndim
    n, inner = shape[axis], math.prod(shape[axis + 1 :])
    return (x.size // n if n else 0), n, inner


@kernel
def _softmax(y, x, n, inner, log):
    first = cuda.blockIdx.x // inner * n * inner + cuda.blockIdx.x % inner
    top = -math.inf
    for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
        top = larger(top, _double(x[first + k * inner]))
    top = _largest(top)
    total = 0.0
    for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
        total += _exp(_double(x[first + k * inner]) - top)
    total = _sum(total)
    for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
        distance = _double(x[first + k * inner]) - top
        if log:
            y[first + k * inner] = distance - _log(total)
        else:
            y[first + k * inner] = _exp(distance) / total


def softmax(y: Any, x: Any, *, axis: int = -1, log: bool = False) -> None:
    """y = exp(x) / sum(exp(x)) along the axis, or its logarithm."""
    rows, n, inner = _rows(x, axis)
    launch_rows(_softmax, rows, n, flat(y), flat(x), n, inner, log)


@kernel
def _softmax_backward(dx, dy, y, n, inner, log):
    first = cuda.blockIdx.x // inner * n * inner + cuda.blockIdx.x % inner
    total = 0.0
    for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
        at = first + k * inner
        total += _double(dy[at]) * (1.0 if log else _double(y[at]))
    total = _sum(total)
    for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
        at = first + k * inner
        if log:
            dx[at] = _double(dy[at]) - _exp(_double(y[at])) * total
        else:
            dx[at] = _double(y[at]) * (_double(dy[at]) - total)


def softmax_backward(dx: Any, dy: Any, y: Any, *, axis: int = -1, log: bool = False) -> None:
    """dx = y * (dy - sum(dy * y)), or dy - exp(y) * sum(dy)."""
    rows, n, inner = _rows(y, axis)
    launch_rows(_softmax_backward, rows, n, flat(dx), flat(dy), flat(y), n, inner, log)


# ---- Losses --------------------------------------------------------------------------------------


@functools.cache
def _cross_entropy(sparse: bool) -> Any:
    """``keep`` is 0 for a row that has no loss; ``label`` counts for sparse targets alone."""

    @compiled
    def target_of(labels, at, k, label, smoothing, classes):
        hit = (1.0 if k == label else 0.0) if sparse else _double(labels[at])
        return hit * (1 - smoothing) + smoothing / classes

    @kernel
    def rows(loss, dx, x, labels, weights, n, weighted, smoothing, has_ignore, ignore, seen, code):
        row = cuda.blockIdx.x
        first, label, keep = row * n, 0, True
        if sparse:
            label = _whole(labels[row])
            keep = not (has_ignore and label == ignore)
            if keep and (label < 0 or label >= n):
                keep = False
                if cuda.threadIdx.x == 0:
                    report(seen, code, row, label)
        top = -math.inf
        for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
            top = larger(top, _double(x[first + k]))
        top = _largest(top)
        total = 0.0
        for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
            total += _exp(_double(x[first + k]) - top)
        log_total = _log(_sum(total))
        lost, targets = 0.0, 0.0
        for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
            target = target_of(labels, first + k, k, label, smoothing, n)
            if target != 0:
                lost -= target * (_double(x[first + k]) - top - log_total)
            targets += target
        lost, targets = _sum(lost), _sum(targets)
        factor = _double(weights[row]) if weighted else 1.0
        for k in range(cuda.threadIdx.x, n, cuda.blockDim.x):
            target = target_of(labels, first + k, k, label, smoothing, n)
            share = _exp(_double(x[first + k]) - top - log_total)
            dx[first + k] = (share * targets - target if keep else 0.0) * factor
        if cuda.threadIdx.x == 0:
            loss[row] = (lost if keep else 0.0) * factor

    return rows


def _bad_label(where: int, value: int, classes: int) -> Exception:
    return ValueError(
        f"cross_entropy: label {value} at row {where} is out of range for {classes} classes"
    )


def cross_entropy(
    loss: Any,
    dx: Any,
    logits: Any,
    labels: Any,
    sample_weight: Any = None,
    *,
    smoothing: float = 0.0,
    has_ignore: bool = False,
    ignore_class: int = 0,
) -> None:
    """Row losses -sum(t * log(softmax(x))) and their gradients."""
    rows, n = logits.shape
    sparse = labels.ndim == 1 and labels.dtype.kind == "i"
    weights = logits if sample_weight is None else sample_weight
    launch_rows(
        _cross_entropy(sparse),
        rows,
        n,
        *(flat(loss), flat(dx), flat(logits), flat(labels), flat(weights)),
        *(n, sample_weight is not None, smoothing, has_ignore, ignore_class),
        *(status.array(), status.code(_bad_label, n)),
    )


@kernel
def _binary_cross_entropy(loss, dx, logits, targets, weights, n, weighted, smoothing):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        x, target = _double(logits[i]), _double(targets[i])
        target = target * (1 - smoothing) + smoothing / 2
        power = _exp(-abs(x))
        factor = _double(weights[i]) if weighted else 1.0
        loss[i] = ((0.0 if x < 0 else x) - x * target + _log1p(power)) * factor
        dx[i] = ((1.0 if x >= 0 else power) / (1 + power) - target) * factor


def binary_cross_entropy(
    loss: Any,
    dx: Any,
    logits: Any,
    targets: Any,
    sample_weight: Any = None,
    *,
    smoothing: float = 0.0,
) -> None:
    """max(x, 0) - x t + log(1 + exp(-abs(x))) and its gradient, element by element."""
    n, weighted = logits.size, sample_weight is not None
    weights = sample_weight if weighted else logits
    arrays = [flat(x) for x in (loss, dx, logits, targets, weights)]
    launch(_binary_cross_entropy, n, *arrays, n, weighted, smoothing)


# ---- require_no_nan ------------------------------------------------------------------------------


@kernel
def _find_nan(first, x, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        if x[i] != x[i]:
            cuda.atomic.min(first, 0, i)


@kernel
def _set_to(first, n):
    first[0] = n


@kernel
def _report_nan(first, n, seen, code):
    if first[0] < n:
        report(seen, code, first[0], 0)


def _holds_nan(where: int, value: int, what: str, shape: tuple) -> Exception:
    index = tuple(int(i) for i in np.unravel_index(where, shape))
    return ValueError(f"loss: {what} holds NaN, first at index {index}")


def require_no_nan(x: Any, *, what: str) -> None:
    """Notes an error if x holds a NaN; the least place is found by an atomic minimum."""
    first, n = empty(1, np.int64), x.size
    launch(_set_to, 1, first, n)
    launch(_find_nan, n, first, flat(x), n)
    code = status.code(_holds_nan, what, tuple(x.shape))
    launch(_report_nan, 1, first, n, status.array(), code)


FUNCTIONS = {
    f.__name__: f
    for f in (softmax, softmax_backward, cross_entropy, binary_cross_entropy, require_no_nan)
}
