"""Normalization: features of mean 0 and variance 1, as measured on the data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.layers.sizes import integers, numbers
from fastnn.tensor import Tensor

_LEAST = 1e-7  # standard deviation that is divided by: Keras's epsilon


class Normalization(Layer):
    """(inputs - mean) / standard deviation, with a mean and a variance for each feature.

    They are given, or measured by ``adapt`` before training, and then belong to the weights. A
    layer that has neither passes its input on.

    Args:
        axis: the axis or axes whose positions are features; None: one mean and variance for all.
        mean, variance: numbers or arrays that broadcast to the features, both or neither; features
            along several axes are in the order of the axes.
        invert: inputs * standard deviation + mean instead, which undoes it.

    Raises:
        ValueError: only one of mean and variance; one that is no numbers or does not fit the
            features; a negative variance; an axis that is no integer, that the input does not have,
            whose extent is unknown, or that is given twice.

    >>> import numpy as np
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer(np.array([[1.0, 30.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int | tuple | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis: tuple = integers("Normalization", "axis", axis) or ()
        if (mean is None) != (variance is None):
            raise ValueError(
                "Normalization: mean and variance are needed both or not at all, got "
                f"mean={mean!r}, variance={variance!r}"
            )
        self.input_mean = self.input_variance = None
        if mean is not None:
            given = numbers("Normalization: variance", variance)
            self.input_mean = numbers("Normalization: mean", mean).astype(np.float64).tolist()
            self.input_variance = given.astype(np.float64).tolist()
            if (given < 0).any():
                raise ValueError(f"Normalization: variance must not be negative, got {variance!r}")
        self.invert = invert
        self.supports_masking = True
        self.mean: Any = None
        self.variance: Any = None
        self.count: Any = None

    def build(self, input_shape: tuple) -> None:
        axes = self._axes(len(input_shape))
        features = tuple(input_shape[axis] for axis in axes)
        if None in features:
            raise ValueError(
                f"{self.name}: axis {self.axis} of the input must have a known extent, its shape "
                f"is {tuple(input_shape)}"
            )
        if self.input_mean is None:
            self.mean = self._weight("mean", features, "zeros")
            self.variance = self._weight("variance", features, "ones")
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")
        else:
            self.mean = self._given("mean", self.input_mean, features)
            self.variance = self._given("variance", self.input_variance, features)

    def _weight(self, name: str, shape: tuple, initializer: str) -> Any:
        return self.add_weight(shape, initializer, trainable=False, name=name)

    def _given(self, name: str, value: Any, features: tuple) -> Tensor:
        """A statistic that was given, for each feature."""
        array = np.asarray(value, np.float64)
        try:
            array = np.broadcast_to(array, features)
        except ValueError:
            raise ValueError(
                f"{self.name}: {name} has shape {array.shape}, expected one that broadcasts to "
                f"{features}, the input's extents along axis {self.axis or None}"
            ) from None
        return ops.convert_to_tensor(array, self.compute_dtype)

    def _axes(self, rank: int) -> tuple[int, ...]:
        """The features' axes from the front, in ascending order."""
        if not all(-rank <= axis < rank for axis in self.axis):
            raise ValueError(f"{self.name}: axis {self.axis} is outside an input of {rank} axes")
        axes = tuple(sorted(axis % rank for axis in self.axis))
        if len(set(axes)) != len(axes):
            raise ValueError(f"{self.name}: an axis is given twice in {self.axis}")
        return axes

    def adapt(self, data: Any) -> None:
        """Measures mean and variance, which replace earlier ones.

        Args:
            data: an array or Tensor, or an iterable of batches that are such (of a tuple the first
                counts, which is what ``fit`` calls x). It is read once, and added in float64.

        Raises:
            ValueError: the layer was given a mean, there is no data, or it is no numbers (text,
                rows of unequal length).
        """
        if self.input_mean is not None:
            raise ValueError(f"{self.name}: adapt: the layer was given its mean and variance")
        count, mean, squares = 0, np.float64(0), np.float64(0)
        shape: tuple = ()
        for batch in _batches(f"{self.name}: adapt: data", data):
            if not self.built:
                self.build(batch.shape)
            axes = self._axes(batch.ndim)
            shape = tuple(batch.shape[axis] for axis in axes)
            if shape != self.mean.shape:
                raise ValueError(
                    f"{self.name}: adapt: data of shape {batch.shape} has features "
                    f"{shape}, the layer has {self.mean.shape}"
                )
            others = tuple(axis for axis in range(batch.ndim) if axis not in axes)
            added = batch.size // max(int(np.prod(shape)), 1)
            if not added:
                continue
            # Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
            # sample variances" (1979).
            own = batch.mean(others, dtype=np.float64)
            apart = own - mean
            squares = squares + batch.var(others, dtype=np.float64) * added
            squares = squares + apart**2 * (count * added / (count + added))
            mean = mean + apart * (added / (count + added))
            count += added
        if not count:
            raise ValueError(f"{self.name}: adapt: there is no data")
        self.mean.assign(mean.astype(self.mean.dtype))
        self.variance.assign((squares / count).astype(self.variance.dtype))

    def call(self, inputs: Tensor) -> Tensor:
        x = ops.cast(inputs, self.compute_dtype)
        shape = [1] * x.ndim
        for axis in self._axes(x.ndim):
            shape[axis] = x.shape[axis]
        mean, variance = (ops.reshape(v, shape) for v in (self.mean, self.variance))
        deviation = ops.maximum(ops.sqrt(variance), _LEAST)
        return x * deviation + mean if self.invert else (x - mean) / deviation

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "axis": self.axis,
            "mean": self.input_mean,
            "variance": self.input_variance,
            "invert": self.invert,
        }


def _batches(what: str, data: Any) -> Iterable[np.ndarray]:
    """An array as the only batch, or the arrays that an iterable yields; ``what`` is for errors."""
    if hasattr(data, "__array__") or isinstance(data, (list, tuple)):
        yield numbers(what, data)
        return
    for batch in data:
        yield numbers(what, batch[0] if isinstance(batch, tuple) else batch)
