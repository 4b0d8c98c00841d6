"""Stochastic gradient descent, with momentum.

Polyak (1964); Nesterov (1983), in the form of Sutskever et al., ICML 2013.
"""

from __future__ import annotations

from fastnn.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent: `w -= learning_rate * g`; with momentum `m = momentum * m - rate * g`,
    `w += m`, and with Nesterov's `w += momentum * m - rate * g`.

    The rate is inside the buffer: a changed rate acts on later gradients only.

    Args:
        momentum: from 0 to 1, a float.
        nesterov: look ahead.

    Raises:
        ValueError: a rate that is not a float, a momentum outside [0, 1].

    >>> import fastnn as fn
    >>> fn.optimizers.SGD(0.1, momentum=0.9).get_config()["momentum"]
    0.9
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name)
        if not isinstance(momentum, float) or not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum must be a float in [0, 1], got {momentum!r}")
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def rule(self) -> str:
        return "momentum" if self.momentum else "sgd"

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),) if self.momentum else ()

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.momentum,) if self.momentum else ()

    def get_config(self) -> dict:
        config = super().get_config()
        return {**config, "momentum": self.momentum, "nesterov": self.nesterov}
