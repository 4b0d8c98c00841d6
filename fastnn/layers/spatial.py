"""What layers over one to three spatial axes share."""

from __future__ import annotations

from typing import Any

from fastnn.layers.layer import Layer
from fastnn.ops.windows import data_format_of, per_axis
from fastnn.tensor import Tensor


class Spatial(Layer):
    """A layer over ``rank`` spatial axes of [batch, spatial..., channels], or channels_first.

    Subclasses define ``_extents`` (None for an extent that is None) and ``call``.
    """

    rank: int  # of the class
    default_format: str | None = None  # None: as configured

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format_of(type(self).__name__, data_format or self.default_format)

    def _per_axis(self, name: str, value: Any, least: int = 1) -> tuple:
        return per_axis(type(self).__name__, name, value, self.rank, least)

    def _pairs(self, name: str, value: Any) -> tuple:
        """(before, after) for each axis, from an integer, one an axis, or pairs."""
        who = type(self).__name__
        if self.rank == 1 and isinstance(value, (tuple, list)) and len(value) == 2:
            value = (value,)
        items = value if isinstance(value, (tuple, list)) else (value,) * self.rank
        if len(items) != self.rank:
            raise ValueError(
                f"{who}: {name} is {value!r}, expected an integer, {self.rank} of them, or a "
                "(before, after) pair for each"
            )
        return tuple(per_axis(who, name, item, 2, 0) for item in items)

    @property
    def _first(self) -> int:
        """The first spatial axis."""
        return 1 if self.data_format == "channels_last" else 2

    def _check(self, shape: tuple) -> None:
        if len(shape) != self.rank + 2:
            raise ValueError(
                f"{self.name}: the input must have {self.rank + 2} axes, its shape is "
                f"{tuple(shape)}"
            )

    def _full(self, of_axes: tuple, other: Any) -> list:
        """One entry for each axis of an input: those of the spatial ones, ``other`` elsewhere."""
        full = [other] * (self.rank + 2)
        full[self._first : self._first + self.rank] = of_axes
        return full

    def _extents(self, extents: tuple) -> tuple:
        raise NotImplementedError(f"{type(self).__name__} has no _extents method")

    def call(self, inputs: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no call method")

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        self._check(input_shape)
        shape, first = list(input_shape), self._first
        shape[first : first + self.rank] = self._extents(tuple(shape[first : first + self.rank]))
        return tuple(shape)

    def get_config(self) -> dict:
        return {**super().get_config(), "data_format": self.data_format}
