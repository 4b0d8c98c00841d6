"""SCRN: a simple recurrent layer beside units that change slowly."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.parameters import Parameterized, weight_arguments
from fastnn.layers.recurrent import Recurrent, last_output
from fastnn.layers.sizes import positive_integer
from fastnn.ops.recurrent import rnn
from fastnn.tensor import Tensor
from fastnn.utils.numbers import share


class SCRN(Recurrent, Parameterized):
    """The structurally constrained recurrent network: context units s, which forget slowly.

    Mikolov et al., "Learning longer memory in recurrent neural networks" (2015):

        s' = (1 - alpha) x @ B + alpha s
        h' = sigmoid(s' @ P + x @ A + h @ R)

    Input [batch, steps, features]; output [batch, units + context_units], or [batch, steps, units +
    context_units]: h and s side by side, so that a Dense layer after it is the paper's output U h +
    V s. States h and s. Weights kernel A [features, units], context_kernel B [features,
    context_units], context_projection P [context_units, units], recurrent_kernel R [units, units];
    no biases. All steps are two native calls.

    Args:
        units: how many units h, a positive integer.
        context_units: how many units s, a positive integer.
        alpha: how much of s stays at each step, from 0 to 1.
        kernel_initializer, recurrent_initializer: of A, B and P; of R.
        kernel_regularizer, recurrent_regularizer: likewise.
        kernel_constraint, recurrent_constraint: likewise.

    Others, by keyword, the call's arguments and the errors: see ``SimpleRNN``.

    >>> import numpy as np
    >>> SCRN(4, 2, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 6)
    """

    def __init__(
        self,
        units: int,
        context_units: int,
        alpha: float = 0.95,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        **kwargs: Any,
    ):
        units = positive_integer("SCRN", "units", units)
        context_units = positive_integer("SCRN", "context_units", context_units)
        alpha = share("SCRN: alpha", alpha)
        super().__init__(weights=weight_arguments(locals()), **kwargs)
        self.units, self.context_units, self.alpha = units, context_units, alpha
        self.state_size = [units, context_units]
        self.output_size = units + context_units

    def build_step(self, shape: tuple) -> None:
        features, units, context = shape[-1], self.units, self.context_units
        self.kernel = self.add_parameter("kernel", "kernel", (features, units))
        self.context_kernel = self.add_parameter("context_kernel", "kernel", (features, context))
        self.context_projection = self.add_parameter(
            "context_projection", "kernel", (context, units)
        )
        self.recurrent_kernel = self.add_parameter("recurrent_kernel", "recurrent", (units, units))

    def run(self, sequences: Tensor, states: list | None, mask: Any, training: bool) -> tuple:
        h, s = ([state] for state in states) if states else (None, None)
        how = {
            "mask": mask,
            "go_backwards": self.go_backwards,
            "zero_output_for_mask": self.zero_output_for_mask,
        }
        taken = self.context_kernel * (1.0 - self.alpha)
        stays = ops.eye(self.context_units, dtype=self.compute_dtype) * self.alpha
        context, last_s = rnn(sequences, [taken, stays], s, activation="linear", **how)
        inputs = ops.concatenate([sequences, context], axis=2)
        kernel = ops.concatenate([self.kernel, self.context_projection], axis=0)
        hidden, last_h = rnn(
            inputs,
            [kernel, self.recurrent_kernel],
            h,
            activation="sigmoid",
            return_sequences=self.return_sequences,
            **how,
        )
        after = [*last_h, *last_s]
        if self.return_sequences:
            y = ops.concatenate([hidden, context], axis=2)
            return ops.flip(y, 1) if self.go_backwards else y, after
        y = ops.concatenate(after, axis=1)
        step = 0 if self.go_backwards else -1
        return last_output(y, mask, states, step, self.zero_output_for_mask), after

    def get_config(self) -> dict:
        own = ("units", "context_units", "alpha")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
