"""Pooling layers: the largest element, or the mean, of windows that slide over spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn import ops
from fastnn.layers.spatial import Spatial
from fastnn.ops.windows import output_extents
from fastnn.tensor import Tensor


class Pooling(Spatial):
    """Base class: folds windows of [batch, spatial..., channels] (or channels_first).

    Args:
        pool_size: the window's extents, an integer or one a spatial axis.
        strides: from window to window, likewise; pool_size if None.
        padding: "valid" (windows inside the input) or "same" (ceil(extent / stride) windows).
        data_format: "channels_last" or "channels_first"; Keras's setting if None.
    """

    _pool: Callable  # an operation with the arguments of ops.max_pool

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format, **kwargs)
        self.pool_size = self._per_axis("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else self._per_axis("strides", strides)
        if str(padding).lower() not in ("valid", "same"):
            raise ValueError(
                f"{type(self).__name__}: padding is {padding!r}, expected 'valid' or 'same'"
            )
        self.padding = padding.lower()

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs.shape)
        pool = type(self)._pool
        return pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def _extents(self, extents: tuple) -> tuple:
        ones = (1,) * self.rank
        return output_extents(self.name, self.padding, extents, self.pool_size, self.strides, ones)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }


class _MaxPooling(Pooling):
    _pool = staticmethod(ops.max_pool)

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class MaxPooling1D(_MaxPooling):
    """The largest element of every window of [batch, steps, channels]; arguments: ``Pooling``.

    >>> import numpy as np
    >>> MaxPooling1D()(np.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[3.0], [2.0]]]
    """

    rank = 1


class MaxPooling2D(_MaxPooling):
    """The largest element of every window of [batch, height, width, channels].

    Arguments: ``Pooling``.

    >>> import numpy as np
    >>> MaxPooling2D(2)(np.ones((1, 4, 6, 3))).shape
    (1, 2, 3, 3)
    """

    rank = 2


class MaxPooling3D(_MaxPooling):
    """The largest element of every window of [batch, depth, height, width, channels].

    Arguments: ``Pooling``.
    """

    rank = 3


class _AveragePooling(Pooling):
    _pool = staticmethod(ops.average_pool)


class AveragePooling1D(_AveragePooling):
    """The mean of every window of [batch, steps, channels]; arguments: ``Pooling``."""

    rank = 1


class AveragePooling2D(_AveragePooling):
    """The mean of every window of [batch, height, width, channels]; arguments: ``Pooling``.

    Padding does not count.

    >>> import numpy as np
    >>> AveragePooling2D(2)(np.arange(4.0).reshape(1, 2, 2, 1)).tolist()
    [[[[1.5]]]]
    """

    rank = 2


class AveragePooling3D(_AveragePooling):
    """The mean of every window of [batch, depth, height, width, channels].

    Arguments: ``Pooling``.
    """

    rank = 3
