"""The gradient of a table of which some rows were read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.tensor import Tensor


class RowGradient:
    """What a table gets from `ops.embedding` in place of a gradient full of zeros.

    It is what was read (ids, and the gradients of the rows read) of each use of the table. An
    optimizer that gets one leaves all other rows alone.

    Args:
        shape: the table's, (rows, ...).
        dtype: float32 or float64.
        parts: (ids, gradients) of each use; ids are int32 or int64 of any shape, gradients have
            the shape (*ids.shape, *shape[1:]).

    >>> import fastnn as fn, numpy as np
    >>> table = fn.Variable(np.zeros((5, 2), np.float32))
    >>> def loss(table):
    ...     return fn.ops.embedding(np.array([3, 1, 3]), table).sum()
    >>> _, gradient = fn.value_and_grad(loss, sparse=True)(table)
    >>> rows, sums = gradient.merged()
    >>> rows.tolist(), sums.tolist()
    ([1, 3, -1], [[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]])
    >>> gradient.dense().tolist()
    [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [2.0, 2.0], [0.0, 0.0]]
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, parts: list[tuple[Tensor, Tensor]]):
        self.shape = shape
        self.dtype = dtype
        self.parts = parts

    def __repr__(self) -> str:
        count = sum(ids.size for ids, _ in self.parts)
        return f"<RowGradient of {count} ids, shape={self.shape}, dtype={self.dtype}>"

    def merged(self) -> tuple[Tensor, Tensor]:
        """(rows, sums): the different ids, ascending, int64 [n], and the sums of their gradients,
        [n, ...]. n is the number of ids; unused places at the end hold -1 and zeros."""
        ((ids, gradients),) = self.parts if len(self.parts) == 1 else [self._joined()]
        return _core.sum_rows(gradients, ids, self.shape[0])

    def _joined(self) -> tuple[Tensor, Tensor]:
        ids = [_core.reshape(_core.copy(ids, "int64"), (ids.size,)) for ids, _ in self.parts]
        gradients = [
            _core.reshape(gradient, (ids.size, *self.shape[1:])) for ids, gradient in self.parts
        ]
        return _core.concatenate(ids, 0), _core.concatenate(gradients, 0)

    def dense(self) -> Tensor:
        """The whole gradient, a Tensor of the table's shape."""
        zero = _core.to_device(_zero(self.dtype), self.parts[0][1].device)
        total = _core.copy((zero, self.shape, (0,) * len(self.shape), 0), self.dtype)
        for ids, gradients in self.parts:
            _core.scatter_add(total, gradients, ids, 0)
        return total

    def __add__(self, other: Any) -> Any:
        """With another one, a RowGradient; with a whole gradient, a Tensor."""
        if isinstance(other, RowGradient):
            return RowGradient(self.shape, self.dtype, [*self.parts, *other.parts])
        return self.dense() + other

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.dense().numpy(), dtype)


@lru_cache(maxsize=2)
def _zero(dtype: str) -> Tensor:
    return _core.from_numpy(np.zeros((), dtype), "cpu")
