"""What the cells of recurrent layers share: weights by gates, dropout, and the whole sequence."""

from __future__ import annotations

from typing import Any

from fastnn import _core, activations, ops, random
from fastnn.layers.call_spec import bind
from fastnn.layers.parameters import Parameterized
from fastnn.layers.recurrent import last_output
from fastnn.layers.sizes import positive_integer
from fastnn.layers.symbolic import shapes_of
from fastnn.ops.embedding import row_products, rows_of
from fastnn.ops.products import dense
from fastnn.ops.recurrent import rnn
from fastnn.tensor import Tensor
from fastnn.utils import tree
from fastnn.utils.numbers import share

_IN_RULES = ("linear", "relu", "sigmoid", "tanh")


class RecurrentCell(Parameterized):
    """Base class: one step of a recurrent layer, with weights kernel, recurrent_kernel and bias.

    A subclass has ``gates``; ``functions``, the names of its activations; ``kept``, what its
    configuration holds beside the arguments here; and defines ``call``. It may have ``rule``, the
    name of the same cell in ``ops.rnn``, which then computes whole sequences. (A class that
    inherits the attribute is computed step by step: it may have another ``call``.)

    Args:
        units: how many outputs, a positive integer.
        use_bias: whether there is a bias.
        weights: initializers, regularizers and constraints by the name of their argument.
        dropout, recurrent_dropout: the share of inputs and of states that is dropped while
            training, the same ones at all steps; 0 and 1 drop nothing. With recurrent_dropout each
            gate has masks of its own. Gal and Ghahramani, "A theoretically grounded application of
            dropout in recurrent neural networks" (2016).
        seed: an integer; None draws one from Python's ``random``.
        implementation: accepted and ignored: there is one way.
    """

    gates = 1
    functions: tuple[str, ...] = ("activation",)
    kept: tuple[str, ...] = ()
    activation: Any
    recurrent_activation: Any
    bias_initializer: Any
    _drawn: dict[str, list[Tensor]]  # masks; in vars(self), past __setattr__: no setting changes

    def __init__(
        self,
        units: int,
        functions: dict,
        use_bias: bool,
        weights: dict,
        dropout: float,
        recurrent_dropout: float,
        seed: Any,
        implementation: int = 2,
        **kwargs: Any,
    ):
        who = type(self).__name__
        units = positive_integer(who, "units", units)
        dropout = share(f"{who}: dropout", dropout)
        recurrent_dropout = share(f"{who}: recurrent_dropout", recurrent_dropout)
        super().__init__(weights, **kwargs)
        self.units = units
        for name in self.functions:
            setattr(self, name, activations.get(functions[name]))
        self.use_bias = use_bias
        self.dropout, self.recurrent_dropout, self.seed = dropout, recurrent_dropout, seed
        if dropout or recurrent_dropout:
            self.seed_generator = random.SeedGenerator(seed)
        self.state_size: Any = units
        self.output_size = self.units
        self.bias: Any = None
        vars(self)["_drawn"] = {}

    def build(self, input_shape: tuple) -> None:
        columns = self.gates * self.units
        self.kernel = self.add_parameter("kernel", "kernel", (input_shape[-1], columns))
        self.recurrent_kernel = self.add_parameter(
            "recurrent_kernel", "recurrent", (self.units, columns)
        )
        if self.use_bias:
            self.bias = self.add_bias(columns)

    def add_bias(self, columns: int) -> Any:
        """The bias of all gates."""
        return self.add_parameter("bias", "bias", (columns,))

    def get_initial_state(self, batch_size: int) -> list:
        """Zeros [batch_size, units], one for each state."""
        sizes = tree.flatten(self.state_size)
        return [ops.zeros((batch_size, size), self.compute_dtype) for size in sizes]

    def _check_arrays(self, args: tuple, kwargs: dict) -> None:
        super()._check_arrays(args, kwargs)
        if not self._required:  # somebody else's call
            return
        given = bind(self._call_signature, args, kwargs)
        x, states = given["inputs"], tree.flatten(given["states"])
        if len(getattr(x, "shape", ())) != 2:
            raise ValueError(
                f"{self.name}: inputs has shape {shapes_of(x)}, expected (batch, features): a "
                "single step"
            )
        sizes = tree.flatten(self.state_size)
        shapes = [state.shape for state in states]
        if [shape[1:] for shape in shapes] != [(size,) for size in sizes]:
            expected = ", ".join(f"(batch, {size})" for size in sizes)
            raise ValueError(f"{self.name}: states has shape(s) {shapes}, expected {expected}")

    # ---- dropout

    def dropout_masks(self, which: str, x: Tensor, training: bool) -> list | None:
        """The masks of "dropout" or "recurrent_dropout": one, or one for each gate; None for none.

        They are drawn once and kept until ``reset_dropout_mask``.
        """
        rate = getattr(self, which)
        if not training or not 0 < rate < 1:
            return None
        if which not in self._drawn:
            count = self.gates if self.recurrent_dropout else 1
            ones = ops.ones_like(x)
            self._drawn[which] = [
                random.dropout(ones, rate, seed=self.seed_generator) for _ in range(count)
            ]
        masks = self._drawn[which]
        if masks[0].shape != x.shape:
            raise ValueError(
                f"{self.name}: {which} has masks of shape {masks[0].shape}, drawn at an earlier "
                f"step, but what it masks now has shape {x.shape}; call reset_dropout_mask() "
                "before another batch"
            )
        return masks

    def reset_dropout_mask(self) -> None:
        """Forgets the masks, so that the next step draws new ones; layers do it after a batch."""
        self._drawn.clear()

    reset_recurrent_dropout_mask = reset_dropout_mask

    def products(self, x: Tensor, kernel: Tensor, bias: Any, masks: list | None) -> list[Tensor]:
        """x @ kernel + bias, a Tensor for each gate, x times the masks."""
        count = kernel.shape[1] // self.units
        if masks is None or len(masks) == 1:
            y = dense(x if masks is None else x * masks[0], kernel, bias)
            return ops.split(y, count, axis=1)
        kernels = ops.split(kernel, count, axis=1)
        biases = [None] * count if bias is None else ops.split(bias, count)
        return [dense(x * m, k, b) for m, k, b in zip(masks, kernels, biases)]

    # ---- configuration

    def argument_names(self) -> tuple[str, ...]:
        """The arguments that belong to the cell and not to any layer."""
        own = ("units", "use_bias", "dropout", "recurrent_dropout", "seed")
        return (*own, *self.kept, *self.functions, *self._weight_arguments)

    def get_config(self) -> dict:
        own = {name: getattr(self, name) for name in self.argument_names()}
        named = {name: activations.serialize(own[name]) for name in self.functions}
        return {**own, **super().get_config(), **named}

    # ---- whole sequences

    def rule_for(self, training: bool) -> tuple[str, str, str] | None:
        """Names of the cell and its activations in ``ops.rnn``; None if it must go step by step."""
        names = [activations.FUSED.get(getattr(self, name), "") for name in self.functions]
        if (
            "rule" not in vars(type(self))
            or (training and 0 < self.recurrent_dropout < 1)
            or not all(name in _IN_RULES for name in names)
        ):
            return None
        return (self.rule, names[0], names[-1])  # type: ignore[attr-defined]

    def own_weights(self) -> list:
        """The weights in the order of ``ops.rnn``."""
        weights = (self.kernel, self.recurrent_kernel, self.bias)
        return [weight for weight in weights if weight is not None]

    def masked_inputs(self, sequences: Tensor, training: bool) -> Tensor:
        """The sequences with dropout: the same elements at all steps."""
        if not training or not 0 < self.dropout < 1:
            return sequences
        return random.dropout(sequences, self.dropout, (None, 1, None), self.seed_generator)


