"""Rows of a table by their numbers, with a gradient that holds no others."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastnn import _core
from fastnn.ops.comparison import where
from fastnn.ops.core import Tensor, as_float, filled, follows_operands, record
from fastnn.ops.indexing import as_indices, take_rule
from fastnn.ops.products import gemm
from fastnn.ops.shape import expand_dims
from fastnn.row_gradient import RowGradient


def _rows_rule(node: _core.Node, gradient: Any) -> Any:
    shape, ids, _ = node.saved
    return RowGradient(shape, gradient.dtype, [(ids, gradient)])


@follows_operands
def embedding(ids: Any, table: Any, owner: str = "embedding") -> Tensor:
    """Rows of a table: that of id i is ``table[i]``.

    ids: integers [i...], from 0 to n - 1   table: [n, a...], float   result: [i..., a...]
    owner: the layer that messages name
    Other ids raise IndexError.

    The gradient of a table that is a leaf of the tape (a Variable, say) is a RowGradient: for
    `backward` and `grad` made a Tensor, for `value_and_grad(..., sparse=True)` and for the
    optimizer in `fit` what it is.

    >>> embedding([[2, 0]], [[1.0], [2.0], [3.0]]).tolist()
    [[[3.0], [1.0]]]
    """
    if not isinstance(table, Tensor):
        table = as_float(table, "embedding: table")
    ids = as_indices(ids, "embedding: ids")
    if not table.ndim:
        raise ValueError("embedding: table has no axes, expected rows")
    y = _core.gather(table, ids, 0, False, owner)
    rule = _rows_rule if table._node is None else take_rule
    y = record(y, rule, (table.shape, ids, 0), table)
    if table.ndim == 2:
        y._rows = _Rows(table, ids, y._node, table._version, ids._version)
    return y


class _Rows(NamedTuple):
    """What a Tensor was made of, and how that can be told from what has happened since."""

    table: Tensor
    ids: Tensor
    node: Any
    table_version: int
    ids_version: int


def rows_of(y: Tensor) -> tuple[Tensor, Tensor] | None:
    """The table and the ids if ``y`` is what `embedding` made of them, and so is its gradient."""
    made: _Rows | None = getattr(y, "_rows", None)
    if (
        made is None
        or y._node is not made.node
        or y.requires_grad != made.table.requires_grad
        or made.table._version != made.table_version
        or made.ids._version != made.ids_version
    ):
        return None
    return made.table, made.ids


def row_products(table: Tensor, ids: Tensor, kernel: Tensor) -> Tensor:
    """``table @ kernel``, of which only the rows of `ids` are read: its gradient by a table that is
    a leaf is a RowGradient.

    ids: integers [i...], from 0 to n - 1   table: [n, a]   kernel: [a, b]   result: [n, b]

    >>> from fastnn.ops import convert_to_tensor as tensor
    >>> row_products(tensor([[1.0], [2.0]]), tensor([1, 1]), tensor([[3.0]])).tolist()
    [[3.0], [6.0]]
    """
    y = gemm(table, kernel)
    kept = _core.copy(table, table.dtype)  # as a look-up keeps rows: the table may change
    return record(y, _products_rule, (ids, kept, kernel, table._node is None), table, kernel)


def _products_rule(node: _core.Node, gradient: Tensor) -> tuple:
    ids, table, kernel, is_leaf = node.saved
    rows, read = _rows_that_were_read(ids, gradient)
    dtable: Any = None
    if node.needs[0] and is_leaf:
        part = rows, gemm(read, kernel, trans_b=True)
        dtable = RowGradient(table.shape, gradient.dtype, [part])
    elif node.needs[0]:
        dtable = gemm(gradient, kernel, trans_b=True)
    return dtable, gemm(_core.gather(table, rows), read, trans_a=True) if node.needs[1] else None


def _rows_that_were_read(ids: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """The different ids, and their rows of the gradient; then one of them again, with zeros."""
    nothing = filled((*ids.shape, 0), 0, gradient.dtype, gradient.device)
    rows, _ = _core.sum_rows(nothing, ids, gradient.shape[0])
    rows = rows[: gradient.shape[0]]
    read = rows >= 0
    rows = where(read, rows, rows[:1])
    return rows, where(expand_dims(read, 1), _core.gather(gradient, rows), 0.0)
