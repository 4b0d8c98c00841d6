"""Attention along some axes: they become one, and all others examples of a batch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from fastnn import ops
from fastnn.tensor import Tensor


class Folding(NamedTuple):
    """Which axes attention is along, of inputs [batch, axes.., features].

    Folded, there are [batch * other axes, positions]; positions are counted along the attention
    axes, the last one fastest.
    """

    axes: tuple[int, ...]
    rank: int  # of the inputs

    @property
    def others(self) -> tuple[int, ...]:
        """The axes that attention is not along, without batch and features."""
        return tuple(i for i in range(1, self.rank - 1) if i not in self.axes)

    def fold(self, x: Tensor) -> Tensor:
        """[batch, axes.., trailing axes] to [batch * others, positions, trailing axes]."""
        if self.rank == 3:
            return x
        trailing = range(self.rank - 1, x.ndim)
        x = ops.transpose(x, (0, *self.others, *self.axes, *trailing))
        first, last = 1 + len(self.others), self.rank - 1
        examples, positions = math.prod(x.shape[:first]), math.prod(x.shape[first:last])
        return ops.reshape(x, (examples, positions, *x.shape[last:]))

    def unfold(self, y: Tensor, shape: tuple) -> Tensor:
        """The inverse, for inputs of a shape."""
        if self.rank == 3:
            return y
        order = (0, *self.others, *self.axes)
        y = ops.reshape(y, (*(shape[i] for i in order), *y.shape[2:]))
        back = tuple(order.index(i) for i in range(self.rank - 1))
        return ops.transpose(y, (*back, *range(self.rank - 1, y.ndim)))

    def fold_positions(self, what: str, mask: Any, shape: tuple) -> Tensor:
        """Which positions hold data: [batch, first axes..] to [batch * others, positions].

        ``what`` is the mask's name in messages; likewise below.
        """
        mask = ops.cast(mask, "bool")
        if mask.shape != shape[: mask.ndim] or not 2 <= mask.ndim < self.rank:
            raise ValueError(
                f"{what} has shape {mask.shape}, expected {shape[:-1]}, all axes of the input with "
                f"shape {shape} but the last, or the first of them"
            )
        if mask.ndim < self.rank - 1:
            mask = ops.reshape(mask, (*mask.shape, *(1,) * (self.rank - 1 - mask.ndim)))
        return self.fold(ops.broadcast_to(mask, shape[:-1]))

    def scores_shape(self, query_shape: tuple, key_shape: tuple, heads: int) -> tuple:
        """[batch, others.., heads, axes of the query.., axes of the key..]."""
        batch = (query_shape[0], *(query_shape[i] for i in self.others))
        return (*batch, heads, *(x[i] for x in (query_shape, key_shape) for i in self.axes))

    def fold_pairs(self, what: str, mask: Any, scores_shape: tuple) -> Tensor:
        """Who sees whom: what broadcasts to the scores to [batch * others, heads or 1, ...]."""
        mask = ops.cast(mask, "bool")
        pair = 2 * len(self.axes)
        missing = (1,) * (len(scores_shape) - mask.ndim)  # of batch, others, heads
        shape = (*mask.shape[:-pair], *missing, *mask.shape[-pair:])
        fits = len(shape) == len(scores_shape) and all(
            n in (1, m) for n, m in zip(shape, scores_shape)
        )
        if mask.ndim < pair or not fits:
            raise ValueError(
                f"{what} has shape {mask.shape}, which does not broadcast to {scores_shape}: "
                "batch, other axes, heads, queries, keys"
            )
        mask = ops.reshape(mask, shape)
        if self.rank == 3:
            return mask
        lead, heads = scores_shape[: -pair - 1], mask.shape[-pair - 1]
        mask = ops.broadcast_to(mask, (*lead, heads, *scores_shape[-pair:]))
        return ops.reshape(
            mask,
            (
                math.prod(lead),
                heads,
                math.prod(scores_shape[-pair : -pair // 2]),
                math.prod(scores_shape[-pair // 2 :]),
            ),
        )
