"""RMSprop.

Tieleman and Hinton, "Lecture 6.5: divide the gradient by a running average of its recent
magnitude", Coursera 2012; centered: Graves, "Generating sequences with recurrent neural networks",
2013.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn.optimizers.optimizer import Common, Optimizer, Rate

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square.

    `v = rho * v + (1 - rho) * g^2`, `w -= rate * g / sqrt(v + epsilon)`; centered, the square of
    the running mean is taken off v; with momentum, `m = momentum * m + rate * g / sqrt(...)`,
    `w -= m`.

    Args:
        rho: decay of the means.
        momentum: of the steps, 0 for none.
        epsilon: added to the mean square, inside the root.
        centered: divide by the standard deviation instead.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float.

    >>> import fastnn as fn
    >>> fn.optimizers.RMSprop().get_config()["rho"]
    0.9
    """

    settings = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    @property
    def rule(self) -> str:
        """`rmsprop`, `rmsprop_momentum`, `rmsprop_centered` or `rmsprop_centered_momentum`."""
        return "rmsprop" + "_centered" * bool(self.centered) + "_momentum" * bool(self.momentum > 0)

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        groups = [("velocity",)]
        if self.momentum > 0:
            groups.append(("momentum",))
        if self.centered:
            groups.append(("average_gradient",))
        return tuple(groups)

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.rho, self.epsilon, *([self.momentum] if self.momentum > 0 else ()))
