"""Rows of a table by their numbers, with a gradient that holds no others."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.ops.core import Tensor, as_float, follows_operands, record
from fastnn.ops.indexing import as_indices, take_rule
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
    return record(y, rule, (table.shape, ids, 0), table)
