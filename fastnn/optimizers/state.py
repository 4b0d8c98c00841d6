"""An optimizer's state: counters, and slots of its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastnn import initializers
from fastnn.tensor import Tensor, Variable, move


class OptimizerState:
    """What an optimizer keeps from step to step: made by `build`, stored as arrays."""

    # Optimizer's
    use_ema: bool
    gradient_accumulation_steps: int | None
    _learning_rate: Any  # a Variable if it is a number
    _called_rate: Variable

    def __init__(self, name: str):
        self.name = name
        self.built = False
        self._parameters: list = []
        self._slots: dict[str, list] = {}
        self._slot_variables: list = []
        self._positions: dict[int, int] = {}
        self._iterations = self._counter(np.zeros((), np.int64), "iteration")

    def _counter(self, value: np.ndarray, name: str) -> Variable:
        return Variable(value, trainable=False, name=f"{self.name}/{name}")

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """The slots in the order of the primitive. Those of a group lie side by side in
        `variables`, as in Keras."""
        return ()

    def _initial(self, slot: str) -> Any:
        """The initializer of a slot."""
        return "zeros"

    def _slot_shape(self, slot: str, parameter: Variable) -> Sequence[int] | None:
        """The shape of a parameter's slot; None for one that has none."""
        return parameter.shape

    @property
    def iterations(self) -> Tensor:
        """The number of updates so far: of calls, over `gradient_accumulation_steps`."""
        steps = self.gradient_accumulation_steps
        return self._iterations // steps if steps else self._iterations

    def build(self, variables: Iterable[Variable]) -> None:
        """Makes the slots of `variables`. A second call does nothing."""
        if self.built:
            return
        self._parameters = list(variables)
        self._join(self._parameters)
        self._positions = {id(v): i for i, v in enumerate(self._parameters)}
        if self.use_ema:
            self._add_slots(("average",))
            for average, parameter in zip(self._slots["average"], self._parameters):
                average.assign(parameter.detach())
        if self.gradient_accumulation_steps:
            self._add_slots(("gradient_accumulator",))
        for group in self._slot_groups():
            self._add_slots(group)
        self.built = True

    def _join(self, variables: Sequence[Variable]) -> None:
        """Moves what was made before `variables` were known to where they lie."""
        for variable in self.state_variables() if variables else ():
            move(variable, variables[0].device)

    def _add_slots(self, group: tuple[str, ...]) -> None:
        for name in group:
            self._slots[name] = []
        for parameter in self._parameters:
            for name in group:
                shape, made = self._slot_shape(name, parameter), None
                if shape is not None:
                    start = self._initial(name)
                    made = self.add_variable_from_reference(parameter, name, start, shape)
                self._slots[name].append(made)

    def add_variable_from_reference(
        self,
        reference_variable: Variable,
        name: str | None = None,
        initializer: Any = "zeros",
        shape: Sequence[int] | None = None,
    ) -> Variable:
        """A new variable of the optimizer, of the dtype and, unless another one is given, of the
        shape of one of the model."""
        path = reference_variable.path.replace("/", "_")
        variable = Variable(
            initializers.get(initializer),
            reference_variable.shape if shape is None else shape,
            reference_variable.dtype,
            trainable=False,
            name=f"{self.name}/{path}_{name or 'var'}",
        )
        move(variable, reference_variable.device)
        self._slot_variables.append(variable)
        return variable

    # -- for an `update_step` of one's own ------------------------------------------------------

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """A new variable of the optimizer, of any shape."""
        made = initializers.get(initializer)
        variable = Variable(
            made, shape, dtype, trainable=False, name=f"{self.name}/{name or 'var'}"
        )
        self._slot_variables.append(variable)
        if self._parameters:
            move(variable, self._parameters[0].device)
        return variable

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: str, initializer: Any = "zeros"
    ) -> list[Variable]:
        """A new variable for each of the model's, as `add_variable_from_reference` makes it."""
        return [
            self.add_variable_from_reference(variable, name, initializer)
            for variable in trainable_variables
        ]

    def _get_variable_index(self, variable: Variable) -> int:
        """The number of one of the variables that the optimizer was built for."""
        return self._positions_of([variable])[0]

    def assign(self, variable: Variable, value: Any) -> None:
        """Sets a variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a variable."""
        variable.assign_sub(value)

    # -- the state ------------------------------------------------------------------------------

    @property
    def variables(self) -> list[Variable]:
        """The whole state: iteration, learning rate, slots (as Keras orders them)."""
        rate = [self._learning_rate] if isinstance(self._learning_rate, Variable) else []
        return [self._iterations, *rate, *self._slot_variables]

    def state_variables(self) -> list[Variable]:
        """All that a step reads and writes beside the parameters: what moves with them."""
        return [*self.variables, self._called_rate]

    def slot(self, name: str, variable: Variable) -> Variable:
        """The slot of that name of a variable."""
        return self._slots[name][self._positions[id(variable)]]

    def _positions_of(self, variables: list[Variable]) -> list[int]:
        try:
            return [self._positions[id(v)] for v in variables]
        except KeyError:
            unknown = [v.path for v in variables if id(v) not in self._positions]
            raise ValueError(
                f"{self.name}: built for other variables; unknown: {', '.join(unknown)}. "
                "Make a new optimizer, or build it for all variables first"
            ) from None

    # -- as arrays ------------------------------------------------------------------------------

    def save_own_variables(self, store: dict) -> None:
        """Puts every variable's array into `store` under its number."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = np.array(variable.numpy())

    def load_own_variables(self, store: dict) -> None:
        """The inverse of `save_own_variables`, for an optimizer built for the same parameters."""
        self.set_weights([store[str(i)] for i in range(len(store))])

    def set_weights(self, weights: Sequence) -> None:
        """Assigns the arrays `weights` to `variables`, one for one.

        Raises:
            ValueError: another number of arrays, or another shape.
        """
        variables = self.variables
        if len(weights) != len(variables):
            raise ValueError(
                f"{self.name}: expected {len(variables)} arrays (built: {self.built}), "
                f"got {len(weights)}"
            )
        for variable, value in zip(variables, weights):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise ValueError(
                    f"{self.name}: {variable.name} has shape {variable.shape}, "
                    f"but the array has {np.shape(value)}"
                )
        for variable, value in zip(variables, weights):
            variable.assign(np.asarray(value))
