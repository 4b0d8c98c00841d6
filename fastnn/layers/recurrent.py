"""What all recurrent layers share: states, masks, order, and what is returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn import ops
from fastnn.context import context
from fastnn.dtypes import is_float
from fastnn.layers.input_spec import InputSpec
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor, Variable
from fastnn.utils import tree
from fastnn.utils.serialization import serialize_keras_object


def last_output(h: Tensor, mask: Any, initial: Any, last_step: int, zero_masked: bool) -> Tensor:
    """The output after all steps by h, the state then.

    It is zero in rows that are masked throughout, whose h is the initial one; and, if masked
    outputs are zero, in rows whose last step is masked.
    """
    if mask is None or (initial is None and not zero_masked):
        return h
    seen = mask[:, last_step] if zero_masked else ops.any(mask, axis=1)
    return ops.where(ops.expand_dims(seen, 1), h, 0.0)


def _kept(valid: Tensor, after: Tensor, before: Any) -> Tensor:
    """``after`` in the rows that are valid, ``before`` in the others."""
    return ops.where(ops.reshape(valid, (-1,) + (1,) * (after.ndim - 1)), after, before)


class Recurrent(Layer):
    """Base class of layers that go through [batch, steps, features..] step by step.

    A subclass has ``state_size`` (a list of numbers, or of lists of them) and ``output_size``, and
    defines ``run``; what it makes by shape it makes in ``build_step``. Its call takes
    ``sequences``; ``initial_state``, a list like ``state_size`` of [batch, size], zeros if None;
    ``mask`` [batch, steps], where False passes over a step.

    Args:
        return_sequences: whether the outputs of all steps are wanted, or only the last one.
        return_state: whether the last states follow the output in a tuple.
        go_backwards: begins with the last step; the outputs are in the order of the visits.
        stateful: a batch begins with the states after the batch before, row by row; so all batches
            have one size. ``reset_state()`` makes them zero.
        unroll: accepted and ignored: there is one way.
        zero_output_for_mask: the outputs of masked steps are zeros; else the output before them.
    """

    rank: int | None = 3  # of the sequences; None for 3 and above
    state_size: Any
    output_size: int
    states: Any  # Variables like state_size if stateful, else None; not among the weights

    def __init__(
        self,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        vars(self)["states"] = None

    # ---- building

    def build(self, sequences_shape: tuple, initial_state_shape: Any = None) -> None:
        shape = tuple(sequences_shape)
        wrong = len(shape) < 3 if self.rank is None else len(shape) != self.rank
        if wrong or not all(isinstance(n, int) for n in shape[2:]):
            raise ValueError(
                f"{self.name}: the input must have the axes batch, steps and features, and known "
                f"features; its shape is {shape}"
            )
        self.input_spec = InputSpec(ndim=len(shape), axes=dict(enumerate(shape[2:], 2)))
        self.build_step((shape[0], *shape[2:]))
        if self.stateful and shape[0] is not None and context.budget is None:
            self._make_states(shape[0])

    def build_step(self, shape: tuple) -> None:
        """Makes the weights for steps of shape [batch, features..]."""
        raise NotImplementedError

    def _make_states(self, batch: int) -> None:
        vars(self)["states"] = tree.map_structure(
            lambda value: Variable(value, trainable=False, name="rnn_state"),
            self.get_initial_state(batch),
        )

    def get_initial_state(self, batch_size: int) -> list:
        """Zeros, like ``state_size``."""
        return tree.map_structure(
            lambda size: ops.zeros((batch_size, size), self.compute_dtype), list(self.state_size)
        )

    def reset_state(self) -> None:
        """Makes the states of a stateful layer zero."""
        for state in tree.flatten(self.states):
            if state is not None:
                state.assign(ops.zeros_like(state))

    reset_states = reset_state

    # ---- calling

    def run(self, sequences: Tensor, states: list | None, mask: Any, training: bool) -> tuple:
        """The output (of all steps in the order of the visits, or the last one) and the states
        after all steps; states None are zeros."""
        raise NotImplementedError

    def run_steps(self, step: Callable, sequences: Tensor, states: list, mask: Any) -> tuple:
        """``run``, by ``step(k, inputs, states)``, the output and the states after it, for the k-th
        step that is visited."""
        inputs = ops.unstack(sequences, axis=1)
        valid = [None] * len(inputs) if mask is None else ops.unstack(mask, axis=1)
        if self.go_backwards:
            inputs, valid = inputs[::-1], valid[::-1]
        outputs: list[Tensor] = []
        for k, (x, counts) in enumerate(zip(inputs, valid)):
            output, after = step(k, x, states)
            after = list(after) if tree.is_nested(after) else [after]
            if mask is not None:
                before = 0.0 if self.zero_output_for_mask or k == 0 else outputs[-1]
                output = _kept(counts, output, before)
                pairs = zip(tree.flatten(after), tree.flatten(states))
                after = tree.pack_sequence_as(after, [_kept(counts, a, b) for a, b in pairs])
            states = after
            outputs.append(output)
        return ops.stack(outputs, axis=1) if self.return_sequences else outputs[-1], states

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        sequences, mask = self.checked(sequences, mask)
        states = self.first_states(sequences.shape[0], initial_state)
        output, states = self.run(sequences, states, mask, bool(training))
        if self.stateful:
            for kept, state in zip(tree.flatten(self.states), tree.flatten(states)):
                kept.assign(state.detach())
        return (output, *states) if self.return_state else output

    def checked(self, sequences: Tensor, mask: Any) -> tuple[Tensor, Any]:
        """The sequences as floats, and the mask as [batch, steps] of bool, or None."""
        if not is_float(sequences.dtype):
            sequences = ops.cast(sequences, self.compute_dtype)
        if sequences.shape[1] == 0:
            raise ValueError(f"{self.name}: the input has no steps, its shape is {sequences.shape}")
        mask = tree.flatten(mask)[0]
        if mask is None:
            return sequences, None
        mask = ops.convert_to_tensor(mask)
        if mask.shape != sequences.shape[:2]:
            raise ValueError(
                f"{self.name}: mask has shape {mask.shape}, expected {sequences.shape[:2]}: batch "
                "and steps"
            )
        if is_float(mask.dtype):
            raise TypeError(f"{self.name}: mask must be bool or integer, it is {mask.dtype}")
        return sequences, ops.cast(mask, "bool")

    def first_states(self, batch: int, given: Any) -> list | None:
        """The states to begin with; None for zeros."""
        if self.stateful:
            if self.states is None:
                self._make_states(batch)
            first = tree.flatten(self.states)[0]
            if first.shape[0] != batch:
                raise ValueError(
                    f"{self.name}: a stateful layer keeps a state for each row of a batch: "
                    f"expected {first.shape[0]} rows, got {batch}"
                )
            if given is None:
                return tree.map_structure(lambda state: state.detach(), self.states)
        return None if given is None else self._checked_states(batch, given)

    def _checked_states(self, batch: int, given: Any) -> list:
        leaves, sizes = tree.flatten(given), tree.flatten(self.state_size)
        shapes = [tuple(getattr(leaf, "shape", ())) for leaf in leaves]
        if len(shapes) != len(sizes) or any(
            shape[0:1] != (batch,) or shape[-1] != size for shape, size in zip(shapes, sizes)
        ):
            raise ValueError(
                f"{self.name}: initial_state has shape(s) {', '.join(map(str, shapes)) or 'none'}, "
                f"expected {', '.join(str((batch, size)) for size in sizes)}"
            )
        states = [ops.convert_to_tensor(leaf, self.compute_dtype) for leaf in leaves]
        return tree.pack_sequence_as(list(self.state_size), states)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = tree.flatten(previous_mask)[0] if self.return_sequences else None
        return [mask, *(None for _ in self.state_size)] if self.return_state else mask

    def compute_output_shape(self, sequences_shape: tuple, initial_state_shape: Any = None) -> Any:
        batch, steps = sequences_shape[:2]
        shape = (batch, steps, self.output_size) if self.return_sequences else (
            batch, self.output_size)  # fmt: skip
        if not self.return_state:
            return shape
        states = tree.map_structure(lambda size: (batch, size), list(self.state_size))
        return (shape, *states)

    def get_config(self) -> dict:
        own = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll",
               "zero_output_for_mask")  # fmt: skip
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in own},
            "activity_regularizer": serialize_keras_object(self.activity_regularizer),
        }
