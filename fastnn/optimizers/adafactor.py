"""Adafactor.

Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastnn.optimizers.optimizer import Common, Optimizer, Rate
from fastnn.optimizers.settings import check_number, check_positive
from fastnn.tensor import Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adafactor(Optimizer):
    """Steps scaled by running mean squares of the gradient, of which a matrix keeps those of its
    rows and of its columns.

    At step t, with `s = g^2 + epsilon_1` and `b = 1 - t^beta_2_decay`: a matrix (the last two axes
    of anything larger) has `r = b r + (1 - b) mean of s along the rows`, c likewise along the
    columns, `v = r c / mean(r)`; anything smaller has `v = b v + (1 - b) s`. Then
    `u = g / sqrt(v)`, divided by `rms(u) / clip_threshold` where that is above 1, and
    `w -= max(epsilon_2, rms(w)) * min(rate, 1 / sqrt(t)) * u`.

    The slot `velocity` holds v, also a matrix's: it is Keras's, so that states can be exchanged.

    Args:
        beta_2_decay: at most 0: the exponent with which the means come to forget nothing.
        epsilon_1: added to squared gradients.
        epsilon_2: the least size that a variable is taken to have.
        clip_threshold: the largest root mean square of u.
        relative_step: bound the rate by `1 / sqrt(t)`. As in Keras it is bounded in any case; the
            argument is kept for configurations.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, an argument out of its range.

    >>> import fastnn as fn
    >>> optimizer = fn.optimizers.Adafactor()
    >>> optimizer.build([fn.Variable(fn.ops.ones((3, 4)), name="w")])
    >>> [v.shape for v in optimizer.variables[2:]]
    [(3,), (4,), (3, 4)]
    """

    rule = "adafactor"
    row_steps = False  # the means are of whole variables
    settings = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        check_number(self, "beta_2_decay", beta_2_decay, "at most 0", lambda found: found <= 0)
        check_positive(self, "clip_threshold", clip_threshold)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("row", "column", "velocity"),)

    def _slot_shape(self, slot: str, parameter: Variable) -> Sequence[int]:
        shape = parameter.shape
        if slot in ("row", "column") and len(shape) < 2:
            return ()  # not used: Keras has it
        return {"row": shape[:-1], "column": (*shape[:-2], *shape[-1:])}.get(slot, shape)

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.beta_2_decay, self.epsilon_1, self.epsilon_2, self.clip_threshold)
