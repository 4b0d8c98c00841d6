"""RandomFlip: mirrored images while training."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.random_image import RandomImage
from fastnn.ops.resampling import one_of
from fastnn.tensor import Tensor

_AXES = {"horizontal": 2, "vertical": 1, "horizontal_and_vertical": (1, 2)}


class RandomFlip(RandomImage):
    """Mirrors every other image, by chance, while training.

    Input, output and training: ``RandomImage``.

    Args:
        mode: "horizontal" (left and right change places), "vertical" (top and bottom), or
            "horizontal_and_vertical" (both at once: half a turn).
        seed: an integer; None draws one from Python's ``random``.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.

    Raises:
        ValueError: another mode.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0]]] * 100).reshape(100, 1, 2, 1)
    >>> np.unique(RandomFlip("horizontal")(x).numpy().reshape(100, 2), axis=0).tolist()
    [[1.0, 2.0], [2.0, 1.0]]
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        one_of("RandomFlip", "mode", mode, tuple(_AXES))
        self.mode = mode

    def _changed(self, images: Tensor) -> Tensor:
        heads = self._drawn((0.0, 1.0), images) < 0.5
        chosen = ops.reshape(heads, (-1, 1, 1, 1))
        return ops.where(chosen, ops.flip(images, _AXES[self.mode]), images)

    def get_config(self) -> dict:
        return {**super().get_config(), "mode": self.mode}
