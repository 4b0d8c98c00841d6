"""RandomRotation, RandomTranslation, RandomZoom, RandomShear: images moved while training."""

from __future__ import annotations

import math
from typing import Any

from fastnn import ops
from fastnn.layers.random_image import RandomImage, factor_range, kept
from fastnn.ops.resampling import INTERPOLATIONS, one_of
from fastnn.tensor import Tensor

FILL_MODES = ("reflect", "wrap", "constant", "nearest")


class RandomAffine(RandomImage):
    """Base class: a transform is drawn for each image, which is resampled once.

    Input, output and training: ``RandomImage``.

    Args:
        fill_mode: what comes in from outside: "reflect" (b a | a b c | c b), "wrap" (b c | a b c |
            a b), "constant" (``fill_value``) or "nearest" (a a | a b c | c c).
        interpolation: "bilinear" or "nearest".
        seed: an integer; None draws one from Python's ``random``.
        fill_value: with "constant".
        data_format: "channels_last" or "channels_first"; Keras's setting if None.

    Raises:
        ValueError: a factor out of its range, another fill mode or interpolation.
    """

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        one_of(type(self).__name__, "fill_mode", fill_mode, FILL_MODES)
        one_of(type(self).__name__, "interpolation", interpolation, INTERPOLATIONS)
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def _rows(self, images: Tensor) -> tuple[tuple, tuple]:
        """(a0, a1, a2) and (b0, b1, b2) of ``ops.image.affine_transform``: each a number or one an
        image, [batch]."""
        raise NotImplementedError(f"{type(self).__name__} has no _rows method")

    def _changed(self, images: Tensor) -> Tensor:
        x_row, y_row = self._rows(images)
        batch = images.shape[:1]
        numbers = [
            n if isinstance(n, Tensor) else ops.full(batch, n, images.dtype)
            for n in (*x_row, *y_row, 0.0, 0.0)
        ]
        return ops.image.affine_transform(
            images,
            ops.stack(numbers, -1),
            self.interpolation,
            self.fill_mode,
            self.fill_value,
            "channels_last",
        )

    def get_config(self) -> dict:
        names = ("fill_mode", "interpolation", "fill_value")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class RandomRotation(RandomAffine):
    """Images turned about their centre while training; other arguments: ``RandomAffine``.

    Args:
        factor: how far, as a share of a full turn and counter-clockwise: two numbers from -1 to 1,
            or one for both directions. ``15 / 360`` turns by up to 15 degrees.

    >>> import numpy as np
    >>> quarter = RandomRotation((0.25, 0.25))(np.array([[[1.0], [2.0]], [[3.0], [4.0]]]))
    >>> np.round(quarter.numpy()[..., 0]).tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factor_range("RandomRotation", "factor", factor, -1, 1)

    def _rows(self, images: Tensor) -> tuple[tuple, tuple]:
        angle = self._drawn(self.factor, images) * (2 * math.pi)
        sine, cosine = ops.sin(angle), ops.cos(angle)
        y, x = ((n - 1) / 2 for n in images.shape[1:3])
        return (
            (cosine, -sine, x - x * cosine + y * sine),
            (sine, cosine, y - x * sine - y * cosine),
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor}


class RandomTranslation(RandomAffine):
    """Images shifted while training; other arguments: ``RandomAffine``.

    Args:
        height_factor: how far down, as a share of the height: two numbers from -1 to 1, or one for
            both directions.
        width_factor: how far to the right, as a share of the width.

    >>> import numpy as np
    >>> RandomTranslation(0.0, (0.5, 0.5), "constant")(np.array([[[1.0], [2.0]]])).tolist()
    [[[0.0], [1.0]]]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = kept(height_factor)
        self.width_factor = kept(width_factor)
        self._down = factor_range("RandomTranslation", "height_factor", height_factor, -1, 1)
        self._right = factor_range("RandomTranslation", "width_factor", width_factor, -1, 1)

    def _rows(self, images: Tensor) -> tuple[tuple, tuple]:
        height, width = images.shape[1:3]
        down, right = self._drawn(self._down, images), self._drawn(self._right, images)
        return (1.0, 0.0, right * -width), (0.0, 1.0, down * -height)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


class RandomZoom(RandomAffine):
    """Images made smaller or larger about their centre while training.

    Other arguments: ``RandomAffine``.

    Args:
        height_factor: how much more of the height is seen: two numbers from -1 (excluded) to 1, or
            one for both directions. 0.25 sees a quarter more, so what is in the image gets smaller;
            -0.25 sees three quarters.
        width_factor: the same for the width; None keeps the ratio of the sides.

    >>> import numpy as np
    >>> RandomZoom((1.0, 1.0), fill_mode="constant")(np.ones((1, 4, 4, 1))).numpy().sum().item()
    4.0
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = kept(height_factor)
        self.width_factor = kept(width_factor)
        self._height = self._limits("height_factor", height_factor)
        self._width = None if width_factor is None else self._limits("width_factor", width_factor)

    @staticmethod
    def _limits(name: str, factor: Any) -> tuple[float, float]:
        low, high = factor_range("RandomZoom", name, factor, -1, 1)
        if low == -1:
            raise ValueError(f"RandomZoom: {name} must be above -1, got {factor!r}")
        return 1 + low, 1 + high

    def _rows(self, images: Tensor) -> tuple[tuple, tuple]:
        y, x = ((n - 1) / 2 for n in images.shape[1:3])
        height = self._drawn(self._height, images)
        width = height if self._width is None else self._drawn(self._width, images)
        return (width, 0.0, x - x * width), (0.0, height, y - y * height)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


class RandomShear(RandomAffine):
    """Images slanted while training; other arguments: ``RandomAffine``.

    Args:
        x_factor: by how many columns each row is shifted against the one above it, to the left or
            to the right: two numbers from 0 to 1, or one for 0 to that.
        y_factor: by how many rows each column is shifted against the one to its left, up or down.

    >>> import numpy as np
    >>> RandomShear(0.5, seed=1)(np.ones((2, 4, 5, 3))).shape
    (2, 4, 5, 3)
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = kept(x_factor)
        self.y_factor = kept(y_factor)
        self._x = factor_range("RandomShear", "x_factor", x_factor, 0, 1, mirrored=False)
        self._y = factor_range("RandomShear", "y_factor", y_factor, 0, 1, mirrored=False)

    def _rows(self, images: Tensor) -> tuple[tuple, tuple]:
        x, y = (
            self._drawn(limits, images) * ops.sign(self._drawn((-1.0, 1.0), images))
            for limits in (self._x, self._y)
        )
        return (1.0, x, 0.0), (y, 1.0, 0.0)

    def get_config(self) -> dict:
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}
