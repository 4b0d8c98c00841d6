"""The base of all optimizers: their state, and one native call a step."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.autograd import no_grad
from fastnn.ops.core import constant
from fastnn.optimizers.clipping import make_clip
from fastnn.tensor import Tensor, Variable, from_data
from fastnn.utils.naming import auto_name


class Optimizer:
    """What SGD, Adam ... share.

    A subclass names its slots (a variable of the parameter's shape each), and either the rule of
    the primitive `optimizer_step` that it is and the numbers which that reads after the learning
    rate, or it overrides `update_step`, which is called for each variable.

    Args:
        learning_rate: a float. Set it between steps: `optimizer.learning_rate = 0.01`.
        weight_decay: decoupled decay: before the update, `w -= w * weight_decay * learning_rate`.
        clipnorm: the largest norm of each gradient. At most one of the three may be given.
        clipvalue: the largest absolute value of a gradient's element.
        global_clipnorm: the largest norm of all gradients together.
        name: of the optimizer, the prefix of its variables' names.

    Variables, in Keras's order: `iteration`, `learning_rate`, then the slots of each parameter.
    The learning rate is float64, so that 0.001 reads back as 0.001.
    """

    rule: Any = ""
    nesterov = False
    amsgrad = False

    def __init__(
        self,
        learning_rate: float = 0.001,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ):
        self.name = name or auto_name(type(self).__name__)
        self.built = False
        self._steps: dict = {}
        self._parameters: list = []
        self._slots: dict[str, list] = {}
        self._slot_variables: list = []
        self._positions: dict[int, int] = {}
        self._no_decay: set[int] = set()
        rate = _as_rate(learning_rate)
        self.iterations = Variable(
            np.zeros((), np.int64), trainable=False, name=f"{self.name}/iteration"
        )
        self._learning_rate = Variable(
            np.asarray(rate), trainable=False, name=f"{self.name}/learning_rate"
        )
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        make_clip(clipnorm, clipvalue, global_clipnorm)  # raises for bad values

    def __setattr__(self, name: str, value: Any) -> None:
        # Prepared steps hold the public settings; a changed one means to prepare them again.
        if name[0] != "_" and name != "learning_rate":
            self.__dict__["_steps"] = {}
        object.__setattr__(self, name, value)

    # -- settings of the rule -------------------------------------------------------------------

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """The slots in the order of the primitive. Those of a group lie side by side in
        `variables`, as in Keras."""
        return ()

    def _hyper_values(self) -> tuple[float, ...]:
        """What the rule reads after the learning rate."""
        return ()

    # -- the learning rate ----------------------------------------------------------------------

    @property
    def learning_rate(self) -> Variable:
        """A scalar Variable; assigning a float to it changes it from the next step on."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            value = float(value)
        self._learning_rate.assign(np.asarray(_as_rate(value)))

    # -- state ----------------------------------------------------------------------------------

    def build(self, variables: Iterable[Variable]) -> None:
        """Makes the slots of `variables`, all zero. A second call does nothing."""
        if self.built:
            return
        self._parameters = list(variables)
        self._positions = {id(v): i for i, v in enumerate(self._parameters)}
        for group in self._slot_groups():
            slots: list[list] = [[] for _ in group]
            for parameter in self._parameters:
                for made, slot in zip(slots, group):
                    made.append(self.add_variable_from_reference(parameter, slot))
            self._slots.update(zip(group, slots))
        self.built = True

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None
    ) -> Variable:
        """A new variable of the optimizer, zero, like one of the model."""
        path = reference_variable.path.replace("/", "_")
        variable = Variable(
            np.zeros(reference_variable.shape, reference_variable.dtype),
            trainable=False,
            name=f"{self.name}/{path}_{name or 'var'}",
        )
        self._slot_variables.append(variable)
        return variable

    @property
    def variables(self) -> list[Variable]:
        """The whole state: iteration, learning rate, slots (as Keras orders them)."""
        return [self.iterations, self._learning_rate, *self._slot_variables]

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

    # -- a step ---------------------------------------------------------------------------------

    def apply(self, gradients: Sequence, variables: Sequence[Variable] | None = None) -> None:
        """One step: clips the gradients, decays the weights, updates them in place.

        Args:
            gradients: a Tensor for each variable, or None for one that is not to be changed.
            variables: the variables; without them, those the optimizer was built for.

        Raises:
            ValueError: all gradients are None, or their number is not that of the variables, or
                a variable that is not among those the optimizer was built for.

        >>> import fastnn as fn, numpy as np
        >>> w = fn.Variable(np.ones(3, np.float32))
        >>> fn.optimizers.SGD(0.5).apply([fn.tensor(np.ones(3, np.float32))], [w])
        >>> w.numpy()
        array([0.5, 0.5, 0.5], dtype=float32)
        """
        if variables is None:
            if not self.built:
                raise ValueError(f"{self.name}: apply needs variables before build was called")
            variables = self._parameters
        if len(gradients) != len(variables):
            raise ValueError(
                f"{self.name}: got {len(gradients)} gradients for {len(variables)} variables"
            )
        if not self.built:
            self.build(variables)
        self.prepared(variables)(gradients)

    def apply_gradients(self, grads_and_vars: Iterable[tuple]) -> None:
        """`apply` for (gradient, variable) pairs."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])

    def prepared(self, variables: Sequence[Variable]) -> Callable[[Sequence], None]:
        """A function of the gradients alone that does one step: what `fit` calls.

        Everything that does not change from step to step is looked up once, here. It is valid
        until a setting of the optimizer (other than the learning rate) is changed.
        """
        key = tuple(map(id, variables))
        step = self._steps.get(key)
        if step is None:
            step = self._steps[key] = self._prepare(list(variables))
        return step

    def _prepare(self, variables: list[Variable]) -> Callable[[Sequence], None]:
        update = self._native_update(variables) if self.rule else self._composed_update(variables)
        clip = make_clip(self.clipnorm, self.clipvalue, self.global_clipnorm)
        decay = self._decay(variables)
        constrained = [v for v in variables if getattr(v, "constraint", None) is not None]
        iterations, one = self.iterations, constant(1, "int64")
        assign, binary = _core.assign, _core.binary

        def step(gradients: Sequence) -> None:
            for gradient in gradients:
                if gradient is None:
                    return self._apply_some(gradients, variables)
            if clip is not None:
                gradients = clip(gradients)
            if decay is not None:
                decay()
            update(gradients)
            for variable in constrained:
                variable.assign(variable.constraint(variable).detach())
            assign(iterations, binary(iterations, one, "add"))

        return step

    def _native_update(self, variables: list[Variable]) -> Callable[[Sequence], None]:
        positions = self._positions_of(variables)
        names = [slot for group in self._slot_groups() for slot in group]
        slots = [self._slots[name][i] for name in names for i in positions]
        rate, iterations = self._learning_rate, self.iterations
        numbers = self._hyper_values()
        hyper = Variable(np.array((rate.item(), *numbers)), trainable=False, name="hyper")
        version = rate._version
        rule, nesterov, amsgrad = self.rule, bool(self.nesterov), bool(self.amsgrad)
        optimizer_step = _core.optimizer_step

        def update(gradients: Sequence) -> None:
            nonlocal version
            if rate._version != version:
                hyper.assign(np.array((rate.item(), *numbers)))
                version = rate._version
            optimizer_step(variables, slots, gradients, hyper, iterations, rule, nesterov, amsgrad)

        return update

    def _composed_update(self, variables: list[Variable]) -> Callable[[Sequence], None]:
        self._positions_of(variables)
        rate = self._learning_rate

        def update(gradients: Sequence) -> None:
            with no_grad():
                for gradient, variable in zip(gradients, variables):
                    self.update_step(gradient, variable, _core.copy(rate, variable.dtype))

        return update

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Changes one variable in place, for optimizers that are no rule of the primitive.

        Args:
            gradient, learning_rate: in the variable's dtype.
        """
        raise NotImplementedError(f"{type(self).__name__} must override update_step")

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

    def _apply_some(self, gradients: Sequence, variables: list[Variable]) -> None:
        """A step of the variables that have a gradient."""
        pairs = [(g, v) for g, v in zip(gradients, variables) if g is not None]
        if not pairs:
            raise ValueError(f"{self.name}: no gradients for any variable (all are None)")
        missing = [v.path for g, v in zip(gradients, variables) if g is None]
        warnings.warn(f"{self.name}: no gradients for {', '.join(missing)}", stacklevel=4)
        self.prepared([v for _, v in pairs])([g for g, _ in pairs])

    # -- weight decay ---------------------------------------------------------------------------

    def exclude_from_weight_decay(
        self,
        var_list: Sequence[Variable] | None = None,
        var_names: Sequence[str] | None = None,
    ) -> None:
        """Spares variables from weight decay: those in `var_list`, and those whose path holds a
        word of `var_names`. Call it before the optimizer is built."""
        if self.built:
            raise ValueError(f"{self.name}: exclude_from_weight_decay must come before build")
        self._no_decay.update(map(id, var_list or ()))
        self._no_decay_names = tuple(var_names or ())

    _no_decay_names: tuple[str, ...] = ()

    def _decay(self, variables: list[Variable]) -> Callable[[], None] | None:
        if not self.weight_decay:
            return None
        decayed = [
            v
            for v in variables
            if id(v) not in self._no_decay
            and not any(word in v.path for word in self._no_decay_names)
        ]
        if not decayed:
            return None
        rate, amount = self._learning_rate, float(self.weight_decay)

        def decay() -> None:
            _core.scale_list(decayed, from_data(np.float64(1.0 - rate.item() * amount)))

        return decay

    # -- configuration --------------------------------------------------------------------------

    def get_config(self) -> dict:
        """Arguments that make an optimizer like this one (without its state)."""
        return {
            "name": self.name,
            "learning_rate": self._learning_rate.item(),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
        }

    @classmethod
    def from_config(cls, config: dict) -> Optimizer:
        """The inverse of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} learning_rate={self._learning_rate.item():g}>"


def _as_rate(value: float) -> float:
    """Checks a learning rate: Keras takes floats only, so that Adam(1) is found out."""
    if isinstance(value, (float, np.floating)) or (
        getattr(value, "dtype", None) is not None
        and tuple(value.shape) == ()
        and str(value.dtype).startswith("float")
    ):
        return float(value)
    raise ValueError(f"learning_rate must be a float, got {value!r} of type {type(value).__name__}")
