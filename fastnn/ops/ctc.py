"""Connectionist temporal classification (CTC): labels of a sequence without their places in it.

A network gives every frame a probability for each class and for a blank. A path, one class a frame,
spells a labelling: equal neighbours are merged, then blanks are dropped, so that a label that comes
twice in a row has a blank between.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import _core
from fastnn.ops.activation import log_softmax
from fastnn.ops.core import Tensor, as_float, as_tensor, follows_operands, record
from fastnn.ops.loss import sparse_labels


def _integers(operation: str, name: str, x: Any, rank: int) -> Tensor:
    x = as_tensor(x, None, f"{operation}: {name}")
    if x.ndim != rank:
        expected = "(batch,)" if rank == 1 else "(batch, most labels)"
        raise ValueError(f"{operation}: {name} has shape {x.shape}, expected {expected}")
    return sparse_labels(operation, x, x.shape, name)


def _frames(operation: str, name: str, x: Any) -> Tensor:
    x = as_float(x, f"{operation}: {name}")
    if x.ndim != 3:
        raise ValueError(
            f"{operation}: {name} has shape {x.shape}, expected (batch, time, classes)"
        )
    return x


def _examples_rule(node: _core.Node, gradient: Any) -> Any:
    (dx,) = node.saved
    return _core.binary(dx, _core.reshape(gradient, (gradient.size, 1, 1)), "mul")


@follows_operands
def ctc_loss(
    target: Any,
    output: Any,
    target_length: Any,
    output_length: Any,
    mask_index: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability that logits spell the target, summed over all alignments.

    target: integers [batch, most labels], ids in [0, classes) other than mask_index
    output: float32 or float64 logits [batch, time, classes]
    target_length, output_length: integers [batch]: how many labels and frames of each example count
    mask_index: the class of the blank
    zero_infinity: makes the infinite losses of targets that cannot fit, and their gradients, 0
    result: [batch], not divided by the lengths

    A target needs a frame a label, and one more for a blank between equal labels. Where it has
    fewer, the loss is infinite and its gradient NaN, as in PyTorch. No labels: the loss of blanks
    only, 0 without frames. Frames that do not count have no gradient, and may hold anything; NaN in
    one that counts makes the example's loss and gradient NaN.

    Raises ValueError for shapes that do not fit, lengths beyond them, labels that are out of range
    or the blank; TypeError for what are no numbers.

    Source: A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, Connectionist temporal
    classification, ICML 2006.

    >>> even = [[[0.0, 0.0, 0.0]] * 2]  # two frames, a blank and two labels
    >>> loss = ctc_loss([[1]], even, [1], [2])  # 1 1, 1 blank, blank 1: three paths of nine
    >>> round(loss.item(), 4)  # log(3)
    1.0986
    """
    output = _frames("ctc_loss", "output", output)
    target = _integers("ctc_loss", "target", target, 2)
    target_length = _integers("ctc_loss", "target_length", target_length, 1)
    output_length = _integers("ctc_loss", "output_length", output_length, 1)
    loss, dx = _core.ctc_loss(
        output, target, output_length, target_length, mask_index, zero_infinity
    )
    return record(loss, _examples_rule, (dx,), output)


@follows_operands
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Tensor, Tensor]:
    """The labellings that logits most probably spell.

    inputs: logits [batch, time, classes]   sequence_lengths: integers [batch], frames that count
    strategy: "greedy" takes the best class of every frame, "beam_search" sums over alignments: it
        keeps the beam_width most probable beginnings and gives the best top_paths of them
    merge_repeated: whether greedy decoding merges equal neighbours; a beam search always does
    mask_index: the class of the blank; None: the last one
    result: labels int32 [paths, batch, time], padded with -1, and scores of inputs' dtype [batch,
        paths]. Greedy: one path, and minus the sum of its logits. Beam search: top_paths, and their
        log probabilities, -inf where there are not as many.

    Nothing is differentiable. Greedy decoding runs in NumPy, so a function that is to be recorded
    uses the beam search. NaN gives NaN as the score.

    Raises ValueError for an unknown strategy, shapes that do not fit, lengths beyond them.

    Source of the beam search: A. Graves, N. Jaitly, Towards end-to-end speech recognition with
    recurrent neural networks, ICML 2014.

    >>> logits = [[[0.0, 5.0], [0.0, 5.0], [5.0, 0.0], [0.0, 5.0]]]  # 1 1 blank 1
    >>> labels, scores = ctc_decode(logits, [4])
    >>> labels.tolist(), scores.tolist()
    ([[[1, 1, -1, -1]]], [[-20.0]])
    """
    inputs = _frames("ctc_decode", "inputs", inputs).detach()
    lengths = _integers("ctc_decode", "sequence_lengths", sequence_lengths, 1)
    blank = inputs.shape[2] - 1 if mask_index is None else mask_index
    if strategy == "beam_search":
        return _core.ctc_decode(log_softmax(inputs), lengths, beam_width, top_paths, blank)
    if strategy != "greedy":
        raise ValueError(
            f"ctc_decode: strategy is {strategy!r}, expected 'greedy' or 'beam_search'"
        )
    return _greedy(inputs.numpy(), lengths.numpy(), merge_repeated, blank)


def _greedy(logits: Any, lengths: Any, merge_repeated: bool, blank: int) -> tuple[Tensor, Tensor]:
    batch, time, classes = logits.shape
    if not 0 <= blank < classes:
        raise ValueError(f"ctc_decode: mask_index is {blank}, expected one of {classes} classes")
    if lengths.shape != (batch,):
        raise ValueError(
            f"ctc_decode: sequence_lengths has shape {lengths.shape}, expected {(batch,)}"
        )
    if batch and not 0 <= lengths.min() <= lengths.max() <= time:
        raise ValueError(f"ctc_decode: sequence_lengths must lie in 0 to {time}, got {lengths}")
    counts = np.arange(time) < lengths[:, None]
    best = np.where(counts, logits.argmax(-1), blank)
    scores = -np.where(counts, logits.max(-1), 0).sum(-1, keepdims=True)
    kept = best != blank
    if merge_repeated:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    # A stable sort moves what is kept to the front.
    order = np.argsort(~kept, axis=1, kind="stable")
    labels = np.take_along_axis(np.where(kept, best, -1), order, axis=1)
    return _core.from_numpy(labels[None].astype(np.int32)), _core.from_numpy(scores)
