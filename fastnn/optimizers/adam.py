"""Adam and AdamW.

Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015 (the form before section
2.1, with epsilon beside the uncorrected root); AMSGrad: Reddi et al., ICLR 2018; AdamW: Loshchilov
and Hutter, "Decoupled weight decay regularization", ICLR 2019.
"""

from __future__ import annotations

from fastnn.optimizers.optimizer import Optimizer


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square.

    At step t: `m += (g - m)(1 - beta_1)`, `v += (g^2 - v)(1 - beta_2)`,
    `w -= m * rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v) + epsilon)`.

    Args:
        beta_1, beta_2: decay of the two means.
        epsilon: added to the root of the mean square (not PyTorch's place for it).
        amsgrad: divide by the largest v so far.

    Raises:
        ValueError: a rate that is not a float.

    >>> import fastnn as fn
    >>> fn.optimizers.Adam().get_config()["epsilon"]
    1e-07
    """

    rule = "adam"

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        first = ("momentum", "velocity")
        return (first, ("velocity_hat",)) if self.amsgrad else (first,)

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.beta_1, self.beta_2, self.epsilon)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


class AdamW(Adam):
    """Adam with decoupled weight decay of 0.004.

    >>> import fastnn as fn
    >>> fn.optimizers.AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ):
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            name,
        )
