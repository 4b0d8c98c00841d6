"""SpatialDropout1D to 3D: drops whole channels."""

from __future__ import annotations

from typing import Any

from fastnn.layers.dropout import Dropout
from fastnn.ops.windows import data_format_of
from fastnn.tensor import Tensor


class SpatialDropout(Dropout):
    """Base class: dropout that takes or leaves each channel of an example as a whole.

    Tompson et al., "Efficient object localization using convolutional networks" (2015).

    Args:
        rate: the share that is dropped, 0 to 1.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.
        seed: an integer; None draws one from Python's ``random``.
    """

    rank: int
    default_format: str | None = None  # None: as configured

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(rate, seed=seed, **kwargs)
        self.data_format = data_format_of(type(self).__name__, data_format or self.default_format)

    def _noise_shape(self, inputs: Tensor) -> tuple:
        if inputs.ndim != self.rank + 2:
            raise ValueError(
                f"{self.name}: the input must have {self.rank + 2} axes, its shape is "
                f"{inputs.shape}"
            )
        ones = (1,) * self.rank
        if self.data_format == "channels_last":
            return (inputs.shape[0], *ones, inputs.shape[-1])
        return (*inputs.shape[:2], *ones)

    def get_config(self) -> dict:
        config = {**super().get_config(), "data_format": self.data_format}
        del config["noise_shape"]
        return config


class SpatialDropout1D(SpatialDropout):
    """Drops channels of [batch, steps, channels]; arguments: ``SpatialDropout``.

    >>> import numpy as np
    >>> SpatialDropout1D(0.5)(np.ones((1, 2, 2))).tolist()
    [[[1.0, 1.0], [1.0, 1.0]]]
    """

    rank = 1
    default_format = "channels_last"  # as in Keras, whatever its setting

    def __init__(  # Keras's order here
        self, rate: float, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(rate, data_format, seed, **kwargs)


class SpatialDropout2D(SpatialDropout):
    """Drops channels of [batch, height, width, channels]; arguments: ``SpatialDropout``."""

    rank = 2


class SpatialDropout3D(SpatialDropout):
    """Drops channels of [batch, depth, height, width, channels].

    Arguments: ``SpatialDropout``.
    """

    rank = 3
