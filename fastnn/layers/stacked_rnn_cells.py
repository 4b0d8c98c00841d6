"""StackedRNNCells: cells on top of each other, as one cell."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.inner import check_cell, output_size_of, with_dtype_of
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor
from fastnn.utils import tree
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object


class StackedRNNCells(Layer):
    """A cell made of cells: each takes the output of the one before.

    Its states are a list with those of each cell: a Tensor where ``state_size`` is a number, else a
    list.

    Args:
        cells: a list of cells (see ``RNN``).

    Raises:
        ValueError: there is no cell, or one lacks something.

    >>> import numpy as np
    >>> from fastnn.layers import RNN, LSTMCell
    >>> RNN(StackedRNNCells([LSTMCell(3), LSTMCell(4)]))(np.ones((2, 5, 6))).shape
    (2, 4)
    """

    def __init__(self, cells: Any, **kwargs: Any):
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ValueError(f"StackedRNNCells: cells must be a list of cells, got {cells!r}")
        for cell in cells:
            check_cell("StackedRNNCells", cell)
            kwargs = with_dtype_of("StackedRNNCells", cell, kwargs)
        super().__init__(**kwargs)
        self.cells = list(cells)

    @property
    def state_size(self) -> list:
        """The sizes of the states, a number or a list of them for each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The last cell's."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list:
        """Those of the cells, else zeros."""
        return [self._initial_state_of(cell, batch_size) for cell in self.cells]

    def _initial_state_of(self, cell: Any, batch: int) -> Any:
        size = cell.state_size
        if not hasattr(cell, "get_initial_state"):
            return tree.map_structure(lambda n: ops.zeros((batch, n), self.compute_dtype), size)
        state = cell.get_initial_state(batch_size=batch)
        return tree.flatten(state)[0] if isinstance(size, int) else list(state)

    def build(self, input_shape: tuple) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size_of(cell))

    def call(self, inputs: Tensor, states: list, training: bool = False) -> tuple:
        after = []
        for cell, state in zip(self.cells, states):
            options = {}
            if isinstance(cell, Layer) and cell._takes_training:
                options["training"] = training
            call = cell if callable(cell) else cell.call
            given = list(state) if tree.is_nested(state) else [state]
            inputs, new = call(inputs, given, **options)
            after.append(list(new) if tree.is_nested(state) else tree.flatten(new)[0])
        return inputs, after

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "cells": [serialize_keras_object(cell) for cell in self.cells],
        }

    @classmethod
    def from_config(cls, config: dict) -> StackedRNNCells:
        cells = [deserialize_keras_object(cell) for cell in config["cells"]]
        return super().from_config({**config, "cells": cells})
