"""Einstein summation, composed of transposes, sums and batched products."""

from __future__ import annotations

from typing import Any

from fastnn.ops.core import Tensor, follows_operands, promote
from fastnn.ops.products import matmul
from fastnn.ops.reduce import sum
from fastnn.ops.shape import broadcast_to, reshape, transpose

_SPARE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _parse(subscripts: str, operands: Any) -> tuple:
    """Labels of each operand and of the result; an ellipsis becomes labels of its own."""
    text = subscripts.replace(" ", "")
    sides = text.split("->")
    inputs = sides[0].split(",")
    if len(sides) > 2 or len(inputs) != len(operands):
        raise ValueError(
            f"einsum: {subscripts!r} names {len(inputs)} operands, {len(operands)} are given"
        )
    spare = [c for c in _SPARE if c not in text]
    widest = 0
    for labels, x in zip(inputs, operands):
        if "..." in labels:
            widest = max(widest, x.ndim - len(labels.replace("...", "")))
    dots = "".join(spare[:widest])
    expanded = []
    for i, (labels, x) in enumerate(zip(inputs, operands)):
        if "..." in labels:
            count = x.ndim - len(labels.replace("...", ""))
            labels = labels.replace("...", dots[widest - count :] if count > 0 else "")
        if len(labels) != x.ndim or (not labels.isalpha() and labels):
            raise ValueError(
                f"einsum: {inputs[i]!r} in {subscripts!r} does not fit shape {x.shape}"
            )
        if len(set(labels)) != len(labels):
            raise NotImplementedError(f"einsum: {inputs[i]!r} repeats a label (a diagonal)")
        expanded.append(labels)
    if len(sides) == 2:
        result = sides[1].replace("...", dots)
    else:
        joined = "".join(expanded)
        result = dots + "".join(c for c in sorted(set(joined) - set(dots)) if joined.count(c) == 1)
    if len(set(result)) != len(result) or not set(result) <= set("".join(expanded)):
        raise ValueError(
            f"einsum: the result of {subscripts!r} repeats a label or has an unknown one"
        )
    return expanded, result


def _without(x: Tensor, labels: str, kept: set) -> tuple:
    """x summed over the labels that nothing else needs."""
    axes = tuple(i for i, c in enumerate(labels) if c not in kept)
    return (sum(x, axes), "".join(c for c in labels if c in kept)) if axes else (x, labels)


def _ordered(x: Tensor, labels: str, wanted: str) -> Tensor:
    return transpose(x, tuple(labels.index(c) for c in wanted))


def _product(a: Tensor, a_labels: str, b: Tensor, b_labels: str, kept: set) -> tuple:
    """One batched product: over the labels of both that are not kept."""
    both = [c for c in a_labels if c in b_labels]
    batch = "".join(c for c in both if c in kept)
    summed = "".join(c for c in both if c not in kept)
    rows = "".join(c for c in a_labels if c not in both)
    columns = "".join(c for c in b_labels if c not in both)
    a, b = (
        _ordered(a, a_labels, batch + rows + summed),
        _ordered(b, b_labels, batch + summed + columns),
    )
    n, r = len(batch), len(rows)
    depths = []
    for c, first, second in zip(summed, a.shape[n + r :], b.shape[n:]):
        if first != second and 1 not in (first, second):
            raise ValueError(f"einsum: label {c!r} has extents {first} and {second}")
        depths.append(second if first == 1 else first)
    a = broadcast_to(a, (*a.shape[: n + r], *depths))
    b = broadcast_to(b, (*b.shape[:n], *depths, *b.shape[n + len(summed) :]))

    def size(extents: Any) -> int:
        count = 1
        for extent in extents:
            count *= extent
        return count

    depth = size(a.shape[n + r :])
    row_shape, column_shape = a.shape[n : n + r], b.shape[n + len(summed) :]
    left = reshape(a, (*a.shape[:n], size(row_shape), depth))
    right = reshape(b, (*b.shape[:n], depth, size(column_shape)))
    y = matmul(left, right)
    return reshape(y, (*y.shape[:n], *row_shape, *column_shape)), batch + rows + columns


@follows_operands
def einsum(subscripts: str, *operands: Any) -> Tensor:
    """The sum of products that ``subscripts`` names, operands multiplied from left to right.

    Labels repeated within one operand (diagonals) raise NotImplementedError.

    >>> einsum("ij,jk->ik", [[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: subscripts must be a string, got {subscripts!r}")
    tensors = promote("einsum", *operands)
    inputs, result = _parse(subscripts, tensors)
    x, labels = tensors[0], inputs[0]
    for i in range(1, len(tensors)):
        kept = set(result).union(*inputs[i + 1 :])
        x, labels = _without(x, labels, kept | set(inputs[i]))
        other, other_labels = _without(tensors[i], inputs[i], kept | set(labels))
        x, labels = _product(x, labels, other, other_labels, kept)
    x, labels = _without(x, labels, set(result))
    return _ordered(x, labels, result)
