"""Convolutions over one to three spatial axes, with bias and activation in the same pass.

Kernels are Keras's: [window.., channels / groups, filters], depthwise ones
[window.., channels, multiplier]. The primitives take channels last; ``channels_first`` is brought
to that order and back.
"""

from __future__ import annotations

from typing import Any

from fastnn import _core, config
from fastnn.dtypes import FLOATS
from fastnn.ops.activation import sigmoid
from fastnn.ops.before_relu import relu_is_last
from fastnn.ops.core import Tensor, as_float, follows_operands, promote, record
from fastnn.ops.products import FUSED
from fastnn.ops.shape import reshape
from fastnn.ops.windows import (
    called,
    channels_back,
    channels_last,
    data_format_of,
    pads_of,
    per_axis,
)


def algorithm_allowed() -> str:
    """The primitives' ``algorithm``, by ``fn.config.allow_winograd`` as it is now."""
    return "auto" if config.allow_winograd else "exact"


def _fit(x: Any, *arrays: Any) -> bool:
    """Whether all are Tensors of one floating-point dtype, or absent, as is the rule."""
    if not isinstance(x, Tensor) or x.dtype not in FLOATS or not 3 <= x.ndim <= 5:
        return False
    dtype = x.dtype
    return all(a is None or (isinstance(a, Tensor) and a.dtype == dtype) for a in arrays)


def conv_operands(operation: str, x: Any, *parameters: Any) -> list:
    """x and (name, array or None) pairs as Tensors of one floating-point dtype, x checked."""
    if _fit(x, *(array for _, array in parameters)):
        return [x, *(array for _, array in parameters)]
    given = [
        None if array is None else (f"{operation}: {name}", array) for name, array in parameters
    ]
    floats = [as_float(array, what) for what, array in filter(None, given)]
    x, *floats = promote(operation, as_float(x, f"{operation}: inputs"), *floats)
    if not 3 <= x.ndim <= 5:
        raise ValueError(
            f"{operation}: inputs have shape {x.shape}, expected a batch, one to three spatial "
            "axes and channels"
        )
    left = iter(floats)
    return [x, *(None if item is None else next(left) for item in given)]


def check_kernel(operation: str, name: str, kernel: Tensor | None, x: Tensor) -> None:
    """Raises a TypeError if there is no kernel, a ValueError unless it has x's axes, none empty."""
    if kernel is None:
        raise TypeError(f"{operation}: {name} is None, expected an array")
    if kernel.ndim != x.ndim:
        raise ValueError(
            f"{operation}: {name} has shape {kernel.shape} but the inputs have shape {x.shape}, "
            "expected as many axes"
        )
    if not kernel.size:
        raise ValueError(f"{operation}: {name} has shape {kernel.shape}, which is empty")


def fused_and_rest(operation: str, activation: str) -> tuple:
    """The activation that the primitive applies, and the function that is left to apply.

    A sigmoid is left: it remembers its logits, which must have the layout of the result.
    """
    if activation not in FUSED:
        raise ValueError(
            f"{operation}: activation is {activation!r}, expected one of {', '.join(FUSED)}; apply "
            "others to the result"
        )
    return ("linear", sigmoid) if activation == "sigmoid" else (activation, None)


# ---- the convolution of channels last, recorded --------------------------------------------------


def _conv_rule(node: _core.Node, gradient: Any) -> tuple:
    """value: what the activation's derivative reads, None if nothing."""
    value, activation, a = node.saved[2:5]
    if activation != "linear":
        value = gradient if value is None else value
        gradient = _core.unary_backward(gradient, value, activation, a)
    return _linear_gradients(node, gradient)


@relu_is_last
def _relu_conv_rule(node: _core.Node, gradients: Any) -> tuple:
    after, before = gradients
    if after is not None:
        after = _core.unary_backward(after, node.saved[2], "relu")
        before = after if before is None else _core.binary(before, after, "add")
    return _linear_gradients(node, before)


