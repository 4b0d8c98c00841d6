"""Different optimizers for different variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from typing import Any

from fastnn import ops
from fastnn.optimizers.loss_scale import LossScaleOptimizer
from fastnn.optimizers.optimizer import Optimizer
from fastnn.optimizers.update import goes
from fastnn.tensor import Tensor, Variable
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object


def _checked(optimizer: Any, who: str, what: str) -> Optimizer:
    """An optimizer that may be one of several."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{who}: {what} must be an optimizer, got {optimizer!r}")
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ValueError(f"{who}: {what} cannot be a {type(optimizer).__name__}")
    return optimizer


class OptimizerMap(MutableMapping):
    """From paths of variables, or regular expressions that match whole paths, to optimizers.

    Args:
        default_optimizer: for paths that nothing matches.
        optimizer_map: a dictionary to begin with.

    Raises:
        TypeError: something that is not an optimizer.
        ValueError: a key that is there already; at a look-up, a path that several keys match.

    >>> import fastnn as fn
    >>> chosen = OptimizerMap(fn.optimizers.SGD(name="usual"))
    >>> chosen["encoder/.*"] = fn.optimizers.Adam(name="other")
    >>> chosen["encoder/dense/kernel"].name, chosen["dense/kernel"].name
    ('other', 'usual')
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict | None = None):
        self.default_optimizer = _checked(default_optimizer, "OptimizerMap", "default_optimizer")
        self._optimizers: dict[str, Optimizer] = {}
        self.update(optimizer_map or {})

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizers:
            return self._optimizers[key]
        found = [pattern for pattern in self._optimizers if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"OptimizerMap: {key!r} matches {', '.join(map(repr, found))}")
        return self._optimizers[found[0]] if found else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if key in self._optimizers:
            raise ValueError(f"OptimizerMap: {key!r} has an optimizer already")
        self._optimizers[key] = _checked(optimizer, "OptimizerMap", f"the value of {key!r}")

    def __delitem__(self, key: str) -> None:
        del self._optimizers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizers)

    def __len__(self) -> int:
        return len(self._optimizers)

    def __call__(self, variable: Variable) -> Optimizer:
        return self[variable.path]

    def get_config(self) -> dict:
        """Arguments that make a map like this one."""
        return {
            "default_optimizer": serialize_keras_object(self.default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizers),
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> OptimizerMap:
        """The inverse of `get_config`."""
        return cls(**deserialize_keras_object(config, custom_objects))


def _of(items: Sequence, places: list[int]) -> list:
    return [items[i] for i in places]


class MultiOptimizer(Optimizer):
    """Steps every variable with the optimizer that is chosen for it.

    There is no learning rate of all: set those of the members of `optimizers`.

    Args:
        optimizer_map: an OptimizerMap, or a function from a variable to an optimizer.
        loss_scale_factor: that of all optimizers, whatever they were made with.
        name: of the optimizer.

    Raises:
        TypeError: a function that returns something else.
        ValueError: it returns a MultiOptimizer or a LossScaleOptimizer.

    >>> import fastnn as fn
    >>> a, b = fn.Variable([1.0], name="a"), fn.Variable([1.0], name="b")
    >>> rates = {"a": fn.optimizers.SGD(0.5), "b": fn.optimizers.SGD(0.25)}
    >>> optimizer = fn.optimizers.MultiOptimizer(lambda variable: rates[variable.path])
    >>> optimizer.apply([fn.tensor([1.0]), fn.tensor([1.0])], [a, b])
    >>> a.item(), b.item()
    (0.5, 0.75)
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ):
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizers: list[Optimizer] = []
        self.optimizer_map = optimizer_map
        self._chosen: dict[int, Optimizer] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._include(optimizer)

    def _include(self, optimizer: Optimizer) -> None:
        if all(optimizer is not known for known in self.optimizers):
            self.optimizers.append(optimizer)

    @property
    def learning_rate(self) -> Tensor:
        """There is none: an AttributeError."""
        raise AttributeError("MultiOptimizer has no learning rate: see those of its `optimizers`")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError("MultiOptimizer has no learning rate: set those of its `optimizers`")

    @property
    def variables(self) -> list[Variable]:
        """The state: its own, then that of each optimizer."""
        return [*super().variables, *(v for each in self.optimizers for v in each.variables)]

    def build(self, variables: Iterable[Variable]) -> None:
        """Chooses an optimizer for each of `variables`, and builds them."""
        if self.built:
            return
        super().build(variables)
        for variable in self._parameters:
            what = f"the optimizer of {variable.path}"
            optimizer = _checked(self.optimizer_map(variable), "MultiOptimizer", what)
            self._chosen[id(variable)] = optimizer
            self._include(optimizer)
        for optimizer, own in self._shares(self._parameters):
            optimizer.build([self._parameters[i] for i in own])

    def _shares(self, variables: Sequence[Variable]) -> list[tuple[Optimizer, list[int]]]:
        """Each optimizer that has some of `variables`, with their places."""
        chosen = [self._chosen[id(v)] for v in variables]
        shares = [
            (each, [i for i, o in enumerate(chosen) if o is each]) for each in self.optimizers
        ]
        return [(each, own) for each, own in shares if own]

    def _prepare(self, variables: list[Variable]) -> Callable[[Sequence], None]:
        self.build(variables)
        self._positions_of(variables)
        parts = [(each, own, _of(variables, own)) for each, own in self._shares(variables)]
        self._pass_scale_on()

        def step(gradients: Sequence) -> None:
            for gradient in gradients:
                if gradient is None:
                    return self._apply_some(gradients, variables)
            for optimizer, own, theirs in parts:
                optimizer.prepared(theirs)(_of(gradients, own))
            taken: Any = 1
            if self._loss_scale is not None:
                taken = ops.cast(goes(self._loss_scale), "int64")
            self._iterations.assign_add(taken)

        return step

    def _divide_by(self, loss_scale: Tensor | None) -> None:
        super()._divide_by(loss_scale)
        for each in self.optimizers:
            each._divide_by(loss_scale)

    def _pass_scale_on(self) -> None:
        for each in self.optimizers:
            if each.loss_scale_factor != self.loss_scale_factor:
                each.loss_scale_factor = self.loss_scale_factor

    @property
    def probes(self) -> bool:  # type: ignore[override]
        """Whether one of its `optimizers` needs probes."""
        return any(each.probes for each in self.optimizers)

    def probe(
        self, gradients: Sequence, variables: Sequence[Variable], again: Callable[[], Sequence]
    ) -> None:
        """Those of its optimizers that need one, each with a gradient of its own: the variables of
        the others stay where they are."""
        self.build(variables)
        self._pass_scale_on()
        for optimizer, own in self._shares(variables):
            if optimizer.probes:
                each: Any = optimizer
                theirs = _of(gradients, own), _of(variables, own)
                each.probe(*theirs, lambda own=own: _of(again(), own))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """As each variable's optimizer does."""
        known = [v for v in var_list if id(v) in self._chosen]
        for optimizer, own in self._shares(known):
            optimizer.finalize_variable_values([known[i] for i in own])

    def get_config(self) -> dict:
        """Arguments that make an optimizer like this one (without its state)."""
        return {
            "optimizer_map": serialize_keras_object(self.optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Optimizer:
        """The inverse of `get_config`."""
        return cls(**deserialize_keras_object(config, custom_objects))
