"""Bidirectional: a recurrent layer in both directions."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.inner import with_dtype_of
from fastnn.layers.layer import Layer
from fastnn.layers.recurrent import Recurrent
from fastnn.layers.recurrent_cell import RecurrentCell, run_whole
from fastnn.layers.rnn import RNN
from fastnn.tensor import Tensor
from fastnn.utils import tree
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object

_MERGES = ("sum", "mul", "ave", "concat", None)
_COMMON = ("stateful", "return_sequences", "return_state")


class Bidirectional(Layer):
    """A recurrent layer from the first step to the last, and another one the other way.

    Schuster and Paliwal, "Bidirectional recurrent neural networks" (1997). Outputs of one step are
    those of both directions. Two SimpleRNN, LSTM or GRU without dropout, and not stateful, are one
    native call.

    Args:
        layer: a recurrent layer; a copy of it, forward_NAME, goes forward.
        merge_mode: how outputs become one: "concat" (on the last axis), "sum", "mul", "ave"; None
            leaves them a tuple.
        weights: arrays to begin with, as ``set_weights`` takes them: forward, then backward.
        backward_layer: the layer that goes backward (go_backwards=True); a copy of ``layer``,
            backward_NAME, if None.

    Its call takes ``initial_state`` (the states of the forward layer, then those of the backward
    layer), ``mask`` and ``training`` as the layers do. With return_state, the last states follow
    the output (or both outputs) in a tuple. Masked steps have zeros as outputs.

    Raises:
        ValueError: the layers are no recurrent layers or do not fit together.

    >>> import numpy as np
    >>> from fastnn.layers import LSTM
    >>> Bidirectional(LSTM(4, return_sequences=True))(np.ones((2, 5, 3))).shape
    (2, 5, 8)
    """

    _first_weights: Any

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ):
        for name, value in (("layer", layer), ("backward_layer", backward_layer or layer)):
            if not isinstance(value, Layer) or not hasattr(value, "go_backwards"):
                raise ValueError(f"Bidirectional: {name} must be a recurrent layer, got {value!r}")
        if merge_mode not in _MERGES:
            raise ValueError(
                f"Bidirectional: merge_mode must be one of {', '.join(map(repr, _MERGES))}, got "
                f"{merge_mode!r}"
            )
        for one in (layer, backward_layer or layer):
            kwargs = with_dtype_of("Bidirectional", one, kwargs)
        super().__init__(**kwargs)
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer = backward_layer or _copy(layer, "backward_", go_backwards=True)
        self._check_layers()
        for one in (self.forward_layer, self.backward_layer):
            one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful, self.return_state = layer.stateful, layer.return_state
        self.return_sequences = layer.return_sequences
        self.supports_masking = True
        vars(self)["_first_weights"] = weights

    def _check_layers(self) -> None:
        first, second = self.forward_layer, self.backward_layer
        if first.go_backwards == second.go_backwards:
            raise ValueError(
                "Bidirectional: one of the layers must go backwards and the other not, both have "
                f"go_backwards={first.go_backwards}"
            )
        for name in _COMMON:
            if getattr(first, name) != getattr(second, name):
                raise ValueError(
                    f"Bidirectional: {name} is {getattr(first, name)} in the forward layer, "
                    f"{getattr(second, name)} in the backward layer"
                )

    def build(self, sequences_shape: tuple, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        self.input_spec = self.forward_layer.input_spec
        if self._first_weights:
            self.set_weights(self._first_weights)

    @property
    def states(self) -> Any:
        """The states of both layers if stateful."""
        states = self.forward_layer.states, self.backward_layer.states
        return None if None in states else tuple(states[0] + states[1])

    def reset_state(self) -> None:
        """Makes the states of both layers zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        halves: Any = (None, None)
        if initial_state is not None:
            states = tree.flatten(initial_state)
            count = len(tree.flatten(self.forward_layer.state_size))
            halves = states[:count], states[count:]
        rule = _rule(self.forward_layer, training)
        run = self._run_each
        if rule is not None and rule == _rule(self.backward_layer, training):
            run = self._run_both
        output, states = run(sequences, halves, mask)
        output = self._merged(output)
        if not self.return_state:
            return output
        return (*output, *states) if self.merge_mode is None else (output, *states)

    def _run_both(self, sequences: Tensor, halves: tuple, mask: Any) -> tuple:
        """Both directions by one call: outputs side by side, and states."""
        first, second = self.forward_layer, self.backward_layer
        sequences, mask = first.checked(sequences, mask)
        states = [
            layer.first_states(len(sequences), half) for layer, half in zip((first, second), halves)
        ]
        output, after = run_whole(
            [first.cell, second.cell],
            first.cell.rule_for(False),
            sequences,
            None if states[0] is None else states[0] + states[1],
            mask,
            first.go_backwards,
            first.zero_output_for_mask,
            self.return_sequences,
        )
        if self.return_sequences and first.go_backwards:
            output = ops.flip(output, 1)
        return output, after

    def _run_each(self, sequences: Tensor, halves: tuple, mask: Any) -> tuple:
        layers = (self.forward_layer, self.backward_layer)
        results = [
            layer(sequences, initial_state=half, mask=mask) for layer, half in zip(layers, halves)
        ]
        states = []
        if self.return_state:
            states = [*results[0][1:], *results[1][1:]]
            results = [result[0] for result in results]
        if self.return_sequences:
            results[1] = ops.flip(results[1], 1)
        return results, states

    def _merged(self, output: Any) -> Any:
        if self.merge_mode == "concat":
            return output if isinstance(output, Tensor) else ops.concatenate(output, -1)
        y, back = ops.split(output, 2, -1) if isinstance(output, Tensor) else output
        if self.merge_mode == "sum":
            return y + back
        if self.merge_mode == "ave":
            return (y + back) * 0.5
        return y * back if self.merge_mode == "mul" else (y, back)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = tree.flatten(previous_mask)[0] if self.return_sequences else None
        masks = [mask] if self.merge_mode else [mask, mask]
        if self.return_state:
            sizes = (*self.forward_layer.state_size, *self.backward_layer.state_size)
            masks += [None] * len(sizes)
        return masks

    def compute_output_shape(self, sequences_shape: tuple, initial_state_shape: Any = None) -> Any:
        layers = (self.forward_layer, self.backward_layer)
        shape, back = (layer.compute_output_shape(sequences_shape) for layer in layers)
        states: tuple = ()
        if self.return_state:
            (shape, *first), (back, *second) = shape, back
            states = (*first, *second)
        if self.merge_mode is None:
            return (shape, back, *states)
        if self.merge_mode == "concat":
            shape = (*shape[:-1], shape[-1] + back[-1])
        return (shape, *states) if states else shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict) -> Bidirectional:
        names = ("layer", "backward_layer")
        layers = {name: deserialize_keras_object(config[name]) for name in names if name in config}
        return super().from_config({**config, **layers})


def _copy(layer: Any, prefix: str, **options: Any) -> Any:
    """A new layer with the same arguments."""
    name = prefix + layer.name.removeprefix(prefix)
    return type(layer).from_config({**layer.get_config(), "name": name, **options})


def _rule(layer: Any, training: bool) -> tuple | None:
    """What both layers must share to be one call; None if it cannot be."""
    cell = getattr(layer, "cell", None)
    if (
        not isinstance(cell, RecurrentCell)
        or type(layer).call is not Recurrent.call
        or type(layer).run is not RNN.run
        or layer.stateful
        or layer.activity_regularizer is not None
        or (training and 0 < cell.dropout < 1)
    ):
        return None
    rule = cell.rule_for(training)
    return rule and (*rule, cell.units, cell.use_bias, layer.dtype)
