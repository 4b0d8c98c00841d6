"""Cross-entropies, with Keras's numerics: exact where the logits are known, else clipped.

The output of a softmax or sigmoid remembers its logits; the losses use them instead of the
probabilities, as Keras does on TensorFlow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn import _core, config
from fastnn.dtypes import FLOATS
from fastnn.ops.activation import log_softmax, softplus
from fastnn.ops.arithmetic import add, divide, multiply, subtract
from fastnn.ops.comparison import clip
from fastnn.ops.core import (
    Tensor,
    as_float,
    as_tensor,
    cast,
    follows_operands,
    like,
    normalize_axis,
    record,
)
from fastnn.ops.creation import one_hot
from fastnn.ops.elementwise import log, negative
from fastnn.ops.reduce import sum
from fastnn.ops.shape import moveaxis, reshape


def _rows_rule(node: _core.Node, gradient: Any) -> Any:
    """dx of a loss a row, scaled by the rows' gradients."""
    (dx,) = node.saved
    weights = _core.reshape(gradient, (gradient.size, 1))
    dx = _core.binary(dx, weights, "mul")
    return dx if gradient.ndim == 1 else _core.reshape(dx, node.parent_shape(0))


@follows_operands
def softmax_cross_entropy(
    labels: Tensor,
    logits: Tensor,
    sample_weight: Tensor | None = None,
    smoothing: float = 0.0,
    ignore_class: int | None = None,
) -> Tensor:
    """-sum(labels * log(softmax(logits))) over the last axis, in one pass with its gradient.

    logits: [..., classes]   labels: int32 or int64 [...], or of logits' shape and dtype
    sample_weight: [...], multiplies the losses   result: [...]
    smoothing: moves labels toward 1 / classes   ignore_class: rows with this label count 0
    Raises ValueError for labels out of range, naming the row. Labels get no gradient.
    """
    flat, shape = logits, None
    if logits.ndim != 2 or labels.ndim != (2 if labels.dtype in FLOATS else 1):
        shape = logits.shape
        rows = 1
        for extent in shape[:-1]:
            rows *= extent
        flat = _core.reshape(logits, (rows, shape[-1]))
        labels = _core.reshape(labels, flat.shape if labels.dtype in FLOATS else (rows,))
        if sample_weight is not None:
            sample_weight = _core.reshape(sample_weight, (rows,))
    ignored = ignore_class is not None
    label = 0 if ignore_class is None else ignore_class
    loss, dx = _core.cross_entropy(flat, labels, sample_weight, smoothing, ignored, label)
    if shape is not None:
        loss = _core.reshape(loss, shape[:-1])
    return record(loss, _rows_rule, (dx,), logits)


def _class_axis(operation: str, output: Tensor, axis: int) -> int:
    if output.ndim < 1:
        raise ValueError(f"{operation}: output has shape {output.shape}, expected a class axis")
    return normalize_axis(operation, axis, output.ndim)


_ROUNDING = 1e-3  # how far beyond 0 and 1 a probability may lie


def check_probabilities(what: str, output: Tensor, most: float = 1.0) -> None:
    """A ValueError for numbers below 0 or above ``most``, which are likely to be logits.

    In a recorded step the first, eager run has looked.
    """
    if _core.is_recording() or not output.size:
        return
    values = output.numpy()
    low, high = values.min(), values.max()
    if low < -_ROUNDING or high > most + _ROUNDING:
        raise ValueError(
            f"{what} must be probabilities, got {low if low < 0 else high:.6g}; "
            "for logits there is from_logits=True"
        )


def _probabilities(operation: str, output: Tensor) -> Tensor:
    """The output divided by its sum over the last axis and kept away from 0 and 1."""
    check_probabilities(f"{operation}: output", output, math.inf)  # of any sum
    epsilon = config.epsilon()
    return clip(divide(output, sum(output, -1, keepdims=True)), epsilon, 1.0 - epsilon)


