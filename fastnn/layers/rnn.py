"""RNN: a cell, step by step through sequences."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.inner import check_cell, output_size_of, with_dtype_of
from fastnn.layers.layer import Layer
from fastnn.layers.recurrent import Recurrent
from fastnn.layers.recurrent_cell import RecurrentCell, run_whole
from fastnn.layers.stacked_rnn_cells import StackedRNNCells
from fastnn.layers.symbolic import KerasTensor, output_spec
from fastnn.tensor import Tensor
from fastnn.utils import tree
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object


class RNN(Recurrent):
    """A layer that calls a cell at each step of [batch, steps, features..].

    The output is [batch, output size], or [batch, steps, output size]; with return_state, a tuple
    of it and the last states. SimpleRNNCell, LSTMCell and GRUCell with common activations compute
    whole sequences in one native call.

    Args:
        cell: a layer, or an object, with ``call(inputs, states)``, which returns an output and a
            list of states; ``state_size``, a number or a list of them; optionally ``output_size``,
            else the first state's, and ``get_initial_state(batch_size)``, else zeros. A list of
            cells is a StackedRNNCells.
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask: see
            ``SimpleRNN``.

    Raises:
        ValueError: the cell lacks something; a mask, a state or a batch has another shape than it
            must have; there are no steps.

    >>> import numpy as np
    >>> from fastnn.layers import GRUCell
    >>> RNN([GRUCell(3), GRUCell(4)], return_sequences=True)(np.ones((2, 5, 6))).shape
    (2, 5, 4)
    """

    rank: int | None = None

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        check_cell("RNN", cell)
        super().__init__(
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            zero_output_for_mask,
            **with_dtype_of("RNN", cell, kwargs),
        )
        self.cell = cell
        size = cell.state_size
        self.state_size = [size] if isinstance(size, int) else list(size)

    @property
    def output_size(self) -> int:  # type: ignore[override]
        return output_size_of(self.cell)

    def build_step(self, shape: tuple) -> None:
        cell = self.cell
        if not isinstance(cell, Layer) or cell.built:
            return
        if type(cell).build is not Layer.build:
            cell.build(shape)
        else:  # the layers within it are built when it is called
            states = tree.map_structure(
                lambda size: KerasTensor((None, size), self.compute_dtype), list(self.state_size)
            )
            output_spec(cell, (KerasTensor((None, *shape[1:]), self.compute_dtype), states), {})

    def get_initial_state(self, batch_size: int) -> list:
        """The cell's, else zeros."""
        if not hasattr(self.cell, "get_initial_state"):
            return super().get_initial_state(batch_size)
        states = self.cell.get_initial_state(batch_size=batch_size)
        return list(states) if tree.is_nested(states) else [states]

    def run(self, sequences: Tensor, states: list | None, mask: Any, training: bool) -> tuple:
        cells = self.cell.cells if type(self.cell) is StackedRNNCells else [self.cell]
        rules = [c.rule_for(training) if isinstance(c, RecurrentCell) else None for c in cells]
        if None not in rules:
            return self._run_whole(cells, rules, sequences, states, mask, training)
        try:
            return self._run_cell(sequences, states, mask, training)
        finally:
            self.reset_dropout_masks()

    def _run_whole(
        self,
        cells: list,
        rules: list,
        sequences: Tensor,
        states: list | None,
        mask: Any,
        training: bool,
    ) -> tuple:
        """One cell after the other, each for all steps."""
        stacked = cells[0] is not self.cell
        after: list = []
        for i, (cell, rule) in enumerate(zip(cells, rules)):
            inner = i < len(cells) - 1
            first = tree.flatten(states[i]) if stacked and states else states
            sequences, last = run_whole(
                [cell],
                rule,
                cell.masked_inputs(sequences, training),
                first,
                mask,
                self.go_backwards,
                self.zero_output_for_mask and not inner,
                self.return_sequences or inner,
            )
            after.append(last if tree.is_nested(cell.state_size) else last[0])
        if self.return_sequences and self.go_backwards:
            sequences = ops.flip(sequences, 1)
        return sequences, after if stacked else last

    def reset_dropout_masks(self) -> None:
        """Lets all cells draw new masks."""
        cells = self.cell._flatten_layers() if isinstance(self.cell, Layer) else [self.cell]
        for cell in cells:
            if hasattr(cell, "reset_dropout_mask"):
                cell.reset_dropout_mask()

    def _run_cell(self, sequences: Tensor, states: list | None, mask: Any, training: bool) -> tuple:
        cell = self.cell
        call = cell if callable(cell) else cell.call
        takes_training = isinstance(cell, Layer) and cell._takes_training
        options = {"training": training} if takes_training else {}
        states = states or self.get_initial_state(sequences.shape[0])
        return self.run_steps(lambda _, x, now: call(x, now, **options), sequences, states, mask)

    def get_config(self) -> dict:
        return {**super().get_config(), "cell": serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict) -> RNN:
        if "cell" in config:
            config = {**config, "cell": deserialize_keras_object(config["cell"])}
        return super().from_config(config)
