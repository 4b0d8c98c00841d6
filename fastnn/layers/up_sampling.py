"""UpSampling1D to 3D: spatial axes at a multiple of their resolution."""

from __future__ import annotations

from typing import Any

from fastnn.layers.spatial import Spatial
from fastnn.ops.image import METHODS, resampled
from fastnn.ops.windows import channels_back, channels_last
from fastnn.tensor import Tensor


class UpSampling(Spatial):
    """Base class: each spatial axis ``size`` times as long.

    Args:
        size: an integer, or one a spatial axis.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.
        interpolation: "nearest" (elements are repeated) or "bilinear" (half-pixel centres).
    """

    def __init__(
        self,
        size: Any = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ):
        super().__init__(data_format, **kwargs)
        self.size = self._per_axis("size", size)
        if interpolation not in METHODS:
            raise ValueError(
                f"{type(self).__name__}: interpolation is {interpolation!r}, expected one of "
                f"{', '.join(METHODS)}"
            )
        self.interpolation = interpolation

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs.shape)
        x = channels_last(inputs, self.data_format)
        y = resampled(x, self._extents(x.shape[1:-1]), self.interpolation)
        return channels_back(y, self.data_format)

    def _extents(self, extents: tuple) -> tuple:
        return tuple(None if n is None else n * k for n, k in zip(extents, self.size))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "size": self.size[0] if self.rank == 1 else self.size,
            "interpolation": self.interpolation,
        }


class UpSampling1D(UpSampling):
    """[batch, steps, channels] with ``size`` times the steps; arguments: ``UpSampling``.

    >>> import numpy as np
    >>> UpSampling1D()(np.array([[[1.0], [2.0]]])).tolist()
    [[[1.0], [1.0], [2.0], [2.0]]]
    """

    rank = 1
    default_format = "channels_last"  # as in Keras, whatever its setting


class UpSampling2D(UpSampling):
    """[batch, height, width, channels] at ``size`` times the resolution; see ``UpSampling``.

    >>> import numpy as np
    >>> UpSampling2D((2, 3))(np.ones((1, 4, 4, 3))).shape
    (1, 8, 12, 3)
    """

    rank = 2


class UpSampling3D(UpSampling):
    """[batch, depth, height, width, channels] at ``size`` times the resolution.

    Arguments: ``UpSampling``.
    """

    rank = 3
