"""Learning rates that are functions of the step, with Keras 3's names and formulas.

A schedule gets the step count as a tensor and returns the rate as a 0-d float64 tensor, so that a
recorded training step follows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from fastnn import ops
from fastnn.ops.core import constant
from fastnn.optimizers.settings import check_positive, check_range
from fastnn.tensor import Tensor
from fastnn.utils.numbers import number
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object
from fastnn.utils.tracking import Configured

_NOT_NEGATIVE = (0, math.inf, False)  # a range; see `check_range`


class LearningRateSchedule(Configured):
    """Base class: override `__call__(step)`, and `get_config` to make it loadable.

    >>> import fastnn as fn
    >>> class Halving(fn.optimizers.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 * 0.5 ** fn.ops.cast(step, "float64")
    >>> optimizer = fn.optimizers.SGD(Halving())
    """

    settings: tuple[str, ...] = ()  # arguments, for get_config
    ranges: ClassVar[dict] = {}  # of arguments of its own; see `check_range`

    def __setattr__(self, name: str, value: Any) -> None:
        check_range(self, name, value)
        super().__setattr__(name, value)

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must override __call__(step)")

    def get_config(self) -> dict:
        """The arguments to make an equal schedule with."""
        return {name: getattr(self, name) for name in self.settings}

    @classmethod
    def from_config(cls, config: dict) -> LearningRateSchedule:
        """The inverse of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class _Decay(LearningRateSchedule):
    """What starts at a rate and takes a number of steps."""

    def __init__(self, initial_learning_rate: float, decay_steps: float, name: str):
        check_positive(self, "decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.name = name


class _RatedDecay(_Decay):
    """What falls by a rate every `decay_steps`, gradually or, as a staircase, at once."""

    settings = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ):
        super().__init__(initial_learning_rate, decay_steps, name or type(self).__name__)
        self.decay_rate = decay_rate
        self.staircase = staircase

    def _passed(self, step: Any) -> Tensor:
        passed = _float(step) / self.decay_steps
        return ops.floor(passed) if self.staircase else passed


class ExponentialDecay(_RatedDecay):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`; the quotient is rounded down
    for a staircase: a rate that is halved every 5 epochs of 100 steps is
    `ExponentialDecay(rate, decay_steps=500, decay_rate=0.5, staircase=True)`.

    Raises:
        ValueError: a negative rate, decay_steps that are not positive.

    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20).item()
    0.025
    """

    def __call__(self, step: Any) -> Tensor:
        return self.initial_learning_rate * self.decay_rate ** self._passed(step)


class InverseTimeDecay(_RatedDecay):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`; the quotient is rounded
    down for a staircase.

    Raises:
        ValueError: a negative rate, decay_steps that are not positive.

    >>> InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)(10).item()
    0.05
    """

    def __call__(self, step: Any) -> Tensor:
        return self.initial_learning_rate / (1 + self.decay_rate * self._passed(step))


class InverseSquareRootDecay(_Decay):
    """`initial_learning_rate / sqrt(step / decay_steps + 1)`: the "1/t decay" of Hung-yi Lee,
    "Understanding deep learning in one day", 2016, with t counted in units of `decay_steps`.

    With the number of steps of an epoch for `decay_steps`, t is the number of epochs. (That
    course's other schedule, a factor every few epochs, is a staircase of `ExponentialDecay`.)

    Raises:
        ValueError: a negative rate, decay_steps that are not positive.

    >>> [InverseSquareRootDecay(0.1)(step).item() for step in (0, 3, 99)]
    [0.1, 0.05, 0.01]
    """

    settings = ("initial_learning_rate", "decay_steps", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float = 1,
        name: str = "InverseSquareRootDecay",
    ):
        super().__init__(initial_learning_rate, decay_steps, name)

    def __call__(self, step: Any) -> Tensor:
        return self.initial_learning_rate / ops.sqrt(_float(step) / self.decay_steps + 1)


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` up to and including step `boundaries[i]`, then the next.

    Args:
        boundaries: steps, rising.
        values: rates, one more than boundaries.

    Raises:
        TypeError: what is no list of numbers.
        ValueError: another number of values, negative ones, boundaries that do not rise.

    >>> schedule = PiecewiseConstantDecay([2], [1.0, 0.5])
    >>> [schedule(step).item() for step in range(4)]
    [1.0, 1.0, 1.0, 0.5]
    """

    settings = ("boundaries", "values", "name")

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ):
        boundaries = self._numbers("boundaries", boundaries)
        values = self._numbers("values", values)
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: {len(boundaries)} boundaries need "
                f"{len(boundaries) + 1} values, got {len(values)}"
            )
        if any(b <= a for a, b in pairwise(boundaries)):
            raise ValueError(f"PiecewiseConstantDecay: boundaries must rise, got {boundaries}")
        if not all(value >= 0 for value in values):
            raise ValueError(f"PiecewiseConstantDecay: values must be at least 0, got {values}")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    @staticmethod
    def _numbers(name: str, given: Any) -> list[float]:
        what = f"PiecewiseConstantDecay: {name}"
        if not isinstance(given, (list, tuple)) and getattr(given, "ndim", 0) != 1:
            raise TypeError(f"{what} must be a list of numbers, got {given!r}")
        return [number(what, one, "finite numbers") for one in given]

    def __call__(self, step: Any) -> Tensor:
        step = _float(step)
        rate = constant(self.values[-1], "float64")
        for boundary, value in list(zip(self.boundaries, self.values))[::-1]:
            rate = ops.where(step <= boundary, constant(value, "float64"), rate)
        return rate


