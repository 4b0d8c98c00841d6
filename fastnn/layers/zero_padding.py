"""ZeroPadding1D to 3D: zeros around spatial axes."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.spatial import Spatial
from fastnn.tensor import Tensor


class ZeroPadding(Spatial):
    """Base class: zeros before and after each spatial axis.

    Args:
        padding: how many, an integer for all sides, one a spatial axis, or a (before, after) pair
            for each; for one axis a pair.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.padding = self._pairs("padding", padding)

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs.shape)
        return ops.pad(inputs, self._full(self.padding, (0, 0)))

    def _extents(self, extents: tuple) -> tuple:
        pairs = zip(extents, self.padding)
        return tuple(None if n is None else before + n + after for n, (before, after) in pairs)

    def get_config(self) -> dict:
        padding = self.padding[0] if self.rank == 1 else self.padding
        return {**super().get_config(), "padding": padding}


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after the steps of [batch, steps, channels]; arguments: ``ZeroPadding``.

    >>> import numpy as np
    >>> ZeroPadding1D((0, 2))(np.ones((1, 1, 1))).tolist()
    [[[1.0], [0.0], [0.0]]]
    """

    rank = 1


class ZeroPadding2D(ZeroPadding):
    """Zeros around [batch, height, width, channels]; arguments: ``ZeroPadding``.

    >>> import numpy as np
    >>> ZeroPadding2D(((1, 0), (2, 2)))(np.ones((1, 4, 4, 3))).shape
    (1, 5, 8, 3)
    """

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """Zeros around [batch, depth, height, width, channels]; arguments: ``ZeroPadding``."""

    rank = 3
