"""Operations on images, with keras.ops.image's names."""

from __future__ import annotations

from typing import Any

from fastnn import _core
from fastnn.ops.core import Tensor, as_float, record
from fastnn.ops.windows import channels_back, channels_last, data_format_of, per_axis

METHODS = ("nearest", "bilinear")


def _resize_rule(node: _core.Node, gradient: Any) -> Any:
    return _core.resize_backward(gradient, *node.saved)


def resampled(x: Tensor, size: tuple, method: str) -> Tensor:
    """x [batch, spatial..., channels], one to three spatial axes, with spatial shape ``size``."""
    y = _core.resize(x, size, method, "half_pixel")
    return record(y, _resize_rule, (x.shape[1:-1], method, "half_pixel"), x)


def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    *,
    data_format: str | None = None,
) -> Tensor:
    """Images at another resolution, with half-pixel centres.

    Args:
        images: [batch, height, width, channels] or one image, [height, width, channels]; with
            data_format "channels_first" the channels come before the height.
        size: (height, width) of the result.
        interpolation: "bilinear", or "nearest".
        antialias: not available; a smaller image is sampled as it is.
        data_format: that of ``config.image_data_format()`` if None.

    Raises:
        ValueError: another interpolation, antialias, a size that is not two positive integers.

    >>> resize([[[0.0], [1.0]]], (1, 4)).tolist()
    [[[0.0], [0.25], [0.75], [1.0]]]
    """
    data_format = data_format_of("resize", data_format)
    x = as_float(images, "resize: images")
    if interpolation not in METHODS:
        raise ValueError(
            f"resize: interpolation is {interpolation!r}, expected one of {', '.join(METHODS)}"
        )
    if antialias:
        raise ValueError("resize: antialias is not available")
    if x.ndim not in (3, 4):
        raise ValueError(f"resize: images has shape {x.shape}, expected 3 or 4 axes")
    size = per_axis("resize", "size", tuple(size) if isinstance(size, list) else size, 2)
    if x.ndim == 3:
        return resize(x[None], size, interpolation, data_format=data_format)[0]
    return channels_back(resampled(channels_last(x, data_format), size, interpolation), data_format)
