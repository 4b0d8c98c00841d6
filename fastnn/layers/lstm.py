"""LSTM and its cell: a memory behind gates."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.cell_rnn import CellRNN
from fastnn.layers.parameters import weight_arguments
from fastnn.layers.recurrent_cell import RecurrentCell
from fastnn.tensor import Tensor


class LSTMCell(RecurrentCell):
    """One step of ``LSTM``: (inputs [batch, features], [h, c]) to (h', [h', c']).

    States [batch, units].
    Arguments: those of ``LSTM`` that are about weights, activations and dropout.

    >>> import numpy as np
    >>> cell = LSTMCell(3)
    >>> output, states = cell(np.ones((2, 4)), cell.get_initial_state(2))
    >>> output.shape, len(states)
    ((2, 3), 2)
    """

    rule = "lstm"
    gates = 4
    functions = ("activation", "recurrent_activation")
    kept: tuple[str, ...] = ("unit_forget_bias",)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        given = locals()
        super().__init__(
            units,
            given,
            use_bias,
            weight_arguments(given),
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def add_bias(self, columns: int) -> Any:
        initializer = self._first_bias if self.unit_forget_bias else self.bias_initializer
        return self.add_parameter("bias", "bias", (columns,), initializer=initializer)

    def _first_bias(self, shape: tuple, dtype: str | None = None) -> Tensor:
        draw, units = self.bias_initializer, self.units
        parts = (draw((units,), dtype), ops.ones((units,), dtype), draw((2 * units,), dtype))
        return ops.concatenate(parts)

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple:
        h, c = states
        seen = self.dropout_masks("dropout", inputs, training)
        kept = self.dropout_masks("recurrent_dropout", h, training)
        x = self.products(inputs, self.kernel, self.bias, seen)
        fed_back = self.products(h, self.recurrent_kernel, None, kept)
        h, c = self.step([a + b for a, b in zip(x, fed_back)], c)
        return h, [h, c]

    def step(self, z: list[Tensor], c: Tensor) -> tuple[Tensor, Tensor]:
        """h' and c' by what goes into the gates i, f, c and o."""
        i, f, g, o = z
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        return self.recurrent_activation(o) * self.activation(c), c


class LSTM(CellRNN):
    """Long short-term memory: a memory c that gates let in (i), keep (f) and let out (o).

    Hochreiter and Schmidhuber, "Long short-term memory" (1997), with forget gates (Gers et al.,
    "Learning to forget", 2000). With s the recurrent activation and t the activation,

        i, f, o = s(x @ w + h @ u + b),   g = t(x @ w + h @ u + b)
        c' = f * c + i * g,   h' = o * t(c')

    Input [batch, steps, features]; output [batch, units], or [batch, steps, units]; states h and c.
    Weights kernel [features, 4 units], recurrent_kernel [units, 4 units], bias [4 units]: columns
    i, f, g, o. With activations linear, relu, sigmoid or tanh, and without recurrent_dropout, all
    steps are one native call.

    Args:
        units: how many outputs, a positive integer.
        activation: of g and c', a name or function; None for none.
        recurrent_activation: of the gates.
        unit_forget_bias: the bias of f begins with ones.
        use_cudnn, implementation: accepted and ignored: there is one way.

    Others, the call's arguments and the errors: see ``SimpleRNN``.

    >>> import numpy as np
    >>> output, h, c = LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3)))
    >>> output.shape, h.shape, c.shape
    ((2, 5, 4), (2, 4), (2, 4))
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ):
        super().__init__(LSTMCell, locals())
