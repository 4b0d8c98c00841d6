"""The base of all losses: targets and weights made ready, values reduced to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn import _core, config, ops
from fastnn.dtypes import is_float
from fastnn.layers import masks
from fastnn.ops.core import check_devices, follows_operands
from fastnn.tensor import Tensor, from_data
from fastnn.utils.naming import to_snake_case
from fastnn.utils.tracking import Configured

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss(Configured):
    """A number that says how far predictions are from targets.

    Subclasses override `call(y_true, y_pred)`, which returns a value per sample (or per sample
    and time step). Targets arrive in the dtype of the predictions, integers as they are.

    Args:
        name: shown in logs.
        reduction: how the values become one: "sum_over_batch_size" divides their (weighted) sum
            by their number, "mean" the same, "mean_with_sample_weight" by the sum of the
            weights, "sum" does not divide, "none" or None leaves them.

    >>> import fastnn as fn
    >>> class Absolute(fn.losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return fn.ops.mean(fn.ops.abs(y_true - y_pred), axis=-1)
    >>> Absolute()([[1.0, 2.0]], [[2.0, 4.0]]).item()
    1.5
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: str | None = None,
    ):
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}")
        self.name = name or to_snake_case(type(self).__name__)
        self.reduction = reduction
        self.dtype = dtype

    @follows_operands
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of a batch.

        Args:
            y_true: targets, array-like.
            y_pred: predictions, a Tensor or array-like of floats.
            sample_weight: a weight for each value, or for each sample.

        Raises:
            ValueError: shapes that do not fit, targets that hold NaN.
            TypeError: targets or predictions that are not numbers.
        """
        if not isinstance(y_pred, Tensor):
            y_pred = from_data(y_pred, self.dtype, f"{self.name}: y_pred")
        if not is_float(y_pred.dtype):
            y_pred = _core.copy(y_pred, config.floatx())
        if not isinstance(y_true, Tensor):
            y_true = from_data(y_true, None, f"{self.name}: y_true")
        if is_float(y_true.dtype):
            _core.require_no_nan(y_true, "y_true")
        if sample_weight is not None:
            if not isinstance(sample_weight, Tensor):
                sample_weight = from_data(sample_weight, None, f"{self.name}: sample_weight")
            if is_float(sample_weight.dtype):
                _core.require_no_nan(sample_weight, "sample_weight")
        return self.value(y_true, y_pred, sample_weight)

    def value(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The loss of tensors that were checked before: what a training step computes."""
        if y_true.dtype == "uint8":
            y_true = _core.copy(y_true, "int32")  # for functions that go below 0
        values = self.call(y_true, y_pred)
        if not isinstance(values, Tensor):
            raise TypeError(
                f"loss {self.name!r} must return a Tensor with a value per sample, got "
                f"{type(values).__name__}"
            )
        if masks.state.in_use:
            mask = masks.get_mask(y_pred)
            sample_weight = masked_weight(mask, sample_weight, values, self.name, self.reduction)
        return reduce_values(values, sample_weight, self.reduction, self.name)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must override call(y_true, y_pred)")

    def get_config(self) -> dict:
        """Arguments that make a loss like this one."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict) -> Loss:
        """The inverse of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class LossFunctionWrapper(Loss):
    """A function `fn(y_true, y_pred, **options)`, which returns a value per sample, as a Loss."""

    def __init__(
        self,
        fn: Callable,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
        **options: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self.options = options

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.fn(y_true, y_pred, **self.options)

    def get_config(self) -> dict:
        return {**super().get_config(), **self.options}


class PlainLoss(LossFunctionWrapper):
    """A loss that is a `function` without options, whose name it has."""

    function: Callable

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(self.function, reduction, name, dtype)


def check_no_nan(array: np.ndarray, what: str) -> None:
    """Raises ValueError if floats hold a NaN, naming the first."""
    if array.dtype.kind == "f" and np.isnan(array).any():
        where = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
        raise ValueError(f"{what} holds NaN, first at index {where}")


def align(y_true: Any, y_pred: Any, operation: str, rows: bool = False) -> tuple[Tensor, Tensor]:
    """Targets and predictions of one dtype and shape; (n, 1) and (n,) are taken for the same.

    rows: a value belongs to a whole last axis: so (n, t, 1) is taken for (n, t), not the other way
        round

    Raises:
        ValueError: other shapes that differ.
    """
    y_pred = as_float(y_pred, operation)
    if not isinstance(y_true, Tensor):
        y_true = from_data(y_true, y_pred.dtype, f"{operation}: y_true")
    elif y_true.dtype != y_pred.dtype:
        y_true = _core.copy(y_true, y_pred.dtype)
    if y_true.shape != y_pred.shape:
        squeezes = rows and max(y_true.ndim, y_pred.ndim) > 2
        if (*y_true.shape, 1) == y_pred.shape:
            if squeezes:
                y_pred = ops.squeeze(y_pred, -1)
            else:
                y_true = ops.expand_dims(y_true, -1)
        elif y_true.shape == (*y_pred.shape, 1):
            if squeezes:
                y_true = ops.squeeze(y_true, -1)
            else:
                y_pred = ops.expand_dims(y_pred, -1)
        else:
            raise ValueError(
                f"{operation}: y_true has shape {y_true.shape}, but y_pred has {y_pred.shape}"
            )
    if _core.devices_in_use():
        check_devices(operation, y_true=y_true, y_pred=y_pred)
    return y_true, y_pred


def as_float(y_pred: Any, operation: str) -> Tensor:
    """Predictions as a floating-point Tensor."""
    if not isinstance(y_pred, Tensor):
        y_pred = from_data(y_pred, None, f"{operation}: y_pred")
    return y_pred if is_float(y_pred.dtype) else _core.copy(y_pred, config.floatx())


def fit_weight(weight: Any, shape: tuple, dtype: str, operation: str) -> Tensor:
    """Weights that multiply values of `shape`: (n,) or (n, 1) weighs whole samples. One value for
    all, of shape (), may meet any weights.

    Raises:
        ValueError: a shape that is neither the values' nor the beginning of it.
    """
    if not isinstance(weight, Tensor):
        weight = from_data(weight, dtype, f"{operation}: sample_weight")
    elif weight.dtype != dtype:
        weight = _core.copy(weight, dtype)
    given = weight.shape
    if given == shape or given == () or shape == ():
        return weight
    if len(given) == len(shape) + 1 and given[-1] == 1:
        given = given[:-1]
    if len(given) <= len(shape) and all(w in (1, s) for w, s in zip(given, shape)):
        return ops.reshape(weight, given + (1,) * (len(shape) - len(given)))
    raise ValueError(
        f"{operation}: sample_weight has shape {weight.shape}, expected {shape} "
        f"or the first axes of it"
    )


def masked_weight(
    mask: Any, weight: Any, values: Tensor, operation: str, reduction: str | None = "sum"
) -> Any:
    """The mask of predictions merged into the weights of `values`.

    For a mean, valid positions weigh all / valid, so that it is over those; if everything is
    masked it is 0.
    """
    if mask is None:
        return weight
    dtype = values.dtype if is_float(values.dtype) else "float64"
    kept = ops.cast(mask, dtype)
    if reduction in ("sum_over_batch_size", "mean"):
        kept = kept * ops.divide_no_nan(float(kept.size), ops.sum(kept))
    kept = fit_weight(kept, values.shape, dtype, operation)
    if weight is None:
        return kept
    return fit_weight(weight, values.shape, dtype, operation) * kept


def reduce_values(
    values: Tensor, weight: Any = None, reduction: str | None = "mean", operation: str = "loss"
) -> Tensor:
    """Values times weights, reduced as `Loss` describes."""
    if weight is not None:
        weight = fit_weight(weight, values.shape, values.dtype, operation)
        values = values * weight
    if reduction is None or reduction == "none" or values.ndim == 0:
        return values
    if reduction == "mean_with_sample_weight" and weight is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(weight))
    return ops.sum(values) if reduction == "sum" else ops.mean(values)
