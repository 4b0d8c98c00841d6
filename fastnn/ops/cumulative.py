"""Running sums and products."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.ops.core import Tensor, as_countable, as_tensor, cast, normalize_axis, record
from fastnn.ops.shape import reshape


def _operand(operation: str, x: Any, axis: Any, dtype: Any) -> tuple[Tensor, int]:
    x = as_tensor(x, None, f"{operation}: x")
    x = as_countable(x, f"{operation}: x") if dtype is None else cast(x, dtype)
    if axis is None:
        return reshape(x, (-1,)), 0
    return x, normalize_axis(operation, axis, x.ndim)


def _cumsum_rule(node: _core.Node, gradient: Any) -> Any:
    axis, reverse = node.saved
    return _core.cumulative(gradient, "sum", axis, not reverse)


def cumsum(x: Any, axis: int | None = None, dtype: Any = None, reverse: bool = False) -> Tensor:
    """Sums of the elements up to each, along an axis (None: of the flat x).

    Booleans and uint8 are summed in int32; other whole numbers wrap around.

    Args:
        dtype: what x is converted to first.
        reverse: whether the sums begin at the end.

    Raises:
        ValueError: an axis that x does not have.

    >>> cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    >>> cumsum([[1, 2], [3, 4]], axis=1, reverse=True).tolist()
    [[3, 2], [7, 4]]
    """
    x, axis = _operand("cumsum", x, axis, dtype)
    return record(_core.cumulative(x, "sum", axis, reverse), _cumsum_rule, (axis, reverse), x)


def _cumprod_rule(node: _core.Node, gradient: Any) -> Any:
    x, y, axis, reverse = node.saved
    return _core.cumulative_prod_backward(gradient, x, y, axis, reverse)


def cumprod(x: Any, axis: int | None = None, dtype: Any = None, reverse: bool = False) -> Tensor:
    """Products of the elements up to each, as `cumsum` adds them. Zeros do its gradient no harm.

    >>> cumprod([2.0, 3.0, 4.0]).tolist()
    [2.0, 6.0, 24.0]
    """
    x, axis = _operand("cumprod", x, axis, dtype)
    y = _core.cumulative(x, "prod", axis, reverse)
    return record(y, _cumprod_rule, (x, y.detach(), axis, reverse), x)
