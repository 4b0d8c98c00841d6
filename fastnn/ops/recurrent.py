"""Recurrent layers over whole sequences, each one call of a primitive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import _core
from fastnn.dtypes import is_float
from fastnn.messages import shown
from fastnn.ops.core import Tensor, as_float, as_tensor, filled, follows_operands, record
from fastnn.ops.indexing import as_indices


def _rule(node: _core.Node, gradients: Any) -> tuple:
    rule, counts, x, mask, *rest = node.saved
    lists = []
    for count in counts:
        lists.append(rest[:count])
        del rest[:count]
    weights, gates, history = lists
    many, states, needs = len(weights), len(history), node.needs
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    dy = gradients[0] if len(gradients) > states else None
    options: tuple = (*rule, needs[0], any(needs[1 : 1 + many]), any(needs[1 + many :]))
    dx, dweights, dinitial = _core.rnn_backward(
        dy,
        _whole(gradients[len(gradients) - states :], history[0]),
        x,
        weights,
        mask,
        gates,
        history,
        *options,
    )
    none: list[Any] = [None] * len(needs)
    return (dx, *(dweights or none)[:many], *(dinitial or none)[: len(needs) - 1 - many])


def _whole(dlast: tuple, h: Tensor) -> list | None:
    """Gradients of all last states, zeros for those that have none; None if no one has."""
    if all(part is None for part in dlast):
        return None
    zeros = filled(h.shape[1:], 0, h.dtype, h.device)
    return [zeros if part is None else part for part in dlast]


def _listed(name: str, arrays: Any) -> list:
    try:
        return list(arrays)
    except TypeError:
        raise TypeError(f"rnn: {name} must be a list of arrays, got {shown(arrays)}") from None


def _inputs_and_weights(inputs: Any, weights: Sequence[Any]) -> tuple[Tensor, list[Tensor]]:
    x = as_tensor(inputs, None, "rnn: inputs")
    if x.ndim == 2 and not is_float(x.dtype):
        x, dtype = as_indices(x, "rnn: inputs"), None  # that of the first weight
    else:
        x = as_float(x, "rnn: inputs")
        dtype = x.dtype
    own: list[Tensor] = []
    for i, w in enumerate(_listed("weights", weights)):
        what = f"rnn: weights[{i}]"
        own.append(as_tensor(w, dtype, what) if dtype else as_float(w, what))
        dtype = own[0].dtype
    return x, own


@follows_operands
def rnn(
    inputs: Any,
    weights: Sequence[Any],
    initial_state: Sequence[Any] | None = None,
    mask: Any = None,
    cell: str = "simple",
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    bidirectional: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
) -> tuple:
    """A recurrent layer over whole sequences.

    Elman, "Finding structure in time" (1990); Hochreiter and Schmidhuber, "Long short-term memory"
    (1997), Gers and Schmidhuber, "Recurrent nets that time and count" (2000); Cho et al., "Learning
    phrase representations using RNN encoder-decoder for statistical machine translation" (2014).

    Args:
        inputs: [batch, steps, features], floating point; or ids [batch, steps], integers, each of
            which stands for its row of the kernel: for ``one_hot(ids, features)``.
        weights: kernel [features, gates * units], recurrent kernel [units, gates * units] and, if
            there is one, bias [gates * units] (cell "gru": [2, gates * units], for the products
            with the inputs and with the state); cell "lstm_peephole": then peepholes [3, units].
            Gates are i, f, c, o of an LSTM and z, r, h of a GRU. If bidirectional, first those of
            the first direction, then those of the second.
        initial_state: for each direction [batch, units] Tensors: h, and c of an LSTM; zeros if
            None.
        mask: [batch, steps], bool. Where it is False the step is passed over: states stay, and the
            output is that before, or zeros if zero_output_for_mask or if there is none before. Its
            inputs are read all the same: NaN there becomes a NaN in the gradient by the kernel.
        cell: "simple", "lstm", "lstm_peephole", "gru" (resets after the product with the recurrent
            kernel) or "gru_before" (resets before it).
        activation, recurrent_activation: "tanh", "sigmoid", "relu" or "linear".
        bidirectional: a second direction goes through the steps in the other order.
        go_backwards: the (first) direction begins with the last step.
        return_sequences: whether outputs of all steps are wanted.

    Returns:
        The outputs [batch, steps, directions * units], where the step is that of the inputs in
        whichever order they are visited, or None; and a list of the states after all steps, like
        initial_state.

    >>> y, states = rnn([[[1.0], [1.0]]], [[[0.5]], [[1.0]]], activation="linear")
    >>> y.tolist(), states[0].tolist()
    ([[[0.5], [1.0]]], [[1.0]])
    """
    x, own = _inputs_and_weights(inputs, weights)
    initial = None
    if initial_state is not None:
        dtype = own[0].dtype if own else None
        states = enumerate(_listed("initial_state", initial_state))
        initial = [as_tensor(s, dtype, f"rnn: initial_state[{i}]") for i, s in states]
    if mask is not None:
        mask = as_tensor(mask, "bool", "rnn: mask")
    parents = (x, *own, *(initial or ()))
    keeps = _core.is_grad_enabled() and any(parent.requires_grad for parent in parents)
    rule = (
        cell,
        activation,
        recurrent_activation,
        2 if bidirectional else 1,
        go_backwards,
        zero_output_for_mask,
    )
    y, last, gates, history = _core.rnn(x, own, initial, mask, *rule, return_sequences, keeps)
    if not keeps:
        return y, last
    counts = (len(own), len(gates), len(history))
    saved = (rule, counts, x, mask, *own, *gates, *history)
    results = record(tuple(last) if y is None else (y, *last), _rule, saved, *parents)
    return (None, list(results)) if y is None else (results[0], list(results[1:]))
