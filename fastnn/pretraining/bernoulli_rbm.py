"""BernoulliRBM: a restricted Boltzmann machine for data from 0 to 1."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.pretraining.rbm import RBM
from fastnn.tensor import Tensor


class BernoulliRBM(RBM):
    """A restricted Boltzmann machine of binary units, for data from 0 to 1.

    Its energy is E(x, h) = -x @ kernel @ h - hidden_bias @ h - visible_bias @ x. Values between 0
    and 1, such as grey levels, are taken for probabilities. Smolensky (1986); Hinton, "A practical
    guide to training restricted Boltzmann machines" (2010).

    A machine is a layer: called on data [samples, visible] it gives the probabilities of its hidden
    units [samples, units]. Weights kernel [visible, units] and hidden_bias [units] as in a Dense
    layer, and visible_bias [visible]. The first draws of the kernel are normal with standard
    deviation 0.01, both biases 0.

    Args:
        units: how many hidden units, a positive integer.
        seed: of the kernel and of all that the machine draws, an integer; None draws one from
            Python's ``random``.
        kwargs: dtype, name and the others of ``Layer``.

    Raises:
        ValueError: units is not a positive integer.

    >>> import numpy as np
    >>> x = np.repeat(np.eye(4, dtype="float32"), 50, axis=0)
    >>> machine = BernoulliRBM(4, seed=0)
    >>> history = machine.fit(x, epochs=60, batch_size=20, learning_rate=0.5, verbose=0)
    >>> errors = history.history["reconstruction_error"]
    >>> errors[-1] < errors[0] / 2
    True
    >>> machine.transform(x).shape, machine.sample(3, steps=10).shape
    ((200, 4), (3, 4))
    """

    binary = True
    learning_rate = 0.1
    visible_activation = "sigmoid"

    def draw_visible(self, means: Tensor) -> Tensor:
        return self._draw_binary(means)

    def log_visible_sum(self, field: Any, visible_bias: Tensor) -> Tensor:
        return ops.sum(ops.softplus(field + visible_bias), -1)

    def _visible_energy(self, x: Tensor, visible_bias: Tensor) -> Tensor:
        return -ops.matmul(x, visible_bias)

    def _check_values(self, operation: str, x: Tensor) -> None:
        if not ops.all((x >= 0) & (x <= 1)):
            raise ValueError(
                f"{self.name}: {operation}: x must lie in [0, 1] (grey levels: divide by 255), "
                f"its values go from {ops.min(x).item():g} to {ops.max(x).item():g}"
            )
