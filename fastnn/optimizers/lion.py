"""Lion.

Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fastnn.optimizers.optimizer import Common, Optimizer, Rate

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Lion(Optimizer):
    """Steps of one size: the sign of a mean of the gradient.

    `w -= rate * sign(beta_1 * m + (1 - beta_1) * g)`, then `m = beta_2 * m + (1 - beta_2) * g`.
    The paper's rates are 3 to 10 times smaller than Adam's, its weight decay as much larger.

    Args:
        beta_1: weight of the mean against the new gradient, above 0 and at most 1.
        beta_2: decay of the mean.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, beta_1 out of range.

    >>> import fastnn as fn
    >>> fn.optimizers.Lion().get_config()["beta_2"]
    0.99
    """

    rule = "lion"
    settings = ("beta_1", "beta_2")
    ranges: ClassVar[dict] = {"beta_1": (0, 1, True)}

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Lion: beta_1 must be above 0 and at most 1, got {beta_1}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),)

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.beta_1, self.beta_2)
