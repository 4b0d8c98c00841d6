"""The base of all metrics, and the mean that most of them are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from fastnn import _core, config, ops
from fastnn.backends import device
from fastnn.layers import masks
from fastnn.losses.loss import fit_weight, masked_weight
from fastnn.ops.core import constant, device_of
from fastnn.tensor import Tensor, Variable, from_data, move
from fastnn.utils.naming import auto_name
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object
from fastnn.utils.tracking import Configured

_zero = _core.from_numpy(np.zeros(()), "cpu")


def _beside_its_data(update: Callable) -> Callable:
    """An `update_state` that runs where the Tensors of its call lie, and else where the totals do;
    totals that lie elsewhere move there with what they hold."""

    @wraps(update)
    def run(self: Metric, *args: Any, **kwargs: Any) -> Any:
        if not _core.devices_in_use():
            return update(self, *args, **kwargs)
        there = device_of((*args, *kwargs.values())) or device_of(self.variables)
        with device(there or _core.get_device()):
            for variable in self.variables:
                move(variable, _core.get_device())
            return update(self, *args, **kwargs)

    return run


class Metric(Configured):
    """A figure gathered over batches: `update_state` adds a batch, `result` reads it.

    Subclasses make their totals with `add_variable` (float64 unless told otherwise), override
    `update_state(y_true, y_pred, sample_weight=None)` and `result()`, and `reset_state` if zero
    is not where they start.

    >>> import fastnn as fn
    >>> class Count(fn.metrics.Metric):
    ...     def __init__(self):
    ...         super().__init__(name="count")
    ...         self.total = self.add_variable(name="total")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.total.assign_add(float(len(y_pred)))
    ...     def result(self):
    ...         return self.total
    >>> float(Count()([1, 2], [3, 4]))
    2.0
    """

    _direction: str | None = None  # "up" if more is better, "down" if less: what callbacks ask

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "update_state" in vars(cls):
            cls.update_state = _beside_its_data(cls.update_state)  # type: ignore[method-assign]

    def __init__(self, dtype: str | None = None, name: str | None = None):
        self.name = name or auto_name(type(self).__name__)
        self._dtype = dtype
        self._variables: list[Variable] = []

    @property
    def dtype(self) -> str:
        """The dtype of the result."""
        return self._dtype or config.floatx()

    @property
    def variables(self) -> list[Variable]:
        """The totals."""
        return list(self._variables)

    def add_variable(
        self,
        shape: tuple = (),
        initializer: Any = "zeros",
        dtype: str | None = None,
        aggregation: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """A new total. `initializer` is "zeros", "ones", or what `initializers.get` takes."""
        dtype = dtype or "float64"
        key: Any = initializer if isinstance(initializer, str) else initializer and 0
        simple = {None: np.zeros, "zeros": np.zeros, "ones": np.ones}.get(key)
        if simple is not None:
            value = simple(shape, dtype)
        else:
            from fastnn import initializers

            function: Any = initializers.get(initializer)
            value = function(shape, dtype=dtype)
        variable = Variable(value, trainable=False, name=f"{self.name}/{name or 'variable'}")
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: tuple = (),
        initializer: Any = None,
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """Another name of `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Adds a batch."""
        raise NotImplementedError(f"{type(self).__name__} must override update_state")

    def result(self) -> Any:
        """The figure so far: a scalar Tensor, or a dict of them."""
        raise NotImplementedError(f"{type(self).__name__} must override result")

    def reset_state(self) -> None:
        """Sets all totals to zero."""
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict:
        """Arguments that make a metric like this one."""
        return {"name": self.name, "dtype": self._dtype}

    @classmethod
    def from_config(cls, config: dict) -> Metric:
        """The inverse of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Mean(Metric):
    """The (weighted) mean of values over all samples seen.

    A sample with several values counts once, with their mean.

    >>> import fastnn as fn
    >>> mean = fn.metrics.Mean()
    >>> mean.update_state([1.0, 3.0, 5.0, 7.0], sample_weight=[1, 1, 0, 0])
    >>> float(mean.result())
    2.0
    """

    def __init__(self, name: str | None = "mean", dtype: str | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values of shape (), [n] or [n, ...], with weights of the first axes of it."""
        if not isinstance(values, Tensor):
            values = from_data(values, None, f"{self.name}: values")
        if sample_weight is None:
            self.add(values)
        else:
            self._add_weighted(values, sample_weight)

    def add(self, values: Tensor) -> None:
        """Adds values without weights; they may be booleans. What a training step calls."""
        shape = values.shape
        size = values.size
        if size:
            rows = shape[0] if shape else 1
            _core.accumulate(self.total, self.count, values, rows / size, rows)

    def add_scaled(self, value: Tensor, rows: int) -> None:
        """Adds a scalar that is already the mean of `rows` samples."""
        _core.accumulate(self.total, self.count, value, rows, rows)

    def _add_weighted(self, values: Tensor, weight: Any) -> None:
        values = _core.copy(values.detach(), "float64")
        weight = weight.detach() if isinstance(weight, Tensor) else from_data(weight)
        ndim = min(weight.ndim, values.ndim)
        if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
            weight = ops.reshape(weight, weight.shape[:-1])
        if values.ndim > ndim:  # as Keras: values under one weight enter with their mean
            values = ops.mean(values, axis=tuple(range(ndim, values.ndim)))
        weight = fit_weight(weight, values.shape, "float64", self.name)
        weight = ops.broadcast_to(weight, values.shape)
        values = values * weight
        if values.ndim > 1:
            rest = tuple(range(1, values.ndim))
            values, weight = ops.mean(values, axis=rest), ops.mean(weight, axis=rest)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.sum(weight))

    def result(self) -> Tensor:
        """The mean so far; 0 before the first sample."""
        return _core.copy(self._mean(), self.dtype)

    def _mean(self) -> Tensor:
        count = _core.binary(self.count, constant(np.finfo(np.float64).tiny, "float64"), "maximum")
        return _core.binary(self.total, count, "div")

    def value(self) -> float:
        """The mean as a Python float."""
        return self._mean().item()

    def reset_state(self) -> None:
        _core.assign(self.total, _zero)
        _core.assign(self.count, _zero)


class Sum(Metric):
    """The (weighted) sum of values.

    >>> import fastnn as fn
    >>> float(fn.metrics.Sum()([1.0, 3.0, 5.0]))
    9.0
    """

    def __init__(self, name: str | None = "sum", dtype: str | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values of any shape, with weights of the first axes of it."""
        if not isinstance(values, Tensor):
            values = from_data(values, None, f"{self.name}: values")
        values = _core.copy(values.detach(), "float64")
        if sample_weight is not None:
            values = values * fit_weight(sample_weight, values.shape, "float64", self.name)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Tensor:
        return _core.copy(self.total, self.dtype)


class MeanMetricWrapper(Mean):
    """The mean of a function's values: `fn(y_true, y_pred, **options)`, a value per sample.

    >>> import fastnn as fn
    >>> m = fn.metrics.MeanMetricWrapper(fn.losses.mean_absolute_error, name="mae")
    >>> float(m([[1.0], [2.0]], [[1.0], [4.0]]))
    1.0
    """

    def __init__(
        self,
        fn: Callable,
        name: str | None = None,
        dtype: str | None = None,
        **options: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", "").strip("<>") or None, dtype)
        self._fn = fn
        self._options = options
        if not self._direction and getattr(fn, "__module__", "").startswith("fastnn.losses"):
            self._direction = "down"

    def update_state(  # type: ignore[override]  # a pair in place of the values
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Adds a batch.

        Raises:
            ValueError: shapes that do not fit, labels out of range.
        """
        if not isinstance(y_pred, Tensor):
            y_pred = from_data(y_pred, None, f"{self.name}: y_pred")
        if not isinstance(y_true, Tensor):
            y_true = from_data(y_true, None, f"{self.name}: y_true")
        previous = _core.set_grad_enabled(False)
        try:
            values = self._fn(y_true, y_pred, **self._options)
            if not isinstance(values, Tensor):
                values = from_data(values)
            if masks.state.in_use:
                mask = masks.get_mask(y_pred)
                sample_weight = masked_weight(mask, sample_weight, values, self.name)
            super().update_state(values, sample_weight)
        finally:
            _core.set_grad_enabled(previous)

    def get_config(self) -> dict:
        config = {**super().get_config(), **self._options}
        if type(self) is MeanMetricWrapper:
            config["fn"] = serialize_keras_object(self._fn)
        return config

    @classmethod
    def from_config(cls, config: dict) -> MeanMetricWrapper:
        return cls(**deserialize_keras_object(config))
