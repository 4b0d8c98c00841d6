"""A loss scale that adapts itself.

Micikevicius et al., "Mixed precision training", ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastnn import _core, ops
from fastnn.autograd import no_grad
from fastnn.optimizers.optimizer import Optimizer
from fastnn.optimizers.update import goes
from fastnn.row_gradient import RowGradient
from fastnn.tensor import Tensor, Variable
from fastnn.utils.integers import integer
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object

_SCALES = 2.0**-126, 2.0**126  # of float32: the normal numbers whose inverse is one, too


class LossScaleOptimizer(Optimizer):
    """Another optimizer, for gradients of a loss times a factor that grows as long as they are
    finite, so that small ones do not vanish.

    A step with a gradient that is not finite halves the factor and changes nothing else; the factor
    doubles after `dynamic_growth_steps` good steps in a row. It stays from 2**-126 to 2**126, where
    Keras's goes on to 0 or infinity and never returns. Python does not ask whether a step was a
    good one, so steps are recorded; only with an inner optimizer that probes (VSGD) or is no rule
    of `optimizer_step` (Muon) it does. A Python function that gives the learning rate is called for
    every step, also for one that changes nothing.

    Args:
        inner_optimizer: what takes the steps; its own `loss_scale_factor` becomes the factor. All
            other settings (weight decay, clipping, ...) are its own, and act on true gradients.
        initial_scale: the first factor, from 2**-126 to 2**126.
        dynamic_growth_steps: see above.
        name: of the optimizer.

    Raises:
        TypeError: an inner optimizer that is none, a number of steps that is no integer.
        ValueError: a scale beyond these, or a number of steps that is not positive.

    >>> import fastnn as fn
    >>> optimizer = fn.optimizers.LossScaleOptimizer(fn.optimizers.SGD(0.5), initial_scale=4.0)
    >>> w = fn.Variable([1.0])
    >>> optimizer.build([w])
    >>> value, gradient = fn.value_and_grad(lambda w: optimizer.scale_loss(w.sum()))(w)
    >>> value.item(), gradient.item()
    (4.0, 4.0)
    >>> optimizer.apply([gradient], [w])
    >>> w.item()
    0.5
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ):
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(
                f"LossScaleOptimizer: inner_optimizer must be an optimizer, got {inner_optimizer!r}"
            )
        least, most = _SCALES
        if not least <= initial_scale <= most:
            raise ValueError(
                "LossScaleOptimizer: initial_scale must be from 2**-126 to 2**126, "
                f"got {initial_scale}"
            )
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = integer(
            "LossScaleOptimizer: dynamic_growth_steps", dynamic_growth_steps, 1
        )
        self._probed_well = True
        self._applied = self._counter(np.float32(0), "applied_scale")
        inner_optimizer.loss_scale_factor = None

    @property
    def learning_rate(self) -> Tensor:
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self) -> Tensor:
        """The inner optimizer's steps: those that were taken."""
        return self.inner_optimizer.iterations

    @property
    def variables(self) -> list[Variable]:
        """The state: its own, then the inner optimizer's."""
        return [*super().variables, *self.inner_optimizer.variables]

    def build(self, variables: Iterable[Variable]) -> None:
        """Makes the counter, the scale and what the inner optimizer needs for `variables`."""
        if self.built:
            return
        variables = list(variables)
        self._counted = self._counter(np.zeros((), np.int32), "step_counter")
        self._scale = self._counter(np.float32(self.initial_scale), "dynamic_scale")
        self._slot_variables += [self._counted, self._scale]
        self.inner_optimizer.build(variables)
        super().build(variables)

    def state_variables(self) -> list[Variable]:
        """All that a step reads and writes beside the parameters: what moves with them."""
        return [*super().state_variables(), self._applied]

    @property
    def dynamic_scale(self) -> Tensor | float:
        """The factor now."""
        return self._scale if self.built else self.initial_scale

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times the factor, to take gradients of."""
        return loss * ops.cast(self.dynamic_scale, loss.dtype)

    @property
    def probes(self) -> bool:  # type: ignore[override]
        """Whether the inner optimizer needs probes."""
        return self.inner_optimizer.probes

    def probe(
        self, gradients: Sequence, variables: Sequence[Variable], again: Callable[[], Sequence]
    ) -> None:
        """That of the inner optimizer; a gradient that is not finite makes the next step one that
        halves the factor."""
        self.build(variables)
        with no_grad():
            self._applied.assign(self._scale_for(gradients))
        self._probed_well = goes(self._applied).item()
        if not self._probed_well:
            return

        def repeated() -> Sequence:
            found = again()
            with no_grad():
                self._probed_well = goes(self._scale_for(found)).item()
            return found

        inner: Any = self.inner_optimizer
        with self._dividing():
            inner.probe(gradients, variables, repeated)

    @contextmanager
    def _dividing(self) -> Iterator[None]:
        """Lets the inner optimizer divide by the factor: by this one alone, and no longer."""
        inner = self.inner_optimizer
        if inner.loss_scale_factor is not None:
            inner.loss_scale_factor = None
        inner._divide_by(self._applied)
        try:
            yield
        finally:
            inner._divide_by(None)

    def _scale_for(self, gradients: Sequence) -> Tensor:
        """The factor if all numbers of the gradients are finite, else 0 or, of an infinite factor,
        NaN."""
        scale: Tensor = self._scale
        for good in _finite(gradients):
            scale = scale * ops.cast(good, "float32")
        return scale

    def _prepare(self, variables: list[Variable]) -> Callable[[Sequence], None]:
        self.build(variables)
        inner = self.inner_optimizer

        def step(gradients: Sequence) -> None:
            with no_grad():
                self._applied.assign(self._scale_for(gradients) if self._probed_well else 0.0)
            if self._probed_well:
                with self._dividing():
                    inner.prepared(variables)(gradients)
            self._probed_well = True
            with no_grad():
                good = goes(self._applied)
                grows = ops.logical_and(good, self._counted == self.dynamic_growth_steps - 1)
                factor = ops.where(good, ops.where(grows, 2.0, 1.0), 0.5)
                counts = ops.logical_and(good, ops.logical_not(grows))
                self._counted.assign(ops.where(counts, self._counted + 1, 0))
                scale = self._scale * ops.cast(factor, "float32")
                self._scale.assign(ops.clip(scale, *_SCALES))

        return step

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """As the inner optimizer's."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict:
        """Arguments that make an optimizer like this one (without its state)."""
        inner = serialize_keras_object(self.inner_optimizer)
        inner["config"]["loss_scale_factor"] = None
        return {
            "name": self.name,
            "inner_optimizer": inner,
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Optimizer:
        """The inverse of `get_config`."""
        inner = deserialize_keras_object(config["inner_optimizer"], custom_objects)
        return cls(**{**config, "inner_optimizer": inner})


def _finite(gradients: Sequence) -> list[Tensor]:
    """Whether all numbers of the gradients are, for each dtype."""
    if not {RowGradient, type(None)}.isdisjoint(map(type, gradients)):
        gradients = [part for g in gradients for part in _parts(g)]
    dtypes = dict.fromkeys(x.dtype for x in gradients)
    of_dtype = [[x for x in gradients if x.dtype == dtype] for dtype in dtypes]
    return [_core.reduce_list(same, "all_finite") for same in of_dtype]


def _parts(gradient: Any) -> list:
    """The Tensors of a gradient."""
    if type(gradient) is RowGradient:
        return [values for _, values in gradient.parts if values is not None]
    return [] if gradient is None else [gradient]
