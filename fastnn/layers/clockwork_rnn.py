"""ClockworkRNN: a simple recurrent layer whose parts run at different speeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import activations, ops
from fastnn.layers.parameters import Parameterized, weight_arguments
from fastnn.layers.recurrent import Recurrent
from fastnn.messages import shown
from fastnn.ops.products import dense
from fastnn.tensor import Tensor


class ClockworkRNN(Recurrent, Parameterized):
    """Modules of units / len(periods) units each, of which a slow one runs only now and then.

    Koutnik et al., "A clockwork RNN" (2014). Module i, of period T_i, changes at the steps t (0, 1,
    .. in the order of the visits) that T_i divides, and sees itself and the modules with longer
    periods:

        h_i' = activation(x @ w_i + sum over j >= i of h_j @ u_ji + b_i)   if t mod T_i = 0,
        h_i' = h_i   else

    Only what changes is computed. The clock begins at 0 in every call, and ticks at masked steps.

    Input [batch, steps, features]; output [batch, units], or [batch, steps, units]; state h.
    Weights kernel [features, units], bias [units], and for each module, from the fastest on,
    recurrent_kernel_i [units of modules i and above, units of module i].

    Args:
        units: how many outputs, a multiple of the number of periods.
        periods: positive integers, each longer than the one before.
        activation: a name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: names, initializers or
            functions.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions, names or None.
        kernel_constraint, recurrent_constraint, bias_constraint: functions, names or None.

    Others, by keyword, the call's arguments and the errors: see ``SimpleRNN``.

    >>> import numpy as np
    >>> ClockworkRNN(6, periods=(1, 2, 4))(np.ones((2, 5, 3))).shape
    (2, 6)
    """

    def __init__(
        self,
        units: int,
        periods: Any = (1, 2, 4, 8),
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        given, periods = periods, tuple(periods) if isinstance(periods, (list, tuple)) else ()
        whole = all(
            isinstance(p, (int, np.integer)) and not isinstance(p, bool) and p > 0 for p in periods
        )
        if not periods or not whole or list(periods) != sorted(set(periods)):
            raise ValueError(
                f"ClockworkRNN: periods must be positive integers that grow, got {shown(given)}"
            )
        if not isinstance(units, (int, np.integer)) or units <= 0 or units % len(periods):
            raise ValueError(
                f"ClockworkRNN: units must be a positive multiple of {len(periods)}, the number of "
                f"periods, got {units!r}"
            )
        super().__init__(weights=weight_arguments(locals()), **kwargs)
        self.units, self.use_bias = int(units), use_bias
        self.periods = tuple(int(p) for p in periods)
        self.activation = activations.get(activation)
        self.state_size = [self.units]
        self.output_size = self.units
        self.bias: Any = None

    def build_step(self, shape: tuple) -> None:
        units, size = self.units, self.units // len(self.periods)
        self.kernel = self.add_parameter("kernel", "kernel", (shape[-1], units))
        self.recurrent_kernels = [
            self.add_parameter(f"recurrent_kernel_{i}", "recurrent", (units - i * size, size))
            for i in range(len(self.periods))
        ]
        if self.use_bias:
            self.bias = self.add_parameter("bias", "bias", (units,))

    def run(self, sequences: Tensor, states: list | None, mask: Any, training: bool) -> tuple:
        states = states or self.get_initial_state(sequences.shape[0])
        return self.run_steps(self._step, dense(sequences, self.kernel, self.bias), states, mask)

    def _step(self, clock: int, x: Tensor, states: list) -> tuple:
        (h,) = states
        count = len(self.periods)
        size = self.units // count
        inputs, after = ops.split(x, count, axis=1), ops.split(h, count, axis=1)
        for i, period in enumerate(self.periods):
            if clock % period == 0:
                seen = ops.matmul(h[:, i * size :], self.recurrent_kernels[i])
                after[i] = self.activation(inputs[i] + seen)
        h = ops.concatenate(after, axis=1)
        return h, [h]

    def get_config(self) -> dict:
        own = ("units", "periods", "use_bias")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in own},
            "activation": activations.serialize(self.activation),
        }
