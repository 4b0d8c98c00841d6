"""SimpleRNN and its cell: the output is fed back."""

from __future__ import annotations

from typing import Any

from fastnn.layers.cell_rnn import CellRNN
from fastnn.layers.parameters import weight_arguments
from fastnn.layers.recurrent_cell import RecurrentCell
from fastnn.tensor import Tensor
from fastnn.utils import tree


class SimpleRNNCell(RecurrentCell):
    """One step of ``SimpleRNN``: (inputs [batch, features], [h]) to (h', [h']), h [batch, units].

    Arguments: those of ``SimpleRNN`` that are about weights, activation and dropout.

    >>> import numpy as np
    >>> cell = SimpleRNNCell(3)
    >>> output, states = cell(np.ones((2, 4)), cell.get_initial_state(2))
    >>> output.shape, len(states)
    ((2, 3), 1)
    """

    rule = "simple"

    def __init__(
        self,
        units: int,
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
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        weights, functions = weight_arguments(locals()), {"activation": activation}
        super().__init__(
            units, functions, use_bias, weights, dropout, recurrent_dropout, seed, **kwargs
        )

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple:
        h = tree.flatten(states)[0]
        seen = self.dropout_masks("dropout", inputs, training)
        (x,) = self.products(inputs, self.kernel, self.bias, seen)
        kept = self.dropout_masks("recurrent_dropout", h, training)
        (fed_back,) = self.products(h, self.recurrent_kernel, None, kept)
        h = self.activation(x + fed_back)
        return h, [h] if tree.is_nested(states) else h


class SimpleRNN(CellRNN):
    """A layer whose output is fed back: h' = activation(x @ kernel + h @ recurrent_kernel + bias).

    Elman, "Finding structure in time" (1990). Input [batch, steps, features]; output [batch,
    units], or [batch, steps, units]. Weights kernel [features, units], recurrent_kernel [units,
    units], bias [units]. With activation linear, relu, sigmoid or tanh, and without
    recurrent_dropout, all steps are one native call.

    Args:
        units: how many outputs, a positive integer.
        activation: a name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: names, initializers or
            functions.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer:
            functions, names or None.
        kernel_constraint, recurrent_constraint, bias_constraint: functions, names or None.
        dropout, recurrent_dropout: the share of inputs and of h that is dropped while training, the
            same ones at all steps of a batch.
        seed: of dropout, an integer; None draws one from Python's ``random``.
        return_sequences: whether the outputs of all steps are wanted, or only the last one.
        return_state: whether the last states follow the output in a tuple.
        go_backwards: begins with the last step; the outputs are in the order of the visits.
        stateful: a batch begins with the states after the batch before, row by row, until
            ``reset_state()``; so all batches have one size.
        unroll: accepted and ignored: there is one way.
        zero_output_for_mask: the outputs of masked steps are zeros; else the output before them.

    Its call takes ``initial_state``, a list of [batch, units] (zeros if None), and ``mask`` [batch,
    steps], where False passes over a step: its states stay as they are. In a row that is masked
    throughout the output is zero.

    Raises:
        ValueError: units, an activation or a dropout that is none; an input, a mask or states of
            another shape; no steps; a batch of another size, if stateful.
        TypeError: a mask of floating-point numbers.

    >>> import numpy as np
    >>> SimpleRNN(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(SimpleRNNCell, locals())
