"""Adadelta.

Zeiler, "ADADELTA: an adaptive learning rate method", arXiv 1212.5701, 2012.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn.optimizers.optimizer import Common, Optimizer, Rate

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adadelta(Optimizer):
    """Steps in the units of the weights: gradients scaled by the running size of past changes over
    that of past gradients.

    `a = rho * a + (1 - rho) * g^2`, `d = g * sqrt(c + epsilon) / sqrt(a + epsilon)`,
    `c = rho * c + (1 - rho) * d^2`, `w -= rate * d`. In the paper the rate is 1.

    Args:
        rho: decay of the two means.
        epsilon: added to both, inside the roots.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float.

    >>> import fastnn as fn
    >>> fn.optimizers.Adadelta(1.0).get_config()["rho"]
    0.95
    """

    rule = "adadelta"
    settings = ("rho", "epsilon")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.epsilon = epsilon

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulated_grad", "accumulated_delta_var"),)

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.rho, self.epsilon)
