"""Follow the regularized leader.

McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013; l2 shrinkage and beta as
in TensorFlow's and Keras's form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.initializers import Constant
from fastnn.optimizers.optimizer import Common, Optimizer, Rate

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Ftrl(Optimizer):
    """For large and sparse linear models: weights with little evidence are exactly zero.

    With `a' = a + g^2` and `p = -learning_rate_power`: `linear += g + 2 * shrinkage * w
    - (a'^p - a^p) / rate * w`, `quadratic = a'^p / rate + 2 * l2 + beta / rate`,
    `w = (clip(linear, -l1, l1) - linear) / quadratic`.

    Args:
        learning_rate_power: at most 0; how fast the rate falls.
        initial_accumulator_value: what `a` starts at, at least 0.
        l1_regularization_strength, l2_regularization_strength: at least 0.
        l2_shrinkage_regularization_strength: at least 0; acts on the gradient only.
        beta: see above.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, an argument on the wrong side of 0.

    >>> import fastnn as fn
    >>> fn.optimizers.Ftrl().get_config()["learning_rate_power"]
    -0.5
    """

    rule = "ftrl"
    settings = (
        "learning_rate_power",
        "initial_accumulator_value",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
        "beta",
    )

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        if learning_rate_power > 0:
            raise ValueError(
                f"Ftrl: learning_rate_power must be at most 0, got {learning_rate_power}"
            )
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulator", "linear"),)

    def _initial(self, slot: str) -> Any:
        if slot == "accumulator":
            return Constant(self.initial_accumulator_value)
        return super()._initial(slot)

    def _hyper_values(self) -> tuple[float, ...]:
        return (
            self.learning_rate_power,
            self.l1_regularization_strength,
            self.l2_regularization_strength,
            self.l2_shrinkage_regularization_strength,
            self.beta,
        )
