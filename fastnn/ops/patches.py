"""Windows of images laid side by side (im2col), and their sum: the plain twin of convolution.

A convolution is ``unfold``'s result times the kernel as a matrix; its gradient by the input is
``fold`` of the other product (K. Chellapilla et al., "High performance convolutional neural
networks for document processing", 2006).
"""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.ops.core import Tensor, as_tensor, record
from fastnn.ops.shape import reshape, transpose
from fastnn.ops.windows import channels_back, channels_last, data_format_of, pads_of, per_axis

# places: window, strides, pads, dilation, as the primitives take them.


def _unfold_rule(node: _core.Node, gradient: Any) -> Tensor:
    arguments = (gradient, *node.saved)
    return _core.fold(*arguments)


def _fold_rule(node: _core.Node, gradient: Any) -> Tensor:
    return _core.unfold(gradient, *node.saved)


def _unfold(x: Tensor, places: tuple) -> Tensor:
    """[batch, results.., window.. * channels] of [batch, spatial.., channels]."""
    return record(_core.unfold(x, *places), _unfold_rule, (*places, x.shape[1:-1]), x)


def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: Any = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The windows of images or volumes, flattened along the channels.

    images: [batch, spatial.., channels] with two or three spatial axes, or without the batch;
        channels before the spatial axes if channels_first
    size: the window: an integer (two axes) or one a spatial axis
    strides: None is size: windows that do not overlap
    dilation_rate, padding, data_format: as in ``conv``
    result: [batch, results.., window.. * channels], or channels first

    Raises ValueError where a window does not fit.

    >>> extract_patches([[[1], [2]], [[3], [4]]], 2).tolist()
    [[[1, 2, 3, 4]]]
    """
    name = "extract_patches"
    rank = len(size) if isinstance(size, (tuple, list)) else 2
    if rank not in (2, 3):
        raise ValueError(f"{name}: size is {size!r}, expected an integer, or two or three")
    data_format = data_format_of(name, data_format)
    x = as_tensor(images, None, f"{name}: images")
    if x.ndim == rank + 1:
        batch = reshape(x, (1, *x.shape))
        y = extract_patches(batch, size, strides, dilation_rate, padding, data_format)
        return reshape(y, y.shape[1:])
    if x.ndim != rank + 2:
        raise ValueError(
            f"{name}: images have shape {x.shape}, expected a batch or not, {rank} spatial axes "
            "and channels"
        )
    x = channels_last(x, data_format)
    window = per_axis(name, "size", size, rank)
    steps = window if strides is None else per_axis(name, "strides", strides, rank)
    dilation = per_axis(name, "dilation_rate", dilation_rate, rank)
    pads = pads_of(name, padding, x.shape[1:-1], window, steps, dilation)
    return channels_back(_unfold(x, (window, steps, pads, dilation)), data_format)


def _places(name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple:
    window = per_axis(name, "kernel_size", kernel_size, 2)
    both = [(pad, pad) for pad in per_axis(name, "padding", padding, 2, 0)]
    steps, apart = (
        per_axis(name, n, v, 2) for n, v in (("stride", stride), ("dilation", dilation))
    )
    return window, steps, (*both[0], *both[1]), apart


def unfold(
    x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The windows of images as columns, with the arguments of Keras and PyTorch.

    x: [batch, channels, height, width]
    kernel_size, dilation, padding, stride: integers or pairs
    result: [batch, channels * window, results]

    Raises ValueError where a window does not fit.

    >>> unfold([[[[1, 2, 3]]]], (1, 2)).tolist()
    [[[1, 2], [2, 3]]]
    """
    x = as_tensor(x, None, "unfold: x")
    if x.ndim != 4:
        raise ValueError(
            f"unfold: x has shape {x.shape}, expected (batch, channels, height, width)"
        )
    places = _places("unfold", kernel_size, dilation, padding, stride)
    batch, channels = x.shape[:2]
    y = _unfold(channels_last(x, "channels_first"), places)
    taps, results = places[0][0] * places[0][1], y.shape[1] * y.shape[2]
    y = transpose(reshape(y, (batch, results, taps, channels)), (0, 3, 2, 1))
    return reshape(y, (batch, channels * taps, results))


def fold(
    x: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """The transpose of ``unfold``: columns are added where their windows lie.

    x: [batch, channels * window, results]
    output_size: height and width of the images
    kernel_size, dilation, padding, stride: integers or pairs
    result: [batch, channels, height, width]

    Raises ValueError where the numbers of elements do not fit.

    >>> fold([[[1, 2], [10, 20]]], (1, 3), (1, 2)).tolist()
    [[[[1, 12, 20]]]]
    """
    x = as_tensor(x, None, "fold: x")
    places = _places("fold", kernel_size, dilation, padding, stride)
    extents = per_axis("fold", "output_size", output_size, 2)
    window, steps, pads, apart = places
    taps = window[0] * window[1]
    counts = []
    for i, (n, k, s, d) in enumerate(zip(extents, window, steps, apart)):
        counts.append(max((pads[2 * i] + n + pads[2 * i + 1] - (k - 1) * d - 1) // s + 1, 0))
    if x.ndim != 3 or x.shape[1] % taps or x.shape[2] != counts[0] * counts[1]:
        raise ValueError(
            f"fold: x has shape {x.shape}, expected (batch, a multiple of {taps}, "
            f"{counts[0] * counts[1]}) for images of {extents}"
        )
    batch, columns, results = x.shape
    x = transpose(reshape(x, (batch, columns // taps, taps, results)), (0, 3, 2, 1))
    x = reshape(x, (batch, *counts, columns))
    arguments = (x, *places, extents)
    y = record(_core.fold(*arguments), _fold_rule, places, x)
    return channels_back(y, "channels_first")
