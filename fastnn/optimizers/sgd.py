"""Stochastic gradient descent, with momentum.

Polyak (1964); Nesterov (1983), in the form of Sutskever et al., ICML 2013.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn.optimizers.optimizer import Common, Optimizer, Rate

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SGD(Optimizer):
    """Gradient descent: `w -= learning_rate * g`; with momentum `m = momentum * m - rate * g`,
    `w += m`, and with Nesterov's `w += momentum * m - rate * g`.

    The rate is inside the buffer: a changed rate acts on later gradients only.

    Args:
        momentum: from 0 to 1.
        nesterov: look ahead.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, a momentum outside [0, 1].

    >>> import fastnn as fn
    >>> fn.optimizers.SGD(0.1, momentum=0.9).get_config()["momentum"]
    0.9
    """

    settings = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def rule(self) -> str:
        """`sgd`, `momentum` or `nesterov`."""
        if not self.momentum:
            return "sgd"
        return "nesterov" if self.nesterov else "momentum"

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),) if self.momentum else ()

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.momentum,) if self.momentum else ()