class PolynomialDecay(_Decay):
    """From `initial_learning_rate` to `end_learning_rate` along `(1 - step / decay_steps) **
    power`.

    Args:
        cycle: begin again, each time over twice, three times ... `decay_steps`, instead of staying
            at the end.

    Raises:
        ValueError: a negative rate, decay_steps that are not positive.

    >>> PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)(5).item()
    0.05
    """

    settings = (
        "initial_learning_rate",
        "decay_steps",
        "end_learning_rate",
        "power",
        "cycle",
        "name",
    )
    ranges: ClassVar[dict] = {"power": _NOT_NEGATIVE}

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        super().__init__(initial_learning_rate, decay_steps, name)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle

    def __call__(self, step: Any) -> Tensor:
        passed = _float(step) / self.decay_steps
        if self.cycle:
            passed = passed / ops.maximum(ops.ceil(passed), 1.0)
        else:
            passed = ops.minimum(passed, 1.0)
        change = self.initial_learning_rate - self.end_learning_rate
        return change * (1 - passed) ** self.power + self.end_learning_rate


class CosineDecay(_Decay):
    """Half a cosine from the initial rate to `alpha` of it, after a linear warm-up if asked.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Args:
        alpha: the least rate, as a fraction.
        warmup_target: the rate to which `warmup_steps` lead from the initial one, and from which
            the decay starts; None for no warm-up.

    Raises:
        ValueError: a negative rate, decay_steps that are not positive.

    >>> CosineDecay(0.1, decay_steps=10)(5).item()
    0.05
    """

    settings = (
        "initial_learning_rate",
        "decay_steps",
        "alpha",
        "name",
        "warmup_target",
        "warmup_steps",
    )
    ranges: ClassVar[dict] = {"alpha": _NOT_NEGATIVE}

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        super().__init__(initial_learning_rate, decay_steps, name)
        self.alpha = alpha
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Tensor:
        step = _float(step)
        start, target = self.initial_learning_rate, self.warmup_target
        if target is None:
            return start * self._fraction(step)
        decayed = target * self._fraction(step - self.warmup_steps)
        if not self.warmup_steps:
            return decayed
        warm = (target - start) * (step / self.warmup_steps) + start
        return ops.where(step < self.warmup_steps, warm, decayed)

    def _fraction(self, step: Tensor) -> Tensor:
        return _cosine(ops.minimum(step / self.decay_steps, 1.0), 1.0, self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine again and again, each `t_mul` times as long and `m_mul` times as high.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Args:
        alpha: the least rate, as a fraction of the first.

    Raises:
        ValueError: a negative rate, first_decay_steps that are not positive.

    >>> CosineDecayRestarts(0.1, first_decay_steps=10)(20).item()
    0.05
    """

    settings = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")
    ranges: ClassVar[dict] = dict.fromkeys(("m_mul", "alpha"), _NOT_NEGATIVE)

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        check_positive(self, "first_decay_steps", first_decay_steps)
        check_positive(self, "t_mul", t_mul)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        passed = _float(step) / self.first_decay_steps
        if self.t_mul == 1:
            restarts = ops.floor(passed)
            passed = passed - restarts
        else:  # the first n of them take (t_mul^n - 1) / (t_mul - 1)
            grown = 1 + passed * (self.t_mul - 1)
            restarts = ops.floor(ops.log(grown) / math.log(self.t_mul))
            for restart, moved in ((restarts + 1, 1.0), (restarts, -1.0)):  # logarithms are rounded
                late = passed >= (self.t_mul**restart - 1) / (self.t_mul - 1)
                restarts = ops.where(late == (moved > 0), restarts + moved, restarts)
            length = self.t_mul**restarts
            passed = (passed - (length - 1) / (self.t_mul - 1)) / length
        return self.initial_learning_rate * _cosine(passed, self.m_mul**restarts, self.alpha)


Rate = float | LearningRateSchedule | Callable[[], Any]  # what an optimizer takes


def as_rate(value: Any, owner: str) -> float:
    """Checks a learning rate of at least 0: Keras takes floats only, so that Adam(1) is found
    out."""
    if isinstance(value, (float, np.floating)) or (
        getattr(value, "dtype", None) is not None
        and tuple(value.shape) == ()
        and str(value.dtype).startswith("float")
    ):
        if value >= 0:
            return float(value)
        raise ValueError(f"{owner}: learning_rate must be at least 0, got {float(value)}")
    raise ValueError(
        f"{owner}: learning_rate must be a float, a schedule or a function, "
        f"got {value!r} of type {type(value).__name__}"
    )


def _float(step: Any) -> Tensor:
    return ops.cast(step, "float64")


def _cosine(passed: Tensor, height: Any, alpha: float) -> Tensor:
    return (1 - alpha) * (0.5 * height * (1 + ops.cos(math.pi * passed))) + alpha


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict:
    """`{"class_name": ..., "config": ...}`."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: dict, custom_objects: dict | None = None) -> LearningRateSchedule:
    """The inverse of `serialize`."""
    return deserialize_keras_object(config, custom_objects)
