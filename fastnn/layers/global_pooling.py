"""Global pooling layers: the largest element, or the mean, over all spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn import ops
from fastnn.layers.spatial import Spatial
from fastnn.tensor import Tensor


class GlobalPooling(Spatial):
    """Base class: [batch, spatial..., channels] (or channels_first) to [batch, channels].

    Args:
        data_format: "channels_last" or "channels_first"; Keras's setting if None.
        keepdims: whether spatial axes stay, with extent 1.
    """

    _fold: Callable  # an operation with the arguments of ops.max

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.keepdims = keepdims

    def _axes(self) -> tuple:
        return tuple(range(self._first, self._first + self.rank))

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs.shape)
        return type(self)._fold(inputs, self._axes(), self.keepdims)

    def _extents(self, extents: tuple) -> tuple:
        return (1,) * self.rank if self.keepdims else ()

    def get_config(self) -> dict:
        return {**super().get_config(), "keepdims": self.keepdims}


class _GlobalMaxPooling(GlobalPooling):
    _fold = staticmethod(ops.max)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest of all steps of [batch, steps, channels]; arguments: ``GlobalPooling``."""

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest of all positions of [batch, height, width, channels].

    Arguments: ``GlobalPooling``.

    >>> import numpy as np
    >>> GlobalMaxPooling2D()(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[6.0, 7.0]]
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest of all positions of [batch, depth, height, width, channels].

    Arguments: ``GlobalPooling``.
    """

    rank = 3


class _GlobalAveragePooling(GlobalPooling):
    _fold = staticmethod(ops.mean)


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of all steps of [batch, steps, channels]; arguments: ``GlobalPooling``.

    With a mask [batch, steps] only the steps where it is true count.
    """

    rank = 1

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        self._check(inputs.shape)
        mask = ops.expand_dims(mask, 3 - self._first)
        total = ops.sum(ops.where(mask, inputs, 0.0), self._axes(), self.keepdims)
        return total / ops.sum(ops.cast(mask, inputs.dtype), self._axes(), self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        return None


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of all positions of [batch, height, width, channels].

    Arguments: ``GlobalPooling``.

    >>> import numpy as np
    >>> GlobalAveragePooling2D()(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[3.0, 4.0]]
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of all positions of [batch, depth, height, width, channels].

    Arguments: ``GlobalPooling``.
    """

    rank = 3
