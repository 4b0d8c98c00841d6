"""What a layer demands of its inputs."""

from __future__ import annotations

from typing import Any

from fastnn.utils import tree


class InputSpec:
    """Rank, shape and dtype that an input must have; None means any.

    Args:
        dtype: a dtype name.
        shape: a shape with None for free axes.
        ndim: the rank.
        max_ndim, min_ndim: bounds of the rank.
        axes: {axis: extent}.
        allow_last_axis_squeeze: whether a last axis of 1 may be missing or extra.

    >>> InputSpec(min_ndim=2, axes={-1: 3}).check((4, 5), "float32", "dense")
    Traceback (most recent call last):
        ...
    ValueError: dense: axis -1 of the input must be 3, its shape is (4, 5)
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: tuple | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): extent for axis, extent in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def check(self, shape: tuple, dtype: str, who: str) -> None:
        """Raises a ValueError that names the layer if an input's shape or dtype does not fit."""
        rank = len(shape)
        expected = self.shape
        if self.allow_last_axis_squeeze and expected is not None:
            if rank == len(expected) + 1 and shape[-1] == 1:
                shape, rank = shape[:-1], rank - 1
            elif rank == len(expected) - 1 and expected[-1] == 1:
                expected = expected[:-1]
        ndim = self.ndim if expected is None else len(expected)
        found = f"its shape is {shape}"
        if ndim is not None and rank != ndim:
            raise ValueError(f"{who}: the input must have {ndim} axes, {found}")
        if self.max_ndim is not None and rank > self.max_ndim:
            raise ValueError(f"{who}: the input must have at most {self.max_ndim} axes, {found}")
        if self.min_ndim is not None and rank < self.min_ndim:
            raise ValueError(f"{who}: the input must have at least {self.min_ndim} axes, {found}")
        if self.dtype is not None and dtype != self.dtype:
            raise ValueError(f"{who}: the input must be {self.dtype}, it is {dtype}")
        for axis, extent in self.axes.items():
            if extent is not None and shape[axis] not in (extent, None):
                raise ValueError(f"{who}: axis {axis} of the input must be {extent}, {found}")
        for wanted, extent in zip(expected or (), shape):
            if wanted is not None and extent is not None and wanted != extent:
                raise ValueError(f"{who}: the input must have shape {expected}, {found}")


def check_inputs(specs: Any, args: tuple, kwargs: dict, who: str) -> None:
    """Checks a call's first argument, one input or a structure, against as many specs."""
    specs = tree.flatten(specs)
    values = tree.flatten(args[0] if args else next(iter(kwargs.values()), None))
    if len(values) != len(specs):
        raise ValueError(f"{who}: {len(specs)} input(s) expected, got {len(values)}")
    for spec, value in zip(specs, values):
        if value is None and (spec is None or spec.optional):
            continue
        if not hasattr(value, "shape"):
            raise TypeError(f"{who}: an input must be an array or tensor, got {value!r}")
        if spec is not None:
            spec.check(tuple(value.shape), str(value.dtype), who)
