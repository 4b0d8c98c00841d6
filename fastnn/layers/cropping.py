"""Cropping1D to 3D: spatial axes without their ends."""

from __future__ import annotations

from typing import Any

from fastnn.layers.spatial import Spatial
from fastnn.tensor import Tensor


class Cropping(Spatial):
    """Base class: drops elements before and after along each spatial axis.

    Args:
        cropping: how many, an integer for all sides, one a spatial axis, or a (before, after) pair
            for each; for one axis a pair.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.
    """

    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.cropping = self._pairs("cropping", cropping)

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs.shape)
        first = self._first
        left = self._extents(inputs.shape[first : first + self.rank])
        kept = tuple(slice(before, before + n) for n, (before, _) in zip(left, self.cropping))
        return inputs[tuple(self._full(kept, slice(None)))]

    def _extents(self, extents: tuple) -> tuple:
        pairs = zip(extents, self.cropping)
        left = tuple(None if n is None else n - before - after for n, (before, after) in pairs)
        if any(n is not None and n <= 0 for n in left):
            raise ValueError(
                f"{self.name}: cropping {self.cropping} leaves nothing of the input's spatial "
                f"shape {tuple(extents)}"
            )
        return left

    def get_config(self) -> dict:
        cropping = self.cropping[0] if self.rank == 1 else self.cropping
        return {**super().get_config(), "cropping": cropping}


class Cropping1D(Cropping):
    """[batch, steps, channels] without its first and last steps; arguments: ``Cropping``.

    >>> import numpy as np
    >>> Cropping1D()(np.arange(4.0).reshape(1, 4, 1)).tolist()
    [[[1.0], [2.0]]]
    """

    rank = 1
    default_format = "channels_last"  # as in Keras, whatever its setting

    def __init__(self, cropping: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class Cropping2D(Cropping):
    """[batch, height, width, channels] without its edges; arguments: ``Cropping``.

    >>> import numpy as np
    >>> Cropping2D(((1, 0), (2, 2)))(np.ones((1, 4, 6, 3))).shape
    (1, 3, 2, 3)
    """

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """[batch, depth, height, width, channels] without its edges; arguments: ``Cropping``."""

    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(cropping, data_format, **kwargs)