def _linear_gradients(node: _core.Node, gradient: Any) -> tuple:
    x, kernel, *_, places, algorithm = node.saved
    need_x, need_kernel, need_bias = node.needs
    dx = dw = db = None
    if need_x:
        arguments = (gradient, kernel, *places, x.shape[1:-1], algorithm)
        dx = _core.conv_backward_input(*arguments)
    if need_kernel:
        arguments = (x, gradient, *places, kernel.shape[:-2], need_bias, algorithm)
        dw, db = _core.conv_backward_kernel(*arguments)
    elif need_bias:
        db = _core.reduce(gradient, "sum", tuple(range(gradient.ndim - 1)))
    return dx, dw, db


def _conv(x: Any, kernel: Any, bias: Any, places: Any, activation: str, a: float) -> Tensor:
    """activation(x * kernel + bias); places: strides, pads, dilation, groups."""
    reads = FUSED[activation]
    recording = (
        x.requires_grad or kernel.requires_grad or (bias is not None and bias.requires_grad)
    ) and _core.is_grad_enabled()
    algorithm = algorithm_allowed()
    want = recording and reads == "x"
    arguments = (x, kernel, bias, None, *places, activation, a, want, algorithm)
    y, z = _core.conv(*arguments)
    if recording:
        value = z if reads == "x" else None if reads == "n" else y.detach()
        saved = (x, kernel, value, activation, a, places, algorithm)
        if activation == "relu":
            record((y, None), _relu_conv_rule, saved, x, kernel, bias)
        else:
            record(y, _conv_rule, saved, x, kernel, bias)
    return y


def _over_windows(
    operation: str,
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    groups: int,
    strides: Any,
    padding: Any,
    data_format: str,
    dilation_rate: Any,
    activation: str,
    a: float,
) -> Tensor:
    """``_conv`` of x with channels last, whose result has the order of data_format."""
    rank, window = x.ndim - 2, kernel.shape[:-2]
    strides = per_axis(operation, "strides", strides, rank)
    dilation = per_axis(operation, "dilation_rate", dilation_rate, rank)
    pads = pads_of(operation, padding, x.shape[1:-1], window, strides, dilation)
    if bias is not None and bias.shape != kernel.shape[-1:]:
        raise ValueError(f"{operation}: bias has shape {bias.shape}, expected {kernel.shape[-1:]}")
    fused, rest = fused_and_rest(operation, activation)
    places = (strides, pads, dilation, groups)
    y = called(operation, "conv", _conv, x, kernel, bias, places, fused, a)
    y = channels_back(y, data_format)
    return y if rest is None else rest(y)


# ---- public --------------------------------------------------------------------------------------


@follows_operands
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    *,
    bias: Any = None,
    activation: str = "linear",
    a: float = 0.0,
) -> Tensor:
    """activation(inputs * kernel + bias): a cross-correlation over one to three spatial axes.

    inputs: [batch, spatial.., channels], or [batch, channels, spatial..] if channels_first;
        integers become floatx
    kernel: [window.., channels / groups, filters]; fewer channels than the inputs have make groups
    strides, dilation_rate: an integer, or one a spatial axis
    padding: "valid", "same", or a (before, after) pair for each spatial axis
    data_format: "channels_last" or "channels_first"; None: ``config.image_data_format()``
    bias: [filters] or None
    activation, a: an element-wise activation's op code and its parameter, as in ``dense``
    result: [batch, spatial.., filters], or channels first as the inputs

    Raises ValueError where shapes do not fit or a window does not fit into the padded inputs.
    With ``fn.config.allow_winograd`` float32 kernels of 3 x 3, 5 x 5 or 7 x 7 may be applied by
    Winograd's method. Else sums have the order of a matrix product of patches (S. Chetlur et al.,
    "cuDNN", 2014).

    >>> conv([[[1.0], [2.0], [4.0]]], [[[1.0]], [[-1.0]]]).tolist()
    [[[-1.0], [-2.0]]]
    """
    data_format = data_format_of("conv", data_format)
    x, kernel, bias = conv_operands("conv", inputs, ("kernel", kernel), ("bias", bias))
    check_kernel("conv", "kernel", kernel, x)
    x = channels_last(x, data_format)
    channels, read, filters = x.shape[-1], kernel.shape[-2], kernel.shape[-1]
    groups = channels // read
    if groups * read != channels or not groups or filters % groups:
        raise ValueError(
            f"conv: kernel has shape {kernel.shape} and reads {read} channels, but the inputs have "
            f"{channels}"
            + (f" in {groups} groups, which do not divide {filters} filters" if groups > 1 else "")
        )
    places = (strides, padding, data_format, dilation_rate)
    return _over_windows("conv", x, kernel, bias, groups, *places, activation, a)


