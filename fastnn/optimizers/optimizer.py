"""The base of all optimizers: their state, and one native call a step."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from fastnn import _core, ops
from fastnn.autograd import no_grad
from fastnn.captured import before_replay
from fastnn.optimizers.schedules import LearningRateSchedule, Rate, as_rate
from fastnn.optimizers.settings import Common, check_range, check_settings
from fastnn.optimizers.state import OptimizerState
from fastnn.optimizers.update import composed_update, goes, native_update
from fastnn.tensor import Tensor, Variable, from_data
from fastnn.utils.naming import auto_name
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object
from fastnn.utils.tracking import configuration_changed, watched


class Optimizer(OptimizerState):
    """What SGD, Adam ... share.

    A subclass names its slots (a variable of the parameter's shape each), and either the rule of
    the primitive `optimizer_step` that it is and the numbers which that reads, or it overrides
    `update_step`, which is called for each variable.

    Args:
        learning_rate: a float, a schedule, or a function without arguments. A float may be set
            between steps: `optimizer.learning_rate = 0.01`.
        weight_decay: decoupled decay, at least 0: before the update, `w -= w * weight_decay *
            learning_rate`. Where a text has `w <- 0.99 w - learning_rate * g`, that is `SGD` with
            `weight_decay=0.01 / learning_rate`: here the decay follows the rate when that changes,
            there it stays. For `SGD` without momentum the regularizer `L2(l)`, whose gradient is
            `2 l w`, is `weight_decay=2 * l`; elsewhere that gradient is rescaled with the loss's.
        clipnorm: the largest norm of each gradient: a longer one becomes `g * clipnorm / norm(g)`.
        clipvalue: the largest absolute value of a gradient's element.
        global_clipnorm: the largest norm of all gradients together. At most one of the three may
            be given, a positive number; None or 0 is for no clipping.
        use_ema: keep a moving average of each variable,
            `average = ema_momentum * average + (1 - ema_momentum) * w`, which starts at the
            variable after the first step and takes its place at the end of `fit`.
        ema_overwrite_frequency: the averages take the variables' place every so many steps.
        loss_scale_factor: gradients are divided by it: those of `scale_loss(loss)`.
        gradient_accumulation_steps: one update, with the mean gradient, every so many calls.
        name: of the optimizer, the prefix of its variables' names.

    Raises:
        ValueError: a rate that is no float or negative; a setting out of its range, also when it is
            assigned later. The message names the optimizer and the setting.

    A RowGradient (`fit` has one for `Embedding`, which says when) changes its rows and the same
    rows of the slots alone: elsewhere neither momentum nor weights decay. Adam's corrections count
    the optimizer's steps, not a row's, as in PyTorch's SparseAdam. With `row_steps = False` (Lamb
    and others whose numbers are of a whole variable) it is a gradient full of zeros.

    Clipping (Pascanu et al., "On the difficulty of training recurrent neural networks", ICML 2013)
    tames gradients that are large, not those that are not finite, and does not hide them. NaN stays
    NaN, and spreads: over its own gradient with `clipnorm`, over all of them with
    `global_clipnorm`. Infinity becomes the limit with `clipvalue`, NaN with `clipnorm` (the other
    elements 0), and makes all gradients NaN with `global_clipnorm`. A norm whose square is too
    large for the dtype (in float32 a norm above 1.8e19) counts as infinite.

    Variables, in Keras's order: `iteration`, `learning_rate`, averages, accumulators, then the
    slots of each parameter. The learning rate is float64, so that 0.001 reads back as 0.001.
    All that changes from step to step is in arrays.
    """

    rule: Any = ""
    row_steps = True  # whether a RowGradient changes its rows alone
    settings: tuple[str, ...] = ()  # arguments of its own, for get_config
    probes = False  # whether training steps are to call `probe`; see VSGD
    ranges: ClassVar[dict] = {}  # of settings of its own; see `check_range`

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name or auto_name(type(self).__name__))
        self._steps: dict = {}
        self._no_decay: set[int] = set()
        self._product: Variable | None = None
        self._learning_rate: Any = learning_rate
        self._called_rate = self._counter(np.zeros(()), "learning_rate")
        if not callable(learning_rate):
            rate = np.asarray(as_rate(learning_rate, type(self).__name__))
            self._learning_rate = self._counter(rate, "learning_rate")
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        check_settings(self)

    def __setattr__(self, name: str, value: Any) -> None:
        # Prepared steps hold the public settings; a changed one means to prepare them again.
        if name[0] != "_" and name != "learning_rate":
            check_range(self, name, value)
            self.__dict__["_steps"] = {}
            configuration_changed()
            value = watched(value)
        object.__setattr__(self, name, value)

    # -- settings of the rule -------------------------------------------------------------------

    def _hyper_values(self) -> tuple[float, ...]:
        """The numbers that the rule reads."""
        return ()

    # -- the learning rate ----------------------------------------------------------------------

    @property
    def learning_rate(self) -> Tensor:
        """A scalar Variable (assigning a float to it changes it from the next step on), or what
        the schedule or the function says now."""
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        if isinstance(self._learning_rate, LearningRateSchedule):
            rate = self._learning_rate(self._iterations)
        else:
            if not before_replay(self._call_rate, "a Python function gives the learning rate"):
                self._call_rate()
            rate = self._called_rate
        return rate if isinstance(rate, Tensor) else from_data(np.float64(rate))

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        if callable(value):
            self._learning_rate, self._steps = value, {}
            configuration_changed()
            return
        rate = as_rate(_floating(value), type(self).__name__)
        if not isinstance(self._learning_rate, Variable):
            raise TypeError(
                f"{self.name}: its learning rate is {self._learning_rate!r} and cannot be set to "
                f"{value!r}; make the optimizer with a float"
            )
        self._learning_rate.assign(np.asarray(rate))

    def _call_rate(self) -> None:
        """What the function says now, into the Variable that the step reads."""
        said = self._learning_rate()
        try:
            self._called_rate.assign(np.float64(as_rate(_floating(said), self.name)))
        except ValueError:
            raise ValueError(
                f"{self.name}: the function of the learning rate returned {said!r}, expected a "
                "number of at least 0"
            ) from None

    # -- a step ---------------------------------------------------------------------------------

    def apply(self, gradients: Sequence, variables: Sequence[Variable] | None = None) -> None:
        """One step: clips the gradients, decays the weights, updates them in place.

        Args:
            gradients: a Tensor or RowGradient for each variable, None for one to leave alone.
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
        self.prepared(variables)(gradients)

    def apply_gradients(self, grads_and_vars: Iterable[tuple]) -> Tensor:
        """`apply` for (gradient, variable) pairs; returns the number of updates so far."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self.iterations

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
        check_settings(self)
        self.build(variables)
        positions = self._positions_of(variables)
        slots = {name: [all_[i] for i in positions] for name, all_ in self._slots.items()}
        update = (native_update if self.rule else composed_update)(self, variables, slots)
        constrained = [v for v in variables if getattr(v, "constraint", None) is not None]

        def step(gradients: Sequence) -> None:
            for gradient in gradients:
                if gradient is None:
                    return self._apply_some(gradients, variables)
            update(gradients)
            for variable in constrained:
                value = variable.constraint(variable).detach()
                if self._loss_scale is not None:
                    value = ops.where(goes(self._loss_scale), value, variable.detach())
                variable.assign(value)

        return step

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Changes one variable in place, for optimizers that are no rule of the primitive; gradient
        (always whole) and rate are in the variable's dtype."""
        raise NotImplementedError(f"{type(self).__name__} must override update_step")

    def _stepper(self, variables: list[Variable]) -> Callable[[Sequence, Tensor], None]:
        """A function of gradients and rate that steps `variables` where there is no rule."""
        dtypes = {v.dtype for v in variables}

        def take_steps(gradients: Sequence, rate: Tensor) -> None:
            rates = {dtype: _core.copy(rate, dtype) for dtype in dtypes}
            for gradient, variable in zip(gradients, variables):
                self.update_step(gradient, variable, rates[variable.dtype])

        return take_steps

    def _apply_some(self, gradients: Sequence, variables: list[Variable]) -> None:
        """A step of the variables that have a gradient."""
        pairs = [(g, v) for g, v in zip(gradients, variables) if g is not None]
        if not pairs:
            raise ValueError(f"{self.name}: no gradients for any variable (all are None)")
        missing = [v.path for g, v in zip(gradients, variables) if g is None]
        warnings.warn(f"{self.name}: no gradients for {', '.join(missing)}", stacklevel=4)
        rest = [v for g, v in zip(gradients, variables) if g is None] if self.use_ema else []
        count = self._iterations + 0  # of calls before this one
        self.prepared([v for _, v in pairs])([g for g, _ in pairs])
        with no_grad():
            self._average(rest, count)

    def _average(self, variables: list[Variable], count: Tensor) -> None:
        """Moves the averages of variables that have not stepped."""
        often = self.ema_overwrite_frequency
        steps = self.gradient_accumulation_steps or 1
        for variable in variables:
            average = self.slot("average", variable)
            kept = ops.cast(count >= steps, variable.dtype) * self.ema_momentum
            moved = kept * average + (1 - kept) * variable
            scale = self._loss_scale
            average.assign(moved if scale is None else ops.where(goes(scale), moved, average))
            if often:
                is_due = (count // steps + 1) % often == 0
                variable.assign(ops.where(is_due, average, variable))

    _loss_scale: Tensor | None = None

    def _divide_by(self, loss_scale: Tensor | None) -> None:
        """From now on gradients are divided by this, too; a step in which it is not a positive
        finite number changes nothing."""
        self._loss_scale = loss_scale

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times `loss_scale_factor`, to take gradients of."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Puts the moving averages in the place of the variables, if there are any."""
        for variable in var_list if self.use_ema else ():
            if id(variable) in self._positions:
                variable.assign(self.slot("average", variable))

    def exclude_from_weight_decay(
        self,
        var_list: Sequence[Variable] | None = None,
        var_names: Sequence[str] | None = None,
    ) -> None:
        """Spares variables from weight decay: those in `var_list`, and those in whose name one of
        the regular expressions `var_names` is found. Call it before the optimizer is built."""
        if self.built:
            raise ValueError(f"{self.name}: exclude_from_weight_decay must come before build")
        self._no_decay = set(map(id, var_list or ()))
        self._no_decay_names = tuple(map(re.compile, var_names or ()))

    _no_decay_names: tuple[re.Pattern, ...] = ()

    def decays(self, variable: Variable) -> bool:
        """Whether a variable takes part in weight decay."""
        return id(variable) not in self._no_decay and not any(
            pattern.search(variable.name) for pattern in self._no_decay_names
        )

    def _decay_of(self, variable: Variable) -> float:
        """The weight decay of a variable, where `update_step` is overridden."""
        return self.weight_decay or 0.0 if self.decays(variable) else 0.0

    # -- configuration --------------------------------------------------------------------------

    def get_config(self) -> dict:
        """Arguments that make an optimizer like this one (without its state)."""
        rate = self._learning_rate
        return {
            "learning_rate": rate.item()
            if isinstance(rate, Variable)
            else serialize_keras_object(rate),
            **{name: getattr(self, name) for name in (*self.settings, *Common.__annotations__)},
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Optimizer:
        """The inverse of `get_config`."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": deserialize_keras_object(rate, custom_objects)}
        return cls(**config)

    def __repr__(self) -> str:
        rate = self._learning_rate
        shown = f"{rate.item():g}" if isinstance(rate, Variable) else repr(rate)
        return f"<{type(self).__name__} {self.name} learning_rate={shown}>"


def _floating(value: Any) -> Any:
    """An integer, also one that is a Tensor, as a float; else the value itself."""
    kind = "int64" if type(value) is int else getattr(value, "dtype", None)
    whole = kind in ("int32", "int64") and getattr(value, "shape", ()) == ()
    return float(value) if whole else value
