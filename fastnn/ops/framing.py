"""Pixels added to the sides of images and taken from them: pad_images, crop_images."""

from __future__ import annotations

from operator import index
from typing import Any

from fastnn.ops.core import Tensor, as_tensor
from fastnn.ops.padding import pad
from fastnn.ops.windows import data_format_of


def _spatial(operation: str, images: Any, data_format: str | None) -> tuple[Tensor, int]:
    """The images as a Tensor and their axis of rows, before that of columns."""
    data_format = data_format_of(operation, data_format)
    x = as_tensor(images, None, f"{operation}: images")
    if x.ndim not in (3, 4):
        raise ValueError(f"{operation}: images has shape {x.shape}, expected 3 or 4 axes")
    return x, x.ndim - 3 if data_format == "channels_last" else x.ndim - 2


def _two_of(operation: str, extent: int, sign: int, given: dict[str, Any]) -> tuple[int, int]:
    """(before, after) from two of before, after and the extent that results.

    given: those three by the names of the arguments   sign: 1 if the axis grows, -1 if it shrinks
    """
    known = {name: value for name, value in given.items() if value is not None}
    text = ", ".join(f"{name} {value}" for name, value in given.items())
    if len(known) != 2:
        raise ValueError(f"{operation}: exactly two are needed of {text}")
    try:
        numbers = {name: index(value) for name, value in known.items()}
    except TypeError:
        raise ValueError(f"{operation}: {text}: expected integers") from None
    first, last, target = given
    if target in numbers:
        rest = sign * (numbers[target] - extent)
        before = numbers[first] if first in numbers else rest - numbers[last]
        after = rest - before
    else:
        before, after = numbers[first], numbers[last]
    if before < 0 or after < 0 or extent + sign * (before + after) < 1:
        raise ValueError(f"{operation}: {text} do not fit an extent of {extent}")
    return before, after


def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Images with zeros around them.

    Args:
        images: [batch, height, width, channels] or one image, [height, width, channels]; with
            data_format "channels_first" the channels come before the height.
        top_padding, bottom_padding, target_height: two of them: how many rows to add before and
            after, and how many there are then.
        left_padding, right_padding, target_width: two of them, for columns.
        data_format: that of ``config.image_data_format()`` if None.

    Raises:
        ValueError: not two of three, or numbers that do not fit.

    >>> pad_images([[[1.0]]], top_padding=0, bottom_padding=0, left_padding=1, target_width=3).shape
    (1, 3, 1)
    """
    x, rows = _spatial("pad_images", images, data_format)
    height = {
        "top_padding": top_padding,
        "bottom_padding": bottom_padding,
        "target_height": target_height,
    }
    width = {
        "left_padding": left_padding,
        "right_padding": right_padding,
        "target_width": target_width,
    }
    pads = [(0, 0)] * x.ndim
    for axis, given in ((rows, height), (rows + 1, width)):
        pads[axis] = _two_of("pad_images", x.shape[axis], 1, given)
    return pad(x, pads)


def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Images without some of their sides.

    Args:
        images: [batch, height, width, channels] or one image, [height, width, channels]; with
            data_format "channels_first" the channels come before the height.
        top_cropping, bottom_cropping, target_height: two of them: how many rows to drop before and
            after, and how many are left.
        left_cropping, right_cropping, target_width: two of them, for columns.
        data_format: that of ``config.image_data_format()`` if None.

    Raises:
        ValueError: not two of three, numbers that do not fit, or nothing that is left.

    >>> crop_images([[[1.0], [2.0], [3.0]]], 0, 1, 0, target_width=1).tolist()
    [[[2.0]]]
    """
    x, rows = _spatial("crop_images", images, data_format)
    height = {
        "top_cropping": top_cropping,
        "bottom_cropping": bottom_cropping,
        "target_height": target_height,
    }
    width = {
        "left_cropping": left_cropping,
        "right_cropping": right_cropping,
        "target_width": target_width,
    }
    key = [slice(None)] * x.ndim
    for axis, given in ((rows, height), (rows + 1, width)):
        before, after = _two_of("crop_images", x.shape[axis], -1, given)
        key[axis] = slice(before, x.shape[axis] - after)
    return x[tuple(key)]
