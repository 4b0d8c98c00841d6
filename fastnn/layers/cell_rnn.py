"""CellRNN: what SimpleRNN, LSTM and GRU share, a layer with the arguments of its cell."""

from __future__ import annotations

from typing import Any

from fastnn.layers.rnn import RNN
from fastnn.utils.naming import to_snake_case

_OF_LAYERS = frozenset(
    ("return_sequences", "return_state", "go_backwards", "stateful", "unroll",
     "zero_output_for_mask", "activity_regularizer", "name", "autocast", "input_shape",
     "input_dim", "batch_shape", "batch_input_shape")
)  # fmt: skip
_OF_BOTH = ("trainable", "dtype")


class CellRNN(RNN):
    """Base class of an RNN that makes its cell, and has the cell's arguments as attributes.

    Args:
        cell_class: the cell's class.
        arguments: ``locals()`` of the subclass's ``__init__``.
    """

    rank = 3

    def __init__(self, cell_class: Any, arguments: dict):
        given = {k: v for k, v in arguments.items() if k not in ("self", "kwargs", "__class__")}
        given |= arguments["kwargs"]
        use_cudnn = given.pop("use_cudnn", "auto")
        if use_cudnn not in ("auto", True, False):
            raise ValueError(
                f"{type(self).__name__}: use_cudnn must be 'auto', True or False, got {use_cudnn!r}"
            )
        own = {name: given.pop(name) for name in _OF_LAYERS.intersection(given)}
        own |= {name: given[name] for name in _OF_BOTH if name in given}
        super().__init__(cell_class(name=to_snake_case(cell_class.__name__), **given), **own)

    def __getattr__(self, name: str) -> Any:
        """The cell's arguments: units, kernel_initializer ..."""
        cell = vars(self).get("cell")
        if cell is None or name not in cell.argument_names():
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(cell, name)

    def __setattr__(self, name: str, value: Any) -> None:
        cell = vars(self).get("cell")
        if cell is not None and name in cell.argument_names():
            raise AttributeError(f"{type(self).__name__}: {name} cannot be set; make a new layer")
        super().__setattr__(name, value)

    def get_config(self) -> dict:
        config = super().get_config()
        cell = config.pop("cell")["config"]
        return {**config, **{name: cell[name] for name in self.cell.argument_names()}}
