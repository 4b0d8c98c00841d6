"""Adagrad.

Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
optimization", JMLR 2011.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.initializers import Constant
from fastnn.optimizers.optimizer import Common, Optimizer, Rate

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares: a rate that falls for each weight
    as it is used.

    `a += g^2`, `w -= rate * g / sqrt(a + epsilon)`.

    Args:
        initial_accumulator_value: what `a` starts at.
        epsilon: added to the sum, inside the root.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float.

    >>> import fastnn as fn
    >>> fn.optimizers.Adagrad().get_config()["initial_accumulator_value"]
    0.1
    """

    rule = "adagrad"
    settings = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulator",),)

    def _initial(self, slot: str) -> Any:
        if slot == "accumulator":
            return Constant(self.initial_accumulator_value)
        return super()._initial(slot)

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.epsilon,)
