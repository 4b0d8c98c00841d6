"""Transposed convolution: what the gradient of a convolution by its input computes."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.ops.conv import algorithm_allowed, check_kernel, conv_operands, fused_and_rest
from fastnn.ops.core import Tensor, follows_operands, record
from fastnn.ops.elementwise import unary
from fastnn.ops.windows import called, channels_back, channels_last, data_format_of, per_axis


def transposed_extents(
    operation: str,
    padding: Any,
    output_padding: Any,
    extents: tuple,
    window: tuple,
    strides: tuple,
    dilation: tuple,
) -> tuple[tuple, tuple]:
    """Output extents, and the (before, after) pads of the convolution that this transposes.

    Keras's rules, for a window that covers k elements: "valid" gives (n - 1) s + max(k, s), or
    (n - 1) s + k + output_padding; "same" n s, or (n - 1) s + k % 2 + output_padding. An extent of
    None stays None.

    >>> transposed_extents("conv_transpose", "same", None, (4, None), (3, 3), (2, 2), (1, 1))
    ((8, None), (0, 1, 0, 1))
    """
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind not in ("valid", "same"):
        raise ValueError(f"{operation}: padding is {padding!r}, expected 'valid' or 'same'")
    more: tuple = (None,) * len(window)
    if output_padding is not None:
        more = per_axis(operation, "output_padding", output_padding, len(window), 0)
        if any(item >= s for item, s in zip(more, strides)):
            raise ValueError(
                f"{operation}: output_padding is {output_padding!r}, expected less than the "
                f"strides {strides}"
            )
    result, pads = [], []
    for n, size, s, d, extra in zip(extents, window, strides, dilation, more):
        k = (size - 1) * d + 1
        if kind == "valid":
            before, length = 0, k + (max(s - k, 0) if extra is None else extra)
        else:
            length = s if extra is None else k % 2 + extra
            before = k - 1 - min((length + k - 1) // 2, k - 1)
        result.append(None if n is None else (n - 1) * s + length)
        pads += [before, max(k - before - length, 0)]
    if any(n is not None and n < 1 for n in result):
        raise ValueError(
            f"{operation}: the result would have spatial shape {tuple(result)}, which is empty"
        )
    return tuple(result), tuple(pads)


def _conv_transpose_rule(node: _core.Node, gradient: Any) -> tuple:
    """A convolution of the gradient, and one's gradient by its kernel with the parts exchanged."""
    x, kernel, places, algorithm = node.saved
    need_x, need_kernel = node.needs
    dx = dw = None
    if need_x:
        arguments = (gradient, kernel, None, None, *places, "linear", 0.0, False, algorithm)
        dx = _core.conv(*arguments)[0]
    if need_kernel:
        arguments = (gradient, x, *places, kernel.shape[:-2], False, algorithm)
        dw = _core.conv_backward_kernel(*arguments)[0]
    return dx, dw


@follows_operands
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
    *,
    bias: Any = None,
    activation: str = "linear",
    a: float = 0.0,
) -> Tensor:
    """The transpose of a convolution: every input element adds its kernel times itself.

    inputs: [batch, spatial.., channels], or [batch, channels, spatial..] if channels_first;
        integers become floatx
    kernel: [window.., filters, channels]
    strides, dilation_rate: an integer, or one a spatial axis
    padding: "valid": (n - 1) * stride + max(window, stride) outputs; "same": n * stride
    output_padding: None, or how many outputs more than (n - 1) * stride + window ("valid") or
        (n - 1) * stride + window % 2 ("same"); an integer below the stride, or one a spatial axis
    data_format, bias, activation, a: as in ``conv``

    Raises ValueError where shapes do not fit. M. D. Zeiler et al., "Deconvolutional networks"
    (2010); sizes are those of Keras 3.

    >>> conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[10.0]]], strides=2).tolist()
    [[[1.0], [10.0], [2.0], [20.0]]]
    """
    name = "conv_transpose"
    data_format = data_format_of(name, data_format)
    x, kernel, bias = conv_operands(name, inputs, ("kernel", kernel), ("bias", bias))
    check_kernel(name, "kernel", kernel, x)
    x = channels_last(x, data_format)
    if kernel.shape[-1] != x.shape[-1]:
        raise ValueError(
            f"{name}: kernel has shape {kernel.shape} and reads {kernel.shape[-1]} channels, but "
            f"the inputs have {x.shape[-1]}"
        )
    if bias is not None and bias.shape != kernel.shape[-2:-1]:
        raise ValueError(f"{name}: bias has shape {bias.shape}, expected {kernel.shape[-2:-1]}")
    rank, window = x.ndim - 2, kernel.shape[:-2]
    strides = per_axis(name, "strides", strides, rank)
    dilation = per_axis(name, "dilation_rate", dilation_rate, rank)
    extents, pads = transposed_extents(
        name, padding, output_padding, x.shape[1:-1], window, strides, dilation
    )
    fused, rest = fused_and_rest(name, activation)
    places, algorithm = (strides, pads, dilation, 1), algorithm_allowed()
    arguments = (x, kernel, *places, extents, algorithm)
    y = called(name, "conv_backward_input", _core.conv_backward_input, *arguments)
    record(y, _conv_transpose_rule, (x, kernel, places, algorithm), x, kernel)
    if bias is not None:
        y = y + bias
    if fused != "linear":
        y = unary(fused, y, a)
    y = channels_back(y, data_format)
    return y if rest is None else rest(y)
