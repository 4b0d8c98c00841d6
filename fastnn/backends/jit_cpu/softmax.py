"""softmax, its gradient, and the losses from logits: rows of one axis, several rows a task."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import elementary
from .compile import Kernel, compiled, kernel
from .loops import permuted, put_back
from .program import Array, Operand, Scratch, Stage, blocks, stage

_TASK = 8192  # elements that one task takes
_NO_LABEL = -1


@functools.cache
def scalars(dtype: str) -> tuple[Any, Any, Any]:
    """exp, log and the conversion to a floating-point type."""
    bits = dtype[-2:]
    exp, log = getattr(elementary, f"exp{bits}"), getattr(elementary, f"log{bits}")
    return exp, log, np.dtype(dtype).type


@functools.cache
def row_sum(dtype: str) -> Any:
    """sum(x[at : at + n]): chains of at most 256 elements, eight side by side, added in turn."""
    zero = np.dtype(dtype).type(0)

    @compiled
    def add_up(x, at, n):
        total = zero
        for chain in range(0, n, 2048):
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = zero
            stop = min(n, chain + 2048)
            whole = chain + (stop - chain) // 8 * 8
            for i in range(at + chain, at + whole, 8):
                s0 += x[i]
                s1 += x[i + 1]
                s2 += x[i + 2]
                s3 += x[i + 3]
                s4 += x[i + 4]
                s5 += x[i + 5]
                s6 += x[i + 6]
                s7 += x[i + 7]
            s0 = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
            for i in range(at + whole, at + stop):
                s0 += x[i]
            total += s0
        return total

    return add_up


@compiled
def row_top(x, at, n):
    """The largest element; NaN if there is one."""
    top = x[at]
    for i in range(at + 1, at + n):
        top = x[i] if (x[i] > top) | (x[i] != x[i]) else top
    return top


@functools.cache
def _softmax_kernel(dtype: str, logarithm: bool) -> Kernel:
    exp, log, convert = scalars(dtype)
    add_up = row_sum(dtype)
    one = convert(1)

    def softmax(y, x, rows, n, group, task):
        for row in range(task * group, min(rows, (task + 1) * group)):
            at = row * n
            top = row_top(x, at, n)
            for i in range(at, at + n):
                y[i] = exp(x[i] - top)
            total = add_up(y, at, n)
            if logarithm:
                shift = log(total)
                for i in range(at, at + n):
                    y[i] = (x[i] - top) - shift
            else:
                factor = one / total
                for i in range(at, at + n):
                    y[i] = y[i] * factor

    return Kernel(softmax, f"softmax {dtype} {logarithm}")


@functools.cache
def _backward_kernel(dtype: str, logarithm: bool) -> Kernel:
    exp, _, _ = scalars(dtype)
    add_up = row_sum(dtype)

    def softmax_backward(dx, dy, y, rows, n, group, task):
        for row in range(task * group, min(rows, (task + 1) * group)):
            at = row * n
            if logarithm:
                total = add_up(dy, at, n)
                for i in range(at, at + n):
                    dx[i] = dy[i] - exp(y[i]) * total
            else:
                for i in range(at, at + n):
                    dx[i] = dy[i] * y[i]
                total = add_up(dx, at, n)
                for i in range(at, at + n):
                    dx[i] = y[i] * (dy[i] - total)

    return Kernel(softmax_backward, f"softmax_backward {dtype} {logarithm}")


def _along(kernel_: Kernel, y: Operand, xs: list[Operand], axis: int) -> list[Stage]:
    """A kernel of rows along an axis, which is brought to the end and back if it is not there."""
    rank = len(y.shape)
    axis %= rank
    n = y.shape[axis]
    if y.size == 0:
        return []
    rows, group = y.size // n, max(1, _TASK // n)
    numbers, tasks = [rows, n, group], blocks(rows, group)
    if all(extent == 1 for extent in y.shape[axis + 1 :]):
        return [stage(kernel_, [y, *xs], numbers, tasks=tasks)]
    order = [i for i in range(rank) if i != axis] + [axis]
    stages: list[Stage] = []
    moved: list[Array] = []
    for x in xs:
        copy, copying = permuted(x, order)
        moved.append(copy)
        stages += copying
    result = Scratch(moved[0].shape, y.dtype)
    stages.append(stage(kernel_, [result, *moved], numbers, tasks=tasks))
    return stages + put_back(y, result, order)


def softmax(y: Operand, x: Operand, *, axis: int, log: bool) -> list[Stage]:
    """y = exp(x) / sum(exp(x)) along the axis, or its logarithm."""
    return _along(_softmax_kernel(x.dtype, log), y, [x], axis)


def softmax_backward(dx: Operand, dy: Operand, y: Operand, *, axis: int, log: bool) -> list[Stage]:
    """dx from dy and what softmax returned."""
    return _along(_backward_kernel(y.dtype, log), dx, [dy, y], axis)


# ---- Losses ------------------------------------------------------------------------------------


@kernel
def find_bad_label(labels, rows, classes, has_ignore, ignored, status, task):
    """Reports the first label that is no class."""
    for row in range(rows):
        label = labels[row]
        outside = (label < 0) | (label >= classes)
        if outside and not (has_ignore != 0 and label == ignored):
            status[0], status[1], status[2] = 1, row, label
            return


@functools.cache
def _cross_entropy_kernel(dtype: str, sparse: bool) -> Kernel:
    exp, log, convert = scalars(dtype)
    add_up = row_sum(dtype)
    zero, one = convert(0), convert(1)

    def cross_entropy(
        loss,
        dx,
        x,
        labels,
        weights,
        rows,
        n,
        group,
        has_weight,
        has_ignore,
        ignored,
        smoothing,
        task,
    ):
        share, rest = convert(smoothing / n), convert(1 - smoothing)
        for row in range(task * group, min(rows, (task + 1) * group)):
            at = row * n
            weight = weights[row] if has_weight else one
            label = np.int64(labels[row]) if sparse else 0
            if sparse and ((has_ignore != 0 and label == ignored) or label < 0 or label >= n):
                loss[row] = zero * weight
                for i in range(at, at + n):
                    dx[i] = zero * weight
                continue
            top = row_top(x, at, n)
            for i in range(at, at + n):
                dx[i] = exp(x[i] - top)
            total = add_up(dx, at, n)
            shift = log(total)
            # The sums of t and of t * log(softmax(x)), in chains of 256.
            targets = terms = zero
            for chain in range(0, n, 256):
                some, part = zero, zero
                for i in range(chain, min(n, chain + 256)):
                    if sparse:
                        t = one if i == label else zero
                    else:
                        t = labels[at + i]
                    t = t * rest + share if smoothing != 0 else t
                    some += t
                    part += t * ((x[at + i] - top) - shift) if t != zero else zero
                targets += some
                terms += part
            factor = targets / total
            for i in range(n):
                if sparse:
                    t = one if i == label else zero
                else:
                    t = labels[at + i]
                t = t * rest + share if smoothing != 0 else t
                dx[at + i] = (dx[at + i] * factor - t) * weight
            loss[row] = -terms * weight

    return Kernel(cross_entropy, f"cross_entropy {dtype} {sparse}")


def cross_entropy(
    loss: Operand,
    dx: Operand,
    logits: Operand,
    labels: Operand,
    sample_weight: Operand | None,
    *,
    smoothing: float,
    has_ignore: bool,
    ignore_class: int,
) -> list[Stage]:
    """Row losses and their gradients, from logits."""
    rows, n = logits.shape
    sparse = labels.dtype.startswith("int")
    stages = []
    if sparse:
        numbers = [rows, n, has_ignore, ignore_class]
        stages.append(stage(find_bad_label, [labels], numbers))
    group = max(1, _TASK // max(1, n))
    numbers = [rows, n, group, sample_weight is not None, has_ignore, ignore_class]
    arrays = [loss, dx, logits, labels, sample_weight]
    kernel_ = _cross_entropy_kernel(logits.dtype, sparse)
    return [*stages, stage(kernel_, arrays, numbers, [smoothing], tasks=blocks(rows, group))]


@functools.cache
def _binary_kernel(dtype: str) -> Kernel:
    exp, _, convert = scalars(dtype)
    zero, one = convert(0), convert(1)

    def binary_cross_entropy(loss, dx, x, targets, weights, n, has_weight, smoothing, task):
        rest, share = convert(1 - smoothing), convert(smoothing / 2)
        for i in range(task * _TASK, min(n, (task + 1) * _TASK)):
            v = x[i]
            t = targets[i] * rest + share if smoothing != 0 else targets[i]
            weight = weights[i] if has_weight else one
            e = exp(-abs(v))
            low = convert(math.log1p(e))
            s = (one if v >= zero else e) / (one + e)
            loss[i] = ((v if v > zero else zero * v) - v * t + low) * weight
            dx[i] = (s - t) * weight

    return Kernel(binary_cross_entropy, f"binary_cross_entropy {dtype}")


def binary_cross_entropy(
    loss: Operand,
    dx: Operand,
    logits: Operand,
    targets: Operand,
    sample_weight: Operand | None,
    *,
    smoothing: float,
) -> list[Stage]:
    """Losses of independent yes-no labels and their gradients, from logits."""
    n = logits.size
    numbers = [n, sample_weight is not None]
    arrays = [loss, dx, logits, targets, sample_weight]
    return [
        stage(_binary_kernel(logits.dtype), arrays, numbers, [smoothing], tasks=blocks(n, _TASK))
    ]


@kernel
def find_nan(x, n, status, task):
    """Reports the first NaN."""
    for i in range(n):
        if x[i] != x[i]:
            status[0], status[1] = 1, i
            return


def require_no_nan(x: Operand, *, what: str) -> list[Stage]:
    """Nothing, or an error."""
    return [stage(find_nan, [x], [x.size])]


PLANNERS = {
    f.__name__: f
    for f in (softmax, softmax_backward, cross_entropy, binary_cross_entropy, require_no_nan)
}
