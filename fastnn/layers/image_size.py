"""Resizing, CenterCrop, RandomCrop: images of a given height and width."""

from __future__ import annotations

from typing import Any

from fastnn import ops, random
from fastnn.layers.image_layer import ImageLayer
from fastnn.layers.sizes import positive_integer
from fastnn.ops.image import METHODS
from fastnn.ops.resampling import one_of
from fastnn.tensor import Tensor


class ImageSize(ImageLayer):
    """Base class: images of any size become ``height`` x ``width``; input: ``ImageLayer``.

    Args:
        height, width: of the output.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.

    Raises:
        ValueError: a size that is no positive integer.
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.height = positive_integer(type(self).__name__, "height", height)
        self.width = positive_integer(type(self).__name__, "width", width)

    def _room(self, batch: Tensor) -> tuple[int, int]:
        """By how many rows and columns the images are larger; negative if they are smaller."""
        return batch.shape[1] - self.height, batch.shape[2] - self.width

    def _largest_part(self, batch: Tensor) -> Tensor:
        size = (self.height, self.width)
        return ops.image.resize(batch, size, crop_to_aspect_ratio=True, data_format="channels_last")

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        self._check(input_shape)
        shape = list(input_shape)
        first = len(shape) - (3 if self.data_format == "channels_last" else 2)
        shape[first : first + 2] = self.height, self.width
        return tuple(shape)

    def get_config(self) -> dict:
        return {**super().get_config(), "height": self.height, "width": self.width}


class Resizing(ImageSize):
    """Images at another resolution, by ``ops.image.resize``; input: ``ImageSize``.

    Args:
        height, width: of the output.
        interpolation: "bilinear" or "nearest".
        crop_to_aspect_ratio: the largest part of the middle with the output's ratio of sides is
            resized, instead of stretching the image.
        pad_to_aspect_ratio: the image is resized with ``fill_value`` on two opposite sides.
        fill_mode: "constant".
        fill_value: what is padded with.
        antialias: not available.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.

    Raises:
        ValueError: a size that is no positive integer, another interpolation or fill mode,
            antialias, or both cropping and padding.

    >>> import numpy as np
    >>> Resizing(1, 4)(np.array([[[0.0], [1.0]]])).tolist()
    [[[0.0], [0.25], [0.75], [1.0]]]
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(height, width, data_format, **kwargs)
        one_of("Resizing", "interpolation", interpolation, METHODS)
        one_of("Resizing", "fill_mode", fill_mode, ("constant",))
        if antialias:
            raise ValueError("Resizing: antialias is not available")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(
                "Resizing: only one of crop_to_aspect_ratio, pad_to_aspect_ratio can be set"
            )
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = antialias

    def _options(self) -> dict:
        names = ("interpolation", "antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio",
                 "fill_mode", "fill_value")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def call(self, inputs: Tensor) -> Tensor:
        size = (self.height, self.width)
        batch = self._batch(inputs)
        resized = ops.image.resize(batch, size, **self._options(), data_format="channels_last")
        return self._result(resized, inputs)

    def get_config(self) -> dict:
        return {**super().get_config(), **self._options()}


class CenterCrop(ImageSize):
    """The middle of images, in training and inference; arguments and input: ``ImageSize``.

    Of an image that is too small the largest part of the output's ratio of sides is resized.

    >>> import numpy as np
    >>> CenterCrop(1, 2)(np.arange(12.0).reshape(3, 4, 1)).tolist()
    [[[5.0], [6.0]]]
    """

    def call(self, inputs: Tensor) -> Tensor:
        batch = self._batch(inputs)
        rows, columns = self._room(batch)
        if rows < 0 or columns < 0:
            return self._result(self._largest_part(batch), inputs)
        top, left = rows // 2, columns // 2
        middle = batch[:, top : top + self.height, left : left + self.width]
        return self._result(middle, inputs)


class RandomCrop(ImageSize):
    """A part of images at a place drawn for each batch where ``training`` is true.

    In inference, and if the images are too small, the largest part of the middle with the output's
    ratio of sides is resized. Input: ``ImageSize``. As in Keras, a layer or model that is called as
    a function trains unless it is told ``training=False``.

    Args:
        height, width: of the output.
        seed: an integer; None draws one from Python's ``random``.
        data_format: "channels_last" or "channels_first"; Keras's setting if None.

    >>> import numpy as np
    >>> RandomCrop(2, 2, seed=1)(np.ones((5, 4, 6, 3))).shape
    (5, 2, 2, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(height, width, data_format, **kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = True) -> Tensor:
        batch = self._batch(inputs)
        rows, columns = self._room(batch)
        if not training or rows < 0 or columns < 0:
            return self._result(self._largest_part(batch), inputs)
        for axis, room, extent in ((1, rows, self.height), (2, columns, self.width)):
            start = random.randint((1,), 0, room + 1, seed=self.seed_generator)
            batch = ops.take(batch, start + ops.arange(extent, dtype="int32"), axis)
        return self._result(batch, inputs)

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed}
