"""RMSprop.

Tieleman and Hinton, "Lecture 6.5: divide the gradient by a running average of its recent
magnitude", Coursera 2012; centered: Graves, "Generating sequences with recurrent neural networks",
2013.
"""

from __future__ import annotations

from fastnn import ops
from fastnn.optimizers.optimizer import Optimizer
from fastnn.tensor import Tensor, Variable


class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square.

    `v = rho * v + (1 - rho) * g^2`, `w -= rate * g / sqrt(v + epsilon)`; centered, the square of
    the running mean is taken off v; with momentum, `m = momentum * m + rate * g / sqrt(...)`,
    `w -= m`. Composed of element-wise operations.

    Raises:
        ValueError: a rate that is not a float.

    >>> import fastnn as fn
    >>> fn.optimizers.RMSprop().get_config()["rho"]
    0.9
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        groups = [("velocity",)]
        if self.momentum > 0:
            groups.append(("momentum",))
        if self.centered:
            groups.append(("average_gradient",))
        return tuple(groups)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        velocity = self.slot("velocity", variable)
        velocity.assign(self.rho * velocity + (1 - self.rho) * ops.square(gradient))
        spread: Tensor = velocity
        if self.centered:
            average = self.slot("average_gradient", variable)
            average.assign(self.rho * average + (1 - self.rho) * gradient)
            spread = velocity - ops.square(average)
        change = learning_rate * gradient / ops.sqrt(spread + self.epsilon)
        if self.momentum > 0:
            momentum = self.slot("momentum", variable)
            momentum.assign(self.momentum * momentum + change)
            change = momentum
        variable.assign_sub(change)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
