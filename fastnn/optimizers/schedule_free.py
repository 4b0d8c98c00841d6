"""Schedule-free AdamW.

Defazio et al., "The road less scheduled", NeurIPS 2024.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastnn.optimizers.adam import _Moments
from fastnn.optimizers.optimizer import Common, Rate
from fastnn.tensor import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ScheduleFreeAdamW(_Moments):
    """Adam's scaled steps on one sequence of weights, z, and the mean of that, x, in the place of a
    rate that falls; gradients are taken between the two.

    At step t: `v += (g^2 - v)(1 - beta_2)`, `z -= rate * g / (sqrt(v / (1 - beta_2^t)) + epsilon)`,
    `x += (z - x) / t`, and the variable is `(1 - beta_1) z + beta_1 x`. z is the slot `momentum`.
    As in Keras the variable stays between the two when training ends (the paper evaluates x), the
    mean is not weighted with the rates of the warm-up, and the weight decay acts on the variable.

    Args:
        beta_1: the share of the mean in the variable, above 0.
        beta_2: decay of the mean square.
        epsilon: added to the root of the corrected mean square.
        warmup_steps: steps over which the rate rises from 0.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, an argument out of its range.

    >>> import fastnn as fn
    >>> w = fn.Variable([1.0])
    >>> fn.optimizers.ScheduleFreeAdamW(0.5).apply([fn.tensor([3.0])], [w])
    >>> round(w.item(), 4)
    0.5
    """

    rule = "schedule_free"
    row_steps = False  # x moves without a gradient too
    settings = ("beta_1", "beta_2", "epsilon", "warmup_steps")

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        if beta_1 == 0:  # x could not be found again from the variable and z
            raise ValueError("ScheduleFreeAdamW: beta_1 must be above 0, got 0")
        self.warmup_steps = warmup_steps

    def _hyper_values(self) -> tuple[float, ...]:
        return (*super()._hyper_values(), self.warmup_steps)

    def build(self, variables: Iterable[Variable]) -> None:
        """Makes the slots of `variables`; z starts where they are."""
        if not self.built:
            super().build(variables)
            for z, variable in zip(self._slots["momentum"], self._parameters):
                z.assign(variable.detach())
