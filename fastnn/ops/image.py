"""Operations on images, with keras.ops.image's names."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.ops.core import Tensor, as_float, as_tensor, record
from fastnn.ops.framing import crop_images, pad_images
from fastnn.ops.padding import pad
from fastnn.ops.patches import extract_patches
from fastnn.ops.products import tensordot
from fastnn.ops.resampling import affine_transform, map_coordinates, one_of
from fastnn.ops.shape import expand_dims, moveaxis
from fastnn.ops.windows import channels_back, channels_last, data_format_of, per_axis

__all__ = [
    "affine_transform",
    "crop_images",
    "extract_patches",
    "map_coordinates",
    "pad_images",
    "resize",
    "rgb_to_grayscale",
]

METHODS = ("nearest", "bilinear")


def _resize_rule(node: _core.Node, gradient: Any) -> Any:
    return _core.resize_backward(gradient, *node.saved)


def resampled(x: Tensor, size: tuple, method: str) -> Tensor:
    """x [batch, spatial..., channels], one to three spatial axes, with spatial shape ``size``."""
    y = _core.resize(x, size, method, "half_pixel")
    return record(y, _resize_rule, (x.shape[1:-1], method, "half_pixel"), x)


def _same_shape(x: Tensor, size: tuple, pad_value: float | None) -> Tensor:
    """x [batch, height, width, channels] brought to the ratio of ``size``'s sides.

    With pixels of ``pad_value`` on two opposite sides, or by dropping such if it is None.
    """
    _, height, width, _ = x.shape
    rows, columns = width * size[0] // size[1], height * size[1] // size[0]
    if pad_value is None:
        rows, columns = min(height, max(rows, 1)), min(width, max(columns, 1))
        top, left = (height - rows) // 2, (width - columns) // 2
        return x[:, top : top + rows, left : left + columns]
    top, left = max(rows - height, 0) // 2, max(columns - width, 0) // 2
    return pad(x, ((0, 0), (top, top), (left, left), (0, 0)), "constant", pad_value)


def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images at another resolution, with half-pixel centres.

    Args:
        images: [batch, height, width, channels] or one image, [height, width, channels]; with
            data_format "channels_first" the channels come before the height. Integers become
            floatx.
        size: (height, width) of the result.
        interpolation: "bilinear", or "nearest".
        antialias: not available; a smaller image is sampled as it is.
        crop_to_aspect_ratio: the largest part of the middle with the result's ratio of sides is
            resized, instead of stretching the image.
        pad_to_aspect_ratio: the image is resized with ``fill_value`` on two opposite sides.
        fill_mode: "constant".
        fill_value: what is padded with.
        data_format: that of ``config.image_data_format()`` if None.

    Raises:
        ValueError: another interpolation or fill mode, antialias, a size that is not two positive
            integers, or both cropping and padding.

    >>> resize([[[0.0], [1.0]]], (1, 4)).tolist()
    [[[0.0], [0.25], [0.75], [1.0]]]
    """
    data_format = data_format_of("resize", data_format)
    x = as_float(images, "resize: images")
    one_of("resize", "interpolation", interpolation, METHODS)
    one_of("resize", "fill_mode", fill_mode, ("constant",))
    if antialias:
        raise ValueError("resize: antialias is not available")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: only one of crop_to_aspect_ratio, pad_to_aspect_ratio can be set")
    if x.ndim not in (3, 4):
        raise ValueError(f"resize: images has shape {x.shape}, expected 3 or 4 axes")
    size = per_axis("resize", "size", tuple(size) if isinstance(size, list) else size, 2)
    batch = channels_last(x if x.ndim == 4 else x[None], data_format)
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        batch = _same_shape(batch, size, fill_value if pad_to_aspect_ratio else None)
    y = channels_back(resampled(batch, size, interpolation), data_format)
    return y if x.ndim == 4 else y[0]


# Of red, green and blue in luminance: Recommendation ITU-R BT.601, the first with a digit more.
_LUMINANCE = (0.2989, 0.587, 0.114)


def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """Colours as their luminance: 0.2989 red + 0.587 green + 0.114 blue.

    Args:
        images: [batch, height, width, 3] or one image, [height, width, 3]; with data_format
            "channels_first" the channels come before the height. Integers become floatx.
        data_format: that of ``config.image_data_format()`` if None.

    Returns:
        Tensor: with one channel.

    Raises:
        ValueError: not three channels.

    >>> rgb_to_grayscale([[[0.0, 1.0, 0.0]]]).shape
    (1, 1, 1)
    """
    axis = -1 if data_format_of("rgb_to_grayscale", data_format) == "channels_last" else -3
    x = as_float(images, "rgb_to_grayscale: images")
    if x.ndim not in (3, 4) or x.shape[axis] != 3:
        raise ValueError(
            f"rgb_to_grayscale: images has shape {x.shape}, expected 3 or 4 axes and 3 channels"
        )
    gray = tensordot(moveaxis(x, axis, -1), as_tensor(list(_LUMINANCE), x.dtype), 1)
    return expand_dims(gray, axis)
