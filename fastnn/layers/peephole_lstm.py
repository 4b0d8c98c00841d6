"""PeepholeLSTM and its cell: an LSTM whose gates see the memory."""

from __future__ import annotations

from typing import Any

from fastnn import constraints, initializers, ops, regularizers
from fastnn.layers.cell_rnn import CellRNN
from fastnn.layers.lstm import LSTMCell
from fastnn.tensor import Tensor


class PeepholeLSTMCell(LSTMCell):
    """One step of ``PeepholeLSTM``: (inputs [batch, features], [h, c]) to (h', [h', c']).

    Arguments: those of ``LSTMCell``, and peephole_initializer, peephole_regularizer,
    peephole_constraint.

    >>> import numpy as np
    >>> cell = PeepholeLSTMCell(3)
    >>> cell(np.ones((2, 4)), cell.get_initial_state(2))[0].shape
    (2, 3)
    """

    rule = "lstm_peephole"

    def __init__(
        self,
        units: int,
        *args: Any,
        peephole_initializer: Any = "glorot_uniform",
        peephole_regularizer: Any = None,
        peephole_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(units, *args, **kwargs)
        self.peephole_initializer = initializers.get(peephole_initializer)
        self.peephole_regularizer = regularizers.get(peephole_regularizer)
        self.peephole_constraint = constraints.get(peephole_constraint)
        peepholes = ("peephole_initializer", "peephole_regularizer", "peephole_constraint")
        self._weight_arguments = (*self._weight_arguments, *peepholes)

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.peephole = self.add_parameter("peephole", "peephole", (3, self.units))

    def own_weights(self) -> list:
        return [*super().own_weights(), self.peephole]

    def step(self, z: list[Tensor], c: Tensor) -> tuple[Tensor, Tensor]:
        s, (i, f, g, o), (pi, pf, po) = self.recurrent_activation, z, ops.unstack(self.peephole)
        c = s(f + pf * c) * c + s(i + pi * c) * self.activation(g)
        return s(o + po * c) * self.activation(c), c


class PeepholeLSTM(CellRNN):
    """An LSTM whose gates i and f also see the memory c before the step, and o that after it.

    Gers and Schmidhuber, "Recurrent nets that time and count" (2000). With s the recurrent
    activation and t the activation,

        i = s(x @ w + h @ u + b + p[0] * c),   f = s(x @ w + h @ u + b + p[1] * c)
        c' = f * c + i * t(x @ w + h @ u + b)
        o = s(x @ w + h @ u + b + p[2] * c'),   h' = o * t(c')

    Weights: those of ``LSTM``, and peephole [3, units].

    Args:
        units: how many outputs, a positive integer.
        peephole_initializer, peephole_regularizer, peephole_constraint: as of the other weights.

    Others, by keyword, and inputs, outputs and errors: see ``LSTM`` and ``SimpleRNN``.

    >>> import numpy as np
    >>> layer = PeepholeLSTM(4)
    >>> layer(np.ones((2, 5, 3))).shape, [w.shape for w in layer.weights]
    ((2, 4), [(3, 16), (4, 16), (16,), (3, 4)])
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(PeepholeLSTMCell, {"units": units, "kwargs": kwargs})
