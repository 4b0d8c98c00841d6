"""Adam and what was made of it: AdamW, Adamax, Nadam.

Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015 (Adam in the form before
section 2.1, with epsilon beside the uncorrected root; Adamax: section 7.1); AMSGrad: Reddi et al.,
ICLR 2018; AdamW: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019; Nadam:
Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.optimizers.optimizer import Common, Optimizer, Rate
from fastnn.tensor import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Moments(Optimizer):
    """Two means of the gradient, and the numbers that go with them."""

    settings: tuple[str, ...] = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.beta_1, self.beta_2, self.epsilon)


class Adam(_Moments):
    """Steps scaled by running means of the gradient and of its square.

    At step t: `m += (g - m)(1 - beta_1)`, `v += (g^2 - v)(1 - beta_2)`,
    `w -= m * rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v) + epsilon)`.

    Args:
        beta_1, beta_2: decay of the two means.
        epsilon: added to the root of the mean square (not PyTorch's place for it).
        amsgrad: divide by the largest v so far.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float.

    >>> import fastnn as fn
    >>> fn.optimizers.Adam().get_config()["epsilon"]
    1e-07
    """

    settings = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        self.amsgrad = amsgrad

    @property
    def rule(self) -> str:
        """`adam` or `amsgrad`."""
        return "amsgrad" if self.amsgrad else "adam"

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        first = super()._slot_groups()
        return (*first, ("velocity_hat",)) if self.amsgrad else first


class AdamW(Adam):
    """Adam with decoupled weight decay of 0.004.

    Raises:
        ValueError: a rate that is not a float, no weight decay.

    >>> import fastnn as fn
    >>> fn.optimizers.AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Any,
    ):
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **common
        )
        if self.weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a float, got None")


class Adamax(_Moments):
    """Adam with the largest recent gradient in the place of the root of the mean square.

    At step t: `m += (g - m)(1 - beta_1)`, `u = max(beta_2 * u, |g|)`,
    `w -= m * rate / (1 - beta_1^t) / (u + epsilon)`.

    Args:
        beta_1, beta_2: decay of the mean, and of the maximum.
        epsilon: added to the maximum.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float.

    >>> import fastnn as fn
    >>> fn.optimizers.Adamax().rule
    'adamax'
    """

    rule = "adamax"

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "norm"),)


class Nadam(_Moments):
    """Adam that looks ahead as Nesterov's momentum does.

    With `u(t) = beta_1 * (1 - 0.5 * 0.96^t)` and the product p of those so far, at step t: m and v
    as Adam's, `ahead = u(t + 1) * m / (1 - p * u(t + 1)) + (1 - u(t)) * g / (1 - p)`,
    `w -= rate * ahead / (sqrt(v / (1 - beta_2^t)) + epsilon)`.

    Args:
        beta_1, beta_2: decay of the two means.
        epsilon: added to the root of the corrected mean square.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float.

    >>> import fastnn as fn
    >>> fn.optimizers.Nadam().rule
    'nadam'
    """

    rule = "nadam"

    def build(self, variables: Iterable[Variable]) -> None:
        """Makes the slots of `variables`, and the product."""
        if not self.built:
            super().build(variables)
            self._product = self._counter(np.ones(()), "u_product")
            self._slot_variables.append(self._product)
            self._join(self._parameters)
