"""Maxima and means over windows that slide along spatial axes."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.ops.before_relu import before_relu
from fastnn.ops.core import Tensor, as_tensor, record
from fastnn.ops.windows import channels_back, channels_last, data_format_of, pads_of, per_axis


def _placement(
    operation: str, inputs: Any, pool_size: Any, strides: Any, padding: Any, data_format: Any
) -> tuple:
    """x with its channels last, the data format, and window, strides and pads."""
    data_format = data_format_of(operation, data_format)
    x = as_tensor(inputs, None, f"{operation}: inputs")
    rank = x.ndim - 2
    if not 1 <= rank <= 3:
        raise ValueError(
            f"{operation}: inputs has shape {x.shape}, expected one to three spatial axes beside "
            "batch and channels"
        )
    window = per_axis(operation, "pool_size", pool_size, rank)
    strides = window if strides is None else per_axis(operation, "strides", strides, rank)
    x = channels_last(x, data_format)
    pads = pads_of(operation, padding, x.shape[1:-1], window, strides, (1,) * rank)
    return x, data_format, window, strides, pads


def _max_pool_rule(node: _core.Node, gradient: Any) -> Any:
    which, x, *placement = node.saved
    return _core.max_pool_backward(gradient, which, x, *placement)


def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: Any = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The largest element of every window, for one to three spatial axes.

    A NaN in a window is its largest element. The gradient goes to the first of equal elements, in
    row-major order of the window.

    Args:
        inputs: floating point, [batch, spatial..., channels] or, with data_format
            "channels_first", [batch, channels, spatial...].
        pool_size: the window's extents, an integer or one a spatial axis.
        strides: from window to window, likewise; pool_size if None.
        padding: "valid" (windows inside the input), "same" (ceil(extent / stride) windows), or a
            (before, after) pair a spatial axis.
        data_format: that of ``config.image_data_format()`` if None.

    Raises:
        TypeError: integer inputs.
        ValueError: sizes or strides below 1, a window larger than the padded input, padding that
            is not smaller than a window.

    >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
    [[[3.0], [2.0]]]
    """
    x, data_format, window, strides, pads = _placement(
        "max_pool", inputs, pool_size, strides, padding, data_format
    )
    wanted = x.requires_grad and _core.is_grad_enabled()
    linear = before_relu(x) if wanted else None
    y, which = _core.max_pool(x, window, strides, pads, (), False, wanted, linear is not None)
    if wanted:
        placement = (x.shape[1:-1], window, strides, pads)
        if which is None:  # of large windows: they are searched again
            record(y, _max_pool_rule, (None, x, *placement), x)
        else:
            record(y, _max_pool_rule, (which, None, *placement), x if linear is None else linear)
    return channels_back(y, data_format)


def _average_pool_rule(node: _core.Node, gradient: Any) -> Any:
    return _core.average_pool_backward(gradient, *node.saved)


def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: Any = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of every window, for one to three spatial axes; padding does not count.

    Arguments and errors are those of ``max_pool``.

    >>> average_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
    [[[2.0], [1.0]]]
    """
    x, data_format, *placement = _placement(
        "average_pool", inputs, pool_size, strides, padding, data_format
    )
    y = record(
        _core.average_pool(x, *placement), _average_pool_rule, (x.shape[1:-1], *placement), x
    )
    return channels_back(y, data_format)
