"""GRU and its cell: a state behind an update gate and a reset gate."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.cell_rnn import CellRNN
from fastnn.layers.parameters import weight_arguments
from fastnn.layers.recurrent_cell import RecurrentCell
from fastnn.tensor import Tensor
from fastnn.utils import tree


class GRUCell(RecurrentCell):
    """One step of ``GRU``: (inputs [batch, features], [h]) to (h', [h']), h [batch, units].

    Arguments: those of ``GRU`` that are about weights, activations and dropout.

    >>> import numpy as np
    >>> cell = GRUCell(3)
    >>> output, states = cell(np.ones((2, 4)), cell.get_initial_state(2))
    >>> output.shape, len(states)
    ((2, 3), 1)
    """

    gates = 3
    functions = ("activation", "recurrent_activation")
    kept = ("reset_after",)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
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
        self.reset_after = reset_after

    @property
    def rule(self) -> str:
        return "gru" if self.reset_after else "gru_before"

    def add_bias(self, columns: int) -> Any:
        return self.add_parameter("bias", "bias", (2, columns) if self.reset_after else (columns,))

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple:
        h = tree.flatten(states)[0]
        seen = self.dropout_masks("dropout", inputs, training)
        kept = self.dropout_masks("recurrent_dropout", h, training)
        bias, inner_bias = self.bias, None
        if bias is not None and self.reset_after:
            bias, inner_bias = ops.unstack(bias)
        z, r, new = self.products(inputs, self.kernel, bias, seen)
        if self.reset_after:
            hz, hr, inner = self.products(h, self.recurrent_kernel, inner_bias, kept)
            z, r = self.recurrent_activation(z + hz), self.recurrent_activation(r + hr)
            inner = r * inner
        else:
            of_gates, of_new = ops.split(self.recurrent_kernel, [2 * self.units], axis=1)
            hz, hr = self.products(h, of_gates, None, kept)
            z, r = self.recurrent_activation(z + hz), self.recurrent_activation(r + hr)
            inner = ops.matmul(r * (h if kept is None else h * kept[-1]), of_new)
        h = z * h + (1.0 - z) * self.activation(new + inner)
        return h, [h] if tree.is_nested(states) else h


class GRU(CellRNN):
    """The gated recurrent unit: a state h that a gate z keeps, renewed from what a gate r lets by.

    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation" (2014). With s the recurrent activation and t the activation,

        z, r = s(x @ w + b + h @ u + b2)
        g = t(x @ w + b + r * (h @ u + b2)),   or  t(x @ w + b + (r * h) @ u)  without reset_after
        h' = z * h + (1 - z) * g

    Input [batch, steps, features]; output [batch, units], or [batch, steps, units]; state h.
    Weights kernel [features, 3 units], recurrent_kernel [units, 3 units], bias [2, 3 units] for the
    products with x and h, or [3 units] without reset_after: columns z, r, g. With activations
    linear, relu, sigmoid or tanh, and without recurrent_dropout, all steps are one native call.

    Args:
        units: how many outputs, a positive integer.
        activation: of g, a name or function; None for none.
        recurrent_activation: of the gates.
        reset_after: r comes after the product with the recurrent kernel, else before it.
        use_cudnn, implementation: accepted and ignored: there is one way.

    Others, the call's arguments and the errors: see ``SimpleRNN``.

    >>> import numpy as np
    >>> GRU(4, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
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
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ):
        super().__init__(GRUCell, locals())
