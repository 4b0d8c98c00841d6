"""Muon.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; the length of a step
from Liu et al., "Muon is scalable for LLM training", arXiv 2502.16982, 2025.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn import _core, ops
from fastnn.optimizers.optimizer import Optimizer, Rate
from fastnn.tensor import Tensor, Variable


class Muon(Optimizer):
    """Momentum made orthogonal: a matrix steps along the nearest orthogonal one, all else by Adam.

    `m = momentum * m + g`, `d = g + momentum * m` (m itself without Nesterov),
    `w -= rate * rms_rate * sqrt(max(rows, columns)) * orthogonal(d)`. That is `ns_steps` times
    `x = a x + (b p + c p p) x` with `p = x x^T`, from `d / |d|` on: singular values go to about 1.

    Args:
        adam_beta_1, adam_beta_2, epsilon: Adam's, for variables that are not matrices.
        adam_weight_decay, weight_decay: decoupled decay of Adam's variables, and of the others.
        exclude_layers: regular expressions; matrices whose path one is found in are Adam's, as the
            last layer should be.
        exclude_embeddings: whether what has "embedding" in its path is Adam's.
        muon_a, muon_b, muon_c: a, b, c.
        adam_lr_ratio: Adam's rate is the rate times this.
        momentum: decay of m.
        ns_steps: see above.
        nesterov: look ahead.
        rms_rate: see above; None for steps without these two factors.
        common: what every optimizer takes; see `Optimizer`.

    Raises:
        ValueError: a rate that is not a float, an argument out of its range.

    >>> import fastnn as fn, numpy as np
    >>> w = fn.Variable(np.zeros((2, 2), np.float32), name="kernel")
    >>> optimizer = fn.optimizers.Muon(1.0, rms_rate=None)
    >>> optimizer.apply([fn.tensor([[9.0, 0.0], [0.0, 1.0]])], [w])
    >>> -w.numpy().round(1)  # a step for both, whatever their sizes
    array([[ 0.7, -0. ],
           [-0. ,  0.8]], dtype=float32)
    """

    settings = (
        "adam_beta_1",
        "adam_beta_2",
        "adam_weight_decay",
        "epsilon",
        "exclude_layers",
        "exclude_embeddings",
        "muon_a",
        "muon_b",
        "muon_c",
        "adam_lr_ratio",
        "momentum",
        "ns_steps",
        "nesterov",
        "rms_rate",
    )

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **common: Any,
    ):
        super().__init__(learning_rate, weight_decay=weight_decay, **common)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _is_adams(self, variable: Variable) -> bool:
        if len(variable.shape) != 2:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def _slot_shape(self, slot: str, parameter: Variable) -> Sequence[int] | None:
        if slot == "velocity" and not self._is_adams(parameter):
            return None
        return parameter.shape

    def _decay_of(self, variable: Variable) -> float:
        return 0.0 if self._is_adams(variable) else super()._decay_of(variable)

    def _stepper(self, variables: list[Variable]) -> Callable[[Sequence, Tensor], None]:
        mine = [i for i, v in enumerate(variables) if not self._is_adams(v)]
        adams = [i for i, v in enumerate(variables) if self._is_adams(v)]
        adams.sort(key=lambda i: not self.decays(variables[i]))  # the primitive decays the first
        muon = super()._stepper([variables[i] for i in mine])
        adam = self._adam_stepper([variables[i] for i in adams])

        def take_steps(gradients: Sequence, rate: Tensor) -> None:
            muon([gradients[i] for i in mine], rate)
            if adams:
                adam([gradients[i] for i in adams], rate)

        return take_steps

    def _adam_stepper(self, variables: list[Variable]) -> Callable[[Sequence, Tensor], None]:
        """Adam's rule for some variables, those that decay first."""
        slots = [self.slot(name, v) for name in ("momentum", "velocity") for v in variables]
        numbers = np.array([self.adam_beta_1, self.adam_beta_2, self.epsilon])
        hyper, rule = _core.from_numpy(numbers, self._iterations.device), ("adam", "none", 0.0, 1.0)
        # Decay follows the whole rate. Where Adam's share is 0, next to nothing is a step of 0 too.
        share = self.adam_lr_ratio or 1e-30
        decay = (self.adam_weight_decay or 0.0) / share, sum(map(self.decays, variables))
        optimizer_step: Any = _core.optimizer_step

        def take_steps(gradients: Sequence, rate: Tensor) -> None:
            steps = _core.copy(self.iterations, "int64")  # the primitive counts on
            state = steps, None, None, None, None, None
            optimizer_step(variables, slots, gradients, rate * share, hyper, *state, *rule, *decay)

        return take_steps

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        """Changes one matrix in place."""
        m = self.slot("momentum", variable)
        m.assign(self.momentum * m + gradient)
        direction = self._orthogonal(gradient + self.momentum * m if self.nesterov else m)
        factor = 1.0
        if self.rms_rate is not None:
            factor = math.sqrt(max(variable.shape)) * self.rms_rate
        variable.assign_sub(learning_rate * factor * direction)

    def _orthogonal(self, x: Tensor) -> Tensor:
        """About the orthogonal matrix nearest to x, by Newton and Schulz's iteration of degree 5,
        on the side where products are smaller."""
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x
        x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
        for _ in range(self.ns_steps):
            product = x @ x.T
            x = self.muon_a * x + (self.muon_b * product + self.muon_c * product @ product) @ x
        return x.T if tall else x
