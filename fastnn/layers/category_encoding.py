"""CategoryEncoding and Discretization: numbers as classes, classes as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import ops
from fastnn.layers.layer import Layer
from fastnn.layers.sizes import numbers, positive_integer
from fastnn.ops.core import as_tensor
from fastnn.ops.resampling import one_of
from fastnn.tensor import Tensor

_MODES = ("one_hot", "multi_hot", "count")


def encoded(ids: Tensor, tokens: int, mode: str, dtype: str, weights: Any = None) -> Tensor:
    """Ids as vectors of ``tokens`` numbers; those out of range count nowhere.

    "one_hot": one for each id; a last axis of 1 gives way to it   "multi_hot", "count": one for all
    ids along the last axis, with 1 where there is such an id, or how many (or their weights)
    """
    if mode == "one_hot":
        ids = ops.reshape(ids, (1,)) if ids.ndim == 0 else ids
        ids = ops.squeeze(ids, -1) if ids.ndim > 1 and ids.shape[-1] == 1 else ids
        return ops.one_hot(ids, tokens, dtype=dtype)
    rows = ops.one_hot(ops.reshape(ids, (1,)) if ids.ndim == 0 else ids, tokens, dtype=dtype)
    if mode == "multi_hot":
        return ops.max(rows, -2)
    if weights is not None:
        rows = rows * ops.expand_dims(ops.cast(weights, dtype), -1)
    return ops.sum(rows, -2)


def encoded_shape(shape: tuple, tokens: int, mode: str) -> tuple:
    """The shape of what ``encoded`` makes of ids."""
    if mode == "one_hot":
        kept = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape or (1,)
        return (*kept, tokens)
    return (*shape[:-1], tokens)


class CategoryEncoding(Layer):
    """Class numbers, 0 to num_tokens - 1, as vectors of num_tokens numbers.

    Others are in no class.

    Args:
        num_tokens: how many classes there are.
        output_mode: "multi_hot": 1 for every class that is among those of the last axis; "count":
            how often it is; "one_hot": a vector for each number, which takes the place of a last
            axis of 1.
        sparse: not available.

    Raises:
        ValueError: num_tokens that is no positive integer, another mode, count_weights in another
            mode than "count" or of another shape.

    >>> import numpy as np
    >>> CategoryEncoding(4, output_mode="count")(np.array([[0, 2, 2]])).tolist()
    [[1.0, 0.0, 2.0, 0.0]]
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_tokens = positive_integer("CategoryEncoding", "num_tokens", num_tokens)
        one_of("CategoryEncoding", "output_mode", output_mode, _MODES)
        if sparse:
            raise ValueError("CategoryEncoding: sparse tensors are not available")
        self.output_mode = output_mode
        self.autocast = False  # ids stay what they are

    def call(self, inputs: Tensor, count_weights: Any = None) -> Tensor:
        if count_weights is not None:
            count_weights = as_tensor(count_weights, None, f"{self.name}: count_weights")
            if self.output_mode != "count" or count_weights.shape != inputs.shape:
                raise ValueError(
                    f"{self.name}: count_weights need output_mode 'count' and the input's shape "
                    f"{inputs.shape}, got mode {self.output_mode!r} and shape "
                    f"{count_weights.shape}"
                )
        return encoded(inputs, self.num_tokens, self.output_mode, self.compute_dtype, count_weights)

    def compute_output_shape(self, inputs_shape: tuple, count_weights_shape: Any = None) -> tuple:
        return encoded_shape(tuple(inputs_shape), self.num_tokens, self.output_mode)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_tokens": self.num_tokens,
            "output_mode": self.output_mode,
        }


class Discretization(Layer):
    """Numbers as the bin that they lie in, 0 to the number of boundaries.

    Bin i holds boundaries[i - 1] <= x < boundaries[i]; NaN is in the last.

    Args:
        bin_boundaries: ascending numbers.
        num_bins: instead of them: how many bins ``adapt`` makes.
        epsilon: of no effect, since the quantiles of ``adapt`` are exact.
        output_mode: "int" for int32, or vectors as of ``CategoryEncoding``.
        sparse: not available.
        dtype: of the input, and of the vectors.

    Raises:
        ValueError: not one of bin_boundaries and num_bins, boundaries that do not ascend, another
            mode.
        RuntimeError: it is called with neither boundaries nor ``adapt``.

    >>> import numpy as np
    >>> Discretization([0.0, 1.0])(np.array([-3.0, 0.0, 0.5, 7.0])).tolist()
    [0, 1, 1, 2]
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                "Discretization: one of bin_boundaries and num_bins is needed, got "
                f"bin_boundaries={bin_boundaries!r}, num_bins={num_bins!r}"
            )
        if sparse:
            raise ValueError("Discretization: sparse tensors are not available")
        one_of("Discretization", "output_mode", output_mode, ("int", *_MODES))
        if num_bins is not None:
            num_bins = positive_integer("Discretization", "num_bins", num_bins)
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.bin_boundaries = None if bin_boundaries is None else _ascending(bin_boundaries)

    def adapt(self, data: Any) -> None:
        """Chooses boundaries so that the bins hold equally many of the numbers in ``data``.

        Args:
            data: an array or Tensor; NaNs in it count nowhere.

        Raises:
            ValueError: the layer was given its boundaries, there is no data, or it is no numbers.
        """
        if self.num_bins is None:
            raise ValueError(f"{self.name}: adapt: the layer was given its bin_boundaries")
        found = numbers(f"{self.name}: adapt: data", data).astype(np.float64).ravel()
        found = found[~np.isnan(found)]
        if not found.size:
            raise ValueError(f"{self.name}: adapt: there is no data")
        shares = np.arange(1, self.num_bins) / self.num_bins
        self.bin_boundaries = np.quantile(found, shares).tolist()

    def call(self, inputs: Tensor) -> Tensor:
        boundaries = self.bin_boundaries
        if boundaries is None:
            raise RuntimeError(f"{self.name}: adapt(data) is needed before it is called")
        x = ops.cast(inputs, self.compute_dtype)
        edges = ops.cast(list(boundaries), self.compute_dtype)
        bins = ops.cast(ops.digitize(x, edges), "int32")
        if self.output_mode == "int":
            return bins
        return encoded(bins, len(boundaries) + 1, self.output_mode, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        if self.output_mode == "int":
            return input_shape
        boundaries = self.bin_boundaries
        bins = int(self.num_bins or 0) if boundaries is None else len(boundaries) + 1
        return encoded_shape(tuple(input_shape), bins, self.output_mode)

    def get_config(self) -> dict:
        boundaries = self.bin_boundaries
        return {
            **super().get_config(),
            "bin_boundaries": None if boundaries is None else list(boundaries),
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: dict) -> Discretization:
        """After ``adapt`` there are both num_bins and the boundaries that it chose."""
        boundaries = config.get("bin_boundaries")
        if boundaries is None or config.get("num_bins") is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = _ascending(boundaries)
        return layer


def _ascending(bin_boundaries: Any) -> list:
    boundaries = numbers("Discretization: bin_boundaries", bin_boundaries).astype(np.float64)
    if boundaries.ndim != 1 or not (np.diff(boundaries) >= 0).all():
        raise ValueError(
            f"Discretization: bin_boundaries must be ascending numbers, got {bin_boundaries!r}"
        )
    return boundaries.tolist()