@follows_operands
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    *,
    bias: Any = None,
    activation: str = "linear",
    a: float = 0.0,
) -> Tensor:
    """A convolution of every channel with kernels of its own.

    inputs: [batch, spatial.., channels], or [batch, channels, spatial..] if channels_first;
        integers become floatx
    kernel: [window.., channels, multiplier]
    bias: [channels * multiplier] or None
    result: channel c times kernel m is channel c * multiplier + m
    The other arguments, and what is raised, are those of ``conv``.

    >>> depthwise_conv([[[1.0, 2.0], [3.0, 4.0]]], [[[1.0, 10.0], [1.0, 0.0]]]).tolist()
    [[[1.0, 10.0, 2.0, 0.0], [3.0, 30.0, 4.0, 0.0]]]
    """
    name = "depthwise_conv"
    data_format = data_format_of(name, data_format)
    x, kernel, bias = conv_operands(name, inputs, ("kernel", kernel), ("bias", bias))
    x, kernel = _depthwise_operands(name, "kernel", x, kernel, data_format)
    places = (strides, padding, data_format, dilation_rate)
    return _over_windows(name, x, kernel, bias, x.shape[-1], *places, activation, a)


def _depthwise_operands(
    operation: str, name: str, x: Tensor, kernel: Tensor, data_format: str
) -> tuple[Tensor, Tensor]:
    """x with channels last, and the kernel of a convolution in as many groups."""
    check_kernel(operation, name, kernel, x)
    x = channels_last(x, data_format)
    if kernel.shape[-2] != x.shape[-1]:
        raise ValueError(
            f"{operation}: {name} has shape {kernel.shape} and reads {kernel.shape[-2]} channels, "
            f"but the inputs have {x.shape[-1]}"
        )
    return x, reshape(kernel, (*kernel.shape[:-2], 1, kernel.shape[-2] * kernel.shape[-1]))


@follows_operands
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    *,
    bias: Any = None,
    activation: str = "linear",
    a: float = 0.0,
) -> Tensor:
    """A depthwise convolution, then one over windows of a single element that mixes channels.

    depthwise_kernel: [window.., channels, multiplier]
    pointwise_kernel: [1.., channels * multiplier, filters]
    The other arguments, the result and what is raised are those of ``conv``.

    >>> separable_conv([[[1.0, 2.0]]], [[[3.0], [4.0]]], [[[1.0], [1.0]]]).tolist()
    [[[11.0]]]
    """
    name = "separable_conv"
    data_format = data_format_of(name, data_format)
    x, depthwise, pointwise, bias = conv_operands(
        name,
        inputs,
        ("depthwise_kernel", depthwise_kernel),
        ("pointwise_kernel", pointwise_kernel),
        ("bias", bias),
    )
    x, depthwise = _depthwise_operands(name, "depthwise_kernel", x, depthwise, data_format)
    expected = (*(1,) * (x.ndim - 2), depthwise.shape[-1])
    check_kernel(name, "pointwise_kernel", pointwise, x)
    if pointwise.shape[:-1] != expected:
        raise ValueError(
            f"{name}: pointwise_kernel has shape {pointwise.shape}, expected {expected} and the "
            "number of filters"
        )
    places = (strides, padding, "channels_last", dilation_rate)
    y = _over_windows(name, x, depthwise, None, x.shape[-1], *places, "linear", 0.0)
    places = (1, "valid", data_format, 1)
    return _over_windows(name, y, pointwise, bias, 1, *places, activation, a)
