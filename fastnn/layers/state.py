"""What a layer owns: variables, sublayers, metrics, seed generators and losses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import constraints, initializers, regularizers
from fastnn.context import context
from fastnn.dtypes import is_float, standardize_dtype
from fastnn.random import SeedGenerator
from fastnn.tensor import Tensor, Variable
from fastnn.utils.naming import counted
from fastnn.utils.tracking import Tracker, configuration_changed

if TYPE_CHECKING:
    from typing_extensions import Self

    from fastnn.layers.symbolic import Node


def is_metric(value: Any) -> bool:
    """Whether a value behaves like a metric, whose classes live above layers."""
    return hasattr(value, "update_state") and hasattr(value, "reset_state")


def _is_variable(value: Any) -> bool:
    return isinstance(value, Variable)


def _is_trainable(value: Any) -> bool:
    return isinstance(value, Variable) and value.trainable


def _is_layer(value: Any) -> bool:
    return isinstance(value, LayerState)


def _is_seed_generator(value: Any) -> bool:
    return isinstance(value, SeedGenerator)


def _within_budget(who: str, shape: tuple) -> Any:
    """The initializer of a weight that will be read from a file: nothing is drawn, and an
    architecture that wants more weights than the file holds gets no memory."""
    context.budget -= math.prod(shape)
    if context.budget < 0:
        raise ValueError(f"{who}: the file holds fewer weights than the architecture has")
    return "zeros"


class LayerState:
    """The state of a layer, tracked through its attributes."""

    # Attributes that change without changing what a call computes.
    _quiet = frozenset(("built", "history", "stop_evaluating", "stop_predicting", "stop_training"))
    name: str  # Layer's
    variable_dtype: Any
    # Kept in vars(self), past __setattr__.
    built: bool
    _init_arguments: tuple[tuple, dict]
    _trainable_variables: list[Variable]
    _non_trainable_variables: list[Variable]
    _layers: list[Any]
    _metrics: list[Any]
    _seed_generators: list[SeedGenerator]
    _losses: list[Any]
    _unnamed: dict[str, int]  # how many weights were made without a name
    _inbound_nodes: list[Node]
    _trainable: bool
    _mode: int
    _tracker: Tracker

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        store = vars(self)  # past __setattr__, which needs all this
        layers: list = []
        metrics: list = []
        seeds: list = []
        trainable: list = []
        non_trainable: list = []
        store.update(
            _init_arguments=(args, kwargs),
            _trainable_variables=trainable,
            _non_trainable_variables=non_trainable,
            _layers=layers,
            _metrics=metrics,
            _seed_generators=seeds,
            _losses=[],
            _unnamed={},
            _inbound_nodes=[],
            _trainable=True,
            _mode=0,
            built=False,
        )

        store["_tracker"] = Tracker(
            {
                "trainable": (_is_trainable, trainable),
                "non_trainable": (_is_variable, non_trainable),
                "metrics": (is_metric, metrics),
                "layers": (_is_layer, layers),
                "seeds": (_is_seed_generator, seeds),
            }
        )
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        if type(value) not in (bool, int, float, str, type(None)):
            value = self._tracker.track(value)
        if name not in self._quiet:
            configuration_changed()
        object.__setattr__(self, name, value)
        vars(self)["_mode"] = 0

    def __delattr__(self, name: str) -> None:
        value = vars(self).get(name)
        object.__delattr__(self, name)
        self._tracker.untrack(value)
        configuration_changed()

    def add_weight(
        self,
        shape: tuple | int | None = None,
        initializer: Any = None,
        dtype: str | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable that belongs to the layer.

        Args:
            shape: its shape, () if None.
            initializer: a name, initializer, function of (shape, dtype) or array; glorot_uniform
                for floating-point dtypes and zeros for others if None.
            dtype: the layer's if None.
            trainable: whether optimizers change it.
            regularizer: a function of the variable whose result is added to the loss.
            constraint: a function of the variable that is applied after each update.
            name: what files and messages call it; variable, variable_1 ... of the layer if None.
        """
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape or ())
        if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape):
            raise ValueError(f"{self.name}: add_weight: shape must be integers, got {shape}")
        dtype = standardize_dtype(dtype or self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        name = name or counted("variable", self._unnamed)
        if context.budget is not None:
            initializer = _within_budget(self.name, shape)
        variable = Variable(
            initializers.get(initializer), shape=shape, dtype=dtype, trainable=trainable, name=name
        )
        variable.path = "/".join((*(context.path or (self.name,)), name))
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._track_variable(variable)
        return variable

    def _track_variable(self, variable: Variable) -> None:
        self._tracker.track(variable)
        if not self._trainable:
            variable.trainable = False
        vars(self)["_mode"] = 0

    @property
    def trainable(self) -> bool:
        """Whether the layer's weights are trained; setting it sets all sublayers' too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        vars(self)["_trainable"] = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = bool(value)
        for layer in self._layers:
            layer.trainable = value
        configuration_changed()

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> Iterator:
        """The layer and all its sublayers, each once, in depth-first order."""
        seen = set()

        def walk(layer: LayerState, depth: int) -> Iterator:
            if id(layer) in seen:
                return
            seen.add(id(layer))
            if depth or include_self:
                yield layer
            if recursive or depth == 0:
                for sublayer in layer._layers:
                    yield from walk(sublayer, depth + 1)

        return walk(self, 0)

    def _collect(self, with_seeds: bool) -> list[Variable]:
        found: dict[int, Variable] = {}
        for layer in self._flatten_layers():
            own = layer._trainable_variables + layer._non_trainable_variables
            if with_seeds:
                own = own + [seed.state for seed in layer._seed_generators]
            for variable in own:
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """All variables of the layer and its sublayers: each layer's trainable, then its others."""
        return self._collect(with_seeds=False)

    @property
    def variables(self) -> list[Variable]:
        """The weights and the states of seed generators."""
        return self._collect(with_seeds=True)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that optimizers change."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that optimizers leave alone."""
        return [v for v in self.weights if not v.trainable] if self._trainable else self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers change: trainable_weights."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that optimizers leave alone, states of seed generators included."""
        if not self._trainable:
            return self.variables
        return [v for v in self.variables if not v.trainable]

    @property
    def metrics(self) -> list:
        """The metrics of the layer and its sublayers."""
        return [metric for layer in self._flatten_layers() for metric in layer._metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of all metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights as NumPy arrays, in the order of ``weights``."""
        return [np.array(variable.numpy()) for variable in self.weights]

    def set_weights(self, weights: list) -> None:
        """Sets the weights from arrays in the order of ``weights``.

        Raises:
            ValueError: their number or a shape differs; nothing is changed then.
        """
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(
                f"{self.name}: set_weights got {len(weights)} array(s), the layer has "
                f"{len(variables)} weights: {', '.join(v.name for v in variables) or 'none'}"
            )
        arrays = [np.asarray(value) for value in weights]
        for variable, array in zip(variables, arrays):
            if tuple(variable.shape) != array.shape:
                raise ValueError(
                    f"{self.name}: set_weights: {variable.name} has shape {variable.shape}, got "
                    f"an array of shape {array.shape}"
                )
        for variable, array in zip(variables, arrays):
            variable.assign(array)

    def count_params(self) -> int:
        """The number of elements of all weights."""
        if not self.built:
            raise ValueError(
                f"{self.name}: count_params: the layer is not built; call it on data first, or "
                "build(input_shape)"
            )
        return sum(variable.size for variable in self.weights)

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar tensor (or a list of them) to the loss; valid until the next call."""
        for value in loss if isinstance(loss, (list, tuple)) else [loss]:
            if isinstance(value, Tensor) and value.shape != ():
                raise ValueError(
                    f"{self.name}: add_loss expects a scalar, got a tensor of shape {value.shape}"
                )
            self._losses.append(value)
            context.losses = True
            vars(self)["_mode"] = 0  # the general call clears them

    @property
    def losses(self) -> list:
        """What was added by ``add_loss`` in the last call, then the regularizers' losses."""
        losses = [loss for layer in self._flatten_layers() for loss in layer._losses]
        for variable in self.trainable_weights:
            if variable.regularizer is not None:
                losses.append(variable.regularizer(variable))
        return losses

    def _clear_losses(self) -> None:
        for layer in self._flatten_layers():
            layer._losses.clear()