_LEAST_WIDTH = 32  # of rows whose products take longer than to look products up


def _multiplied(sequences: Tensor, weights: list[list]) -> tuple[Tensor, list[list]]:
    """What ``ops.rnn`` gets: the same; or, where sequences are rows of a small table, the ids of
    the rows, and in place of each kernel the table's product with it.

    Not where nothing is trained: there weights that stay are packed once for all calls.
    """
    rows = rows_of(sequences) if _core.is_grad_enabled() else None
    if rows is None:
        return sequences, weights
    (table, ids), (kernel, *_) = rows, weights[0]
    narrow = table.shape[1] < _LEAST_WIDTH
    if narrow or 2 * table.shape[0] > ids.size or table.dtype != kernel.dtype:
        return sequences, weights
    return ids, [[row_products(table, ids, kernel), *others] for kernel, *others in weights]


def run_whole(
    cells: list[RecurrentCell],
    rule: tuple,
    sequences: Tensor,
    states: list | None,
    mask: Any,
    go_backwards: bool,
    zero_masked: bool,
    return_sequences: bool,
) -> tuple:
    """All steps by one call of a primitive, of one direction or, with two cells, of both.

    The output (of all steps as they stand in the sequences, or the last one) and the states.
    """
    sequences, weights = _multiplied(sequences, [cell.own_weights() for cell in cells])
    both = len(cells) == 2
    cell, activation, recurrent_activation = rule
    y, last = rnn(
        sequences,
        [weight for each in weights for weight in each],
        states,
        mask,
        cell,
        activation,
        recurrent_activation,
        bidirectional=both,
        go_backwards=go_backwards,
        zero_output_for_mask=zero_masked,
        return_sequences=return_sequences,
    )
    if y is not None:
        return y, last
    ends = [
        last_output(h, mask, states, 0 if go_backwards != bool(d) else -1, zero_masked)
        for d, h in enumerate(last[:: len(last) // len(cells)])
    ]
    return ops.concatenate(ends, axis=1) if both else ends[0], last
