"""Windows over images, for the families of convolutions and pooling."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Windows(NamedTuple):
    """Windows of `rows` x `columns` over images of `channels`, `pad` elements around them."""

    images: int
    height: int
    width: int
    channels: int
    rows: int
    columns: int
    stride: int
    pad: int

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return self.images, self.height, self.width, self.channels

    def y_shape(self, channels: int) -> tuple[int, int, int, int]:
        """A result of so many channels, for each window."""
        height, width = (
            (extent + 2 * self.pad - window) // self.stride + 1
            for extent, window in ((self.height, self.rows), (self.width, self.columns))
        )
        return self.images, height, width, channels

    def name(self, channels: str = "") -> str:
        """The row, with what becomes of the channels."""
        images = "x".join(map(str, self.x_shape))
        stride = f", stride {self.stride}" if self.stride > 1 else ""
        pad = f", pad {self.pad}" if self.pad else ""
        return f"{images}{channels}, {self.rows}x{self.columns}{stride}{pad}"

    # ---- for NumPy -------------------------------------------------------------------------------

    def padded(self, x: np.ndarray, value: float = 0.0) -> np.ndarray:
        """x with `value` around it; x itself if there is no padding."""
        p = self.pad
        pads = ((0, 0), (p, p), (p, p), (0, 0))
        return np.pad(x, pads, constant_values=value) if p else x

    def inner(self, padded: np.ndarray) -> np.ndarray:
        """Without what `padded` added."""
        return padded[:, self.pad :, self.pad :][:, : self.height, : self.width]

    def taps(self, padded: np.ndarray) -> Iterator[tuple[tuple, np.ndarray]]:
        """For each place in a window: the place, and what all windows have there, as a view."""
        _, height, width, _ = self.y_shape(self.channels)
        s = self.stride
        for i, j in np.ndindex(self.rows, self.columns):
            yield (i, j), padded[:, i : i + s * height : s, j : j + s * width : s]
