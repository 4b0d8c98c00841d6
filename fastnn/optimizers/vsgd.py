"""Variance-based SGD.

Schaul, Zhang and LeCun, "No more pesky learning rates", ICML 2013 (arXiv 1206.1106), in the form of
Schaul and LeCun, "Adaptive learning rates and parallelization for stochastic, sparse, non-smooth
gradients", ICLR 2013 (vSGD-fd): curvature by finite differences, outliers found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastnn import _core, ops
from fastnn.autograd import no_grad
from fastnn.optimizers.optimizer import Common, Optimizer, Rate
from fastnn.row_gradient import RowGradient
from fastnn.tensor import Tensor, Variable

if TYPE_CHECKING:
    from typing_extensions import Unpack

_LEAST_SHIFT = 1e-7  # of a weight whose gradients were all 0


class VSGD(Optimizer):
    """SGD whose rates need no tuning: each weight has the one that would be best for its next step,
    were the loss a parabola with noisy gradients.

    With running means of the gradient g, of its square and of the curvature h and its square,
    `w -= learning_rate * E[h] / E[h^2] * E[g]^2 / E[g^2] * g`: a Newton step, shortened as far as
    gradients disagree. How far back a weight's means look follows from that too: `memory =
    (1 - E[g]^2 / E[g^2]) * memory + 1`, and one more for an outlier of g or h.

    The curvature is a finite difference, `h = |g(w + shift) - g(w)| / |shift|` on the same batch
    with all weights shifted by `E[g]`, in the place of the first paper's second pass of
    back-propagation: it works for every layer. So there are two gradients a step, at twice the
    cost. `fit` sees to it; in a loop of your own `probe` comes before `apply`. A step without a new
    probe uses the curvature of the last one. Layers that draw (dropout) draw anew for the second
    gradient, which makes the estimate noisier, and a running mean in a layer moves twice.

    Args:
        learning_rate: a factor of all rates; 1 is the papers'.
        slow_start: factor of the first squares, at least 1, that keeps first steps short.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, a slow_start below 1.
        RuntimeError: a step before the first probe.

    >>> import fastnn as fn
    >>> w = fn.Variable([5.0])
    >>> optimizer = fn.optimizers.VSGD()
    >>> gradient = fn.grad(lambda w: (1000.0 * w**2).sum())
    >>> for _ in range(50):
    ...     found = [gradient(w)]
    ...     optimizer.probe(found, [w], lambda: [gradient(w)])
    ...     optimizer.apply(found, [w])
    >>> abs(w.item()) < 0.05
    True
    """

    rule = "vsgd"
    row_steps = False  # memories grow without a gradient too
    probes = True
    settings = ("slow_start",)

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        slow_start: float = 10.0,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        if not slow_start >= 1:
            raise ValueError(f"VSGD: slow_start must be at least 1, got {slow_start}")
        self.slow_start = slow_start
        self._probed = False

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        means = ("gradient", "gradient_square", "curvature", "curvature_square")
        return ((*means, "memory", "probe"),)

    def _initial(self, slot: str) -> Any:
        return "ones" if slot == "memory" else super()._initial(slot)

    def probe(
        self, gradients: Sequence, variables: Sequence[Variable], again: Callable[[], Sequence]
    ) -> None:
        """Finds the curvature: the weights are as before when it returns.

        Args:
            gradients: of the loss of a batch, as `apply` takes them.
            variables: the variables.
            again: computes the gradients of the same batch with the values that the variables have
                when it is called.
        """
        self.build(variables)
        self._probed = True
        before = self._true(gradients)
        known = [(g, v) for g, v in zip(before, variables) if g is not None]
        with no_grad():
            starts = [_core.copy(v, v.dtype) for _, v in known]
            for gradient, variable in known:
                shift = _first_above(self.slot("gradient", variable), gradient)
                variable.assign_add(shift)
        after = self._true(again())
        with no_grad():
            changed = [g for g, b in zip(after, before) if b is not None]
            for new, (old, variable), start in zip(changed, known, starts):
                shift = variable - start  # as it was rounded
                safe = ops.where(shift == 0, 1.0, shift)
                self.slot("probe", variable).assign(ops.abs((new - old) / safe))
                variable.assign(start)

    def _true(self, gradients: Sequence) -> list:
        """Whole gradients of the loss itself."""
        whole = [g.dense() if type(g) is RowGradient else g for g in gradients]
        for factor in (self.loss_scale_factor, self._loss_scale):
            if factor is not None:
                with no_grad():
                    whole = [None if g is None else g / ops.cast(factor, g.dtype) for g in whole]
        return whole

    def _hyper_values(self) -> tuple[float, ...]:
        return (self.slow_start,)

    def _prepare(self, variables: list[Variable]) -> Callable[[Sequence], None]:
        if not self._probed:
            raise RuntimeError("VSGD: apply needs the curvature, call probe before it")
        return super()._prepare(variables)


def _first_above(*shifts: Tensor) -> Tensor:
    """For each weight the first of some shifts that is not next to 0."""
    shift: Any = _LEAST_SHIFT
    for other in shifts[::-1]:
        shift = ops.where(ops.abs(other) > _LEAST_SHIFT, other, shift)
    return shift
