"""AdaSecant.

Gulcehre, Moczulski and Bengio, "ADASECANT: robust adaptive secant method for stochastic gradient",
arXiv 1412.7419, 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.optimizers.optimizer import Common, Optimizer, Rate

if TYPE_CHECKING:
    from typing_extensions import Unpack

_MEANS = (
    "gradient",
    "gradient_square",
    "spread",
    "likeness",
    "step",
    "step_square",
    "change",
    "change_square",
    "product",
)
_LAST = ("last_gradient", "last_direction", "last_step")


class AdaSecant(Optimizer):
    """Rates from how much the gradient changes over a step, without tuning and without a second
    gradient.

    Let d be the direction that is taken, s the last step, a the change of d since the last step,
    and E running means. Then `w -= learning_rate * rate * d` with
    `rate = sqrt(E[s^2]) / sqrt(E[a^2]) - cov(a, s) / E[a^2]`: the expected secant `s / a`, to first
    order. The direction is the gradient with less noise, `d = (g + c E[g]) / (1 + c)`, where
    `c = E[(g - g')(g - E[g])] / E[(g - E[g])(g' - E[g])]`, of which the absolute value up to
    `most_smoothing` is taken; g' is the gradient of the step before.

    Means look as far back as `memory = (1 - E[s]^2 / E[s^2]) * memory + 1`, and after an outlier of
    g or a, of more than two standard deviations, 2.2 steps.

    These formulas are the paper's. Choices of this class: gradients are not divided by the norm of
    a layer's mean gradient first (rates grow as gradients shrink, so little changes without); c is
    taken by its absolute value, where the authors' code has roots of mean squares for both of its
    means; a is the change of d, theirs of g; all means look back by `memory`, theirs of g by a
    fixed decay; memory is at least 1.5, as there; a negative rate counts as 0; the first step has a
    length of its own, and where the gradient does not change each step is as long as the last.

    Args:
        learning_rate: a factor of all rates; 1 is the paper's.
        first_step: how far each weight moves in the first step, against its gradient's sign.
        most_smoothing: bound of c.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, an argument that is not positive.

    >>> import fastnn as fn
    >>> w = fn.Variable([5.0])
    >>> optimizer = fn.optimizers.AdaSecant()
    >>> gradient = fn.grad(lambda w: (1000.0 * w**2).sum())
    >>> for _ in range(200):
    ...     optimizer.apply([gradient(w)], [w])
    >>> abs(w.item()) < 0.2
    True
    """

    rule = "adasecant"
    row_steps = False  # memories grow without a gradient too
    settings = ("first_step", "most_smoothing")

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        first_step: float = 0.001,
        most_smoothing: float = 1.8,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        for name, value in (("first_step", first_step), ("most_smoothing", most_smoothing)):
            if not value > 0:
                raise ValueError(f"AdaSecant: {name} must be positive, got {value}")
        self.first_step = first_step
        self.most_smoothing = most_smoothing

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return ((*_MEANS, *_LAST, "memory"),)

    def _initial(self, slot: str) -> Any:
        return "ones" if slot == "memory" else super()._initial(slot)

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.first_step, self.most_smoothing)