@follows_operands
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(target * log(output)) over the class axis.

    target, output: [..., classes] (class axis given)   result: without that axis
    Probabilities are divided by their sum and clipped to [1e-7, 1 - 1e-7], unless they come from a
    softmax, whose logits are used. Negative ones raise ValueError.

    >>> round(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    target = as_float(target, "categorical_crossentropy: target")
    output = as_float(output, "categorical_crossentropy: output")
    if target.shape != output.shape:
        raise ValueError(
            f"categorical_crossentropy: target has shape {target.shape}, output {output.shape}"
        )
    target = cast(target, output.dtype)
    axis = _class_axis("categorical_crossentropy", output, axis)
    logits = output if from_logits else output._logits
    if axis != output.ndim - 1:
        target, output = moveaxis(target, axis, -1), moveaxis(output, axis, -1)
        logits = output if from_logits else None
    if logits is None:
        shares = _probabilities("categorical_crossentropy", output)
        return negative(sum(multiply(target, log(shares)), -1))
    if target.requires_grad:
        return negative(sum(multiply(target, log_softmax(logits)), -1))
    return softmax_cross_entropy(target, logits)


def _check_whole(operation: str, name: str, labels: Tensor) -> None:
    """A ValueError for fractions. In a recorded step the first, eager run has looked."""
    values = labels.numpy()
    fractions = np.isfinite(values) & (values != np.floor(values))
    if fractions.any():
        wrong = values[fractions][0]
        raise ValueError(f"{operation}: {name} must hold whole numbers, got {wrong}")


def sparse_labels(operation: str, target: Any, shape: tuple, name: str = "target") -> Tensor:
    """Class labels as integers of that shape; a last axis of 1 more than it is dropped."""
    target = as_tensor(target, None, f"{operation}: {name}")
    if target.shape == (*shape, 1):
        target = reshape(target, shape)
    if target.shape != shape:
        raise ValueError(f"{operation}: {name} has shape {target.shape}, expected {shape}")
    if target.dtype in ("int32", "int64"):
        return target
    if target.dtype in FLOATS:
        if not _core.is_recording():
            _check_whole(operation, name, target)
        # NaN and infinities become a label that is out of range
        target = _core.select(_core.unary(target, "isfinite"), target, like(target, -1))
    return _core.copy(target, "int64")


@follows_operands
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log(output) at the class that target names.

    target: integers [...] or [..., 1]   output: [..., classes]   result: [...]
    Probabilities are treated as by categorical_crossentropy; labels out of range raise ValueError.

    >>> round(sparse_categorical_crossentropy([1], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    output = as_float(output, "sparse_categorical_crossentropy: output")
    if axis == -1 and output.ndim == 2 and isinstance(target, Tensor) and target.ndim == 1:
        logits = output if from_logits else output._logits
        if logits is not None and target.dtype in ("int32", "int64"):  # the most frequent case
            return softmax_cross_entropy(target, logits)
    axis = _class_axis("sparse_categorical_crossentropy", output, axis)
    logits = output if from_logits else output._logits
    if axis != output.ndim - 1:
        output = moveaxis(output, axis, -1)
        logits = output if from_logits else None
    target = sparse_labels("sparse_categorical_crossentropy", target, output.shape[:-1])
    if logits is not None:
        return softmax_cross_entropy(target, logits)
    _check_labels(target, output.shape[-1])
    labels = one_hot(target, output.shape[-1], dtype=output.dtype)
    shares = _probabilities("sparse_categorical_crossentropy", output)
    return negative(sum(multiply(labels, log(shares)), -1))


def _check_labels(target: Tensor, classes: int) -> None:
    labels = target.numpy()
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        row = int(((labels < 0) | (labels >= classes)).reshape(-1).argmax())
        raise ValueError(
            f"sparse_categorical_crossentropy: label {labels.reshape(-1)[row]} in row {row} is not "
            f"one of {classes} classes"
        )


def _elements_rule(node: _core.Node, gradient: Any) -> Any:
    (dx,) = node.saved
    return _core.binary(dx, gradient, "mul")


@follows_operands
def sigmoid_cross_entropy(
    targets: Tensor, logits: Tensor, sample_weight: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Binary cross-entropy from logits, element by element, in one pass with its gradient.

    logits, targets, sample_weight: one shape and dtype   smoothing: moves targets toward 1/2
    """
    loss, dx = _core.binary_cross_entropy(logits, targets, sample_weight, smoothing)
    return record(loss, _elements_rule, (dx,), logits)


@follows_operands
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-target * log(output) - (1 - target) * log(1 - output), element by element.

    target, output: one shape. Probabilities are clipped to [1e-7, 1 - 1e-7], unless they come from
    a sigmoid, whose logits are used. Such outside [0, 1] raise ValueError.

    >>> round(binary_crossentropy([1.0], [0.5]).item(), 4)
    0.6931
    """
    target = as_float(target, "binary_crossentropy: target")
    output = as_float(output, "binary_crossentropy: output")
    if target.shape != output.shape:
        raise ValueError(
            f"binary_crossentropy: target has shape {target.shape}, output {output.shape}"
        )
    target = cast(target, output.dtype)
    logits = output if from_logits else output._logits
    if logits is not None:
        if target.requires_grad:
            return subtract(softplus(logits), multiply(target, logits))
        return sigmoid_cross_entropy(target, logits)
    check_probabilities("binary_crossentropy: output", output)
    epsilon = config.epsilon()
    output = clip(output, epsilon, 1.0 - epsilon)
    first = multiply(target, log(output))
    second = multiply(subtract(1.0, target), log(subtract(1.0, output)))
    return negative(add(first, second))
