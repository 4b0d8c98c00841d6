"""RandomContrast, RandomBrightness, RandomGrayscale: other colours while training."""

from __future__ import annotations

from numbers import Real
from typing import Any

from fastnn import ops
from fastnn.layers.random_image import RandomImage, factor_range
from fastnn.tensor import Tensor
from fastnn.utils.numbers import share


class RandomColor(RandomImage):
    """Base class: colours change by a factor drawn for each image, and stay within a range.

    Input, output and training: ``RandomImage``.

    Args:
        factor: two numbers, or one.
        value_range: the least and the greatest value that a colour may have.
        seed: an integer; None draws one from Python's ``random``.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.

    Raises:
        ValueError: a factor out of its range, a value_range that is not two ascending numbers.
    """

    def __init__(
        self,
        factor: tuple[float, float],
        value_range: Any,
        seed: int | None,
        **kwargs: Any,
    ):
        super().__init__(seed, **kwargs)
        self.factor = factor
        pair = value_range if isinstance(value_range, (tuple, list)) else ()
        numbers = [float(n) for n in pair if isinstance(n, Real)]
        if len(pair) != 2 or len(numbers) != 2 or not numbers[0] < numbers[1]:
            raise ValueError(
                f"{type(self).__name__}: value_range must be two ascending numbers, got "
                f"{value_range!r}"
            )
        self.value_range = tuple(numbers)

    def _within(self, images: Tensor) -> Tensor:
        return ops.clip(images, *self.value_range)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
        }


class RandomContrast(RandomColor):
    """Moves each channel away from its mean in the image, or towards it, while training.

    y = (x - mean) f + mean; other arguments: ``RandomColor``.

    Args:
        factor: how far f may be from 1, numbers from 0 to 1: for a pair f is drawn from 1 - the
            lesser to 1 + the greater, for one number from 1 to 1 + factor.

    >>> import numpy as np
    >>> RandomContrast(0.5)(np.full((1, 2, 2, 1), 7.0)).numpy().ravel().tolist()
    [7.0, 7.0, 7.0, 7.0]
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ):
        limits = factor_range("RandomContrast", "factor", factor, 0, 1, mirrored=False)
        super().__init__(limits, value_range, seed, **kwargs)

    def _changed(self, images: Tensor) -> Tensor:
        mean = ops.mean(images, (1, 2), keepdims=True)
        low, high = self.factor
        factor = ops.reshape(self._drawn((1.0 - low, 1.0 + high), images), (-1, 1, 1, 1))
        return self._within((images - mean) * factor + mean)


class RandomBrightness(RandomColor):
    """Adds a number to all colours of an image while training; other arguments: ``RandomColor``.

    Args:
        factor: what is added, as a share of the value range: two numbers from -1 to 1, or one for
            both directions.

    >>> import numpy as np
    >>> RandomBrightness((1.0, 1.0))(np.zeros((1, 1, 2, 1))).numpy().ravel().tolist()
    [255.0, 255.0]
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ):
        limits = factor_range("RandomBrightness", "factor", factor, -1, 1)
        super().__init__(limits, value_range, seed, **kwargs)

    def _changed(self, images: Tensor) -> Tensor:
        low, high = self.value_range
        added = ops.reshape(self._drawn(self.factor, images) * (high - low), (-1, 1, 1, 1))
        return self._within(images + added)


class RandomGrayscale(RandomImage):
    """Shows some images of three channels in gray while training (``ops.image.rgb_to_grayscale``).

    Input, output and training: ``RandomImage``.

    Args:
        factor: the chance of each image, 0 to 1.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.
        seed: an integer; None draws one from Python's ``random``.

    Raises:
        ValueError: a factor that is not from 0 to 1; images without three channels.

    >>> import numpy as np
    >>> y = RandomGrayscale(1.0)(np.array([[[0.0, 1.0, 0.0]]])).numpy()
    >>> bool((y == np.float32(0.587)).all())
    True
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        self.factor = share("RandomGrayscale: factor", factor)

    def _changed(self, images: Tensor) -> Tensor:
        gray = ops.image.rgb_to_grayscale(images, "channels_last")
        chosen = ops.reshape(self._drawn((0.0, 1.0), images) < self.factor, (-1, 1, 1, 1))
        return ops.where(chosen, gray, images)

    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor}
