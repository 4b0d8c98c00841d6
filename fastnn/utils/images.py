"""Pictures from files, by Pillow (extra ``images``)."""

from __future__ import annotations

import struct
import zlib
from typing import IO, Any

import numpy as np

# Keras's names, Pillow's modes, channels.
COLOR_MODES = {"grayscale": ("L", 1), "rgb": ("RGB", 3), "rgba": ("RGBA", 4)}


def pillow() -> Any:
    """Pillow's module ``Image``; ImportError with the extra to install if it is absent."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "reading pictures needs Pillow: pip install 'fastnn[images]'", name="PIL"
        ) from error
    return Image


def read_image(source: Any, color_mode: str = "rgb", size: tuple[int, int] | None = None) -> Any:
    """Decodes a picture (of an animated one the first).

    Args:
        source: a path or an open binary file.
        color_mode: "grayscale", "rgb" or "rgba".
        size: (rows, columns) that it must have, which is checked before it is decoded.

    Returns:
        uint8 of shape (rows, columns, channels).

    Raises:
        ValueError: not a picture that Pillow reads, cut off, or of another size; the message names
            the file.
        FileNotFoundError: there is no such file.
        ImportError: Pillow is not installed.
    """
    image_module = pillow()
    mode, channels = COLOR_MODES[color_mode]
    try:
        with image_module.open(source) as image:
            if size is not None and image.size != (size[1], size[0]):
                raise ValueError(
                    f"it is {image.size[1]} x {image.size[0]}, not {size[0]} x {size[1]}"
                )
            pixels = np.asarray(image.convert(mode), np.uint8)
    except FileNotFoundError:
        raise
    except (
        OSError,  # Pillow's errors are OSErrors for the most part
        SyntaxError,
        ValueError,
        EOFError,
        struct.error,
        zlib.error,
        image_module.DecompressionBombError,
    ) as error:
        raise ValueError(f"{name_of(source)} is not a picture that can be read: {error}") from error
    return pixels.reshape(*pixels.shape[:2], channels)


def name_of(source: str | IO[bytes] | Any) -> str:
    """A path as text, or the name that an open file has."""
    return str(getattr(source, "name", source))
