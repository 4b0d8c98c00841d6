"""What layers share that change images at random while training."""

from __future__ import annotations

from numbers import Real
from typing import Any

from fastnn import ops, random
from fastnn.layers.image_layer import ImageLayer
from fastnn.tensor import Tensor


def factor_range(
    who: str, name: str, factor: Any, low: float, high: float, mirrored: bool = True
) -> tuple[float, float]:
    """The (least, greatest) that a factor stands for: two numbers, or one for both directions.

    low, high: what it may be   mirrored: whether a single f means -f to f, else 0 to f

    >>> factor_range("RandomRotation", "factor", 0.25, -1, 1)
    (-0.25, 0.25)
    """
    pair = factor if isinstance(factor, (tuple, list)) else (factor, factor)
    numbers = [float(n) for n in pair if isinstance(n, Real) and not isinstance(n, bool)]
    if len(pair) != 2 or len(numbers) != 2 or not all(low <= n <= high for n in numbers):
        raise ValueError(
            f"{who}: {name} must be a number from {low} to {high}, or two of them, got {factor!r}"
        )
    if isinstance(factor, (tuple, list)):
        return min(numbers), max(numbers)
    most = abs(numbers[0])
    return (max(-most, low), most) if mirrored else (0.0, numbers[0])


def kept(factor: Any) -> Any:
    """A factor as configurations hold it: also from a file, where a pair is a list."""
    return tuple(factor) if isinstance(factor, list) else factor


class RandomImage(ImageLayer):
    """Base class: images that are changed at random where ``training`` is true, each by its own
    draw.

    Input: ``ImageLayer``. As in Keras, a layer or model that is called as a function trains unless
    it is told ``training=False``; ``evaluate`` and ``predict`` do not.

    Subclasses define ``_changed`` for [batch, height, width, channels].

    Args:
        seed: an integer; None draws one from Python's ``random``.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.
    """

    def __init__(self, seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = True) -> Tensor:
        if not training or inputs.size == 0:
            self._check(inputs.shape)
            return ops.cast(inputs, self.compute_dtype)
        return self._result(self._changed(self._batch(inputs)), inputs)

    def _changed(self, images: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no _changed method")

    def _drawn(self, limits: tuple[float, float], images: Tensor) -> Tensor:
        """A number between the limits for each image, [batch]."""
        return random.uniform(images.shape[:1], *limits, images.dtype, self.seed_generator)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        self._check(input_shape)
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed}
