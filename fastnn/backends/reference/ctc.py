"""Connectionist temporal classification: its loss with the gradient, and its beam search."""

from __future__ import annotations

import numpy as np

from .softmax import softmax


def _check_lengths(operation: str, name: str, lengths: np.ndarray, most: int) -> None:
    bad = (lengths < 0) | (lengths > most)
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(
            f"{operation}: {name} is {lengths[i]} for example {i}, expected 0 to {most}"
        )


def _check_targets(targets: np.ndarray, lengths: np.ndarray, classes: int, blank: int) -> None:
    used = np.arange(targets.shape[1]) < lengths[:, None]
    bad = used & ((targets < 0) | (targets >= classes) | (targets == blank))
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        label = targets[i, j]
        what = "the blank" if label == blank else f"out of range for {classes} classes"
        raise ValueError(f"ctc_loss: label {label} at ({i}, {j}) of target is {what}")


def _forward(log_probs: np.ndarray, states: np.ndarray, jumps: np.ndarray) -> np.ndarray:
    """Log probabilities [time + 1, states] of all ways to the states; row 0 is before the start.

    states: their classes; jumps: whether a state is reached from the one before the last.
    """
    alpha = np.full((len(log_probs) + 1, len(states) + 2), -np.inf, log_probs.dtype)
    alpha[0, 2] = 0  # behind two columns of nothing; the first label follows it as well
    for t, row in enumerate(log_probs):
        before = alpha[t]
        ways = np.logaddexp(before[2:], before[1:-1])
        ways = np.logaddexp(ways, np.where(jumps, before[:-2], -np.inf))
        alpha[t + 1, 2:] = ways + row[states]
    return alpha[:, 2:]


def _example(logits: np.ndarray, labels: np.ndarray, blank: int) -> tuple:
    """Loss and gradient of one example without padding, in float64: in log space a float32 would
    lose as many places as the loss has."""
    log_probs = softmax(logits.astype(np.float64), axis=1, log=True)
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    jumps = np.zeros(len(states), bool)
    jumps[3::2] = labels[1:] != labels[:-1]
    back = np.zeros(len(states), bool)
    back[3::2] = jumps[3::2][::-1]
    alpha = _forward(log_probs, states, jumps)
    beta = _forward(log_probs[::-1], states[::-1], back)[::-1, ::-1]
    loss = -np.logaddexp.reduce(alpha[-1, -2:])
    if not np.isfinite(loss):
        return loss, np.full(logits.shape, np.nan)
    # Both hold the factor of their own frame, so one is taken out; where it is 0, so are they.
    emitted = log_probs[:, states]
    ways = alpha[1:] + np.where(emitted == -np.inf, 0, beta[:-1] - emitted)
    shares = softmax(ways, axis=1)  # each row's sum is the probability of the target
    dx = np.exp(log_probs)
    for s, label in enumerate(states):
        dx[:, label] -= shares[:, s]
    return loss, dx


@np.errstate(all="ignore")
def ctc_loss(
    output: np.ndarray,
    target: np.ndarray,
    output_length: np.ndarray,
    target_length: np.ndarray,
    *,
    mask_index: int,
    zero_infinity: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Losses -log p(target | softmax(output)) [batch], and their gradients by the output.

    output [batch, time, classes], logits; target int32 or int64 [batch, most labels], of which the
    first ``target_length`` [batch] count: ids in [0, classes) other than ``mask_index``, else
    ValueError; of the output the first ``output_length`` [batch] frames count, the others get no
    gradient.

    p sums over all paths, one class a frame, that spell the target once equal neighbours are merged
    and blanks dropped. Without such a path (a target needs a frame a label, and one more between
    equal labels) the loss is infinite and the gradient NaN, or both 0 with ``zero_infinity``. A NaN
    among the frames that count makes all of the example's NaN.

    Source: A. Graves et al., Connectionist temporal classification, ICML 2006, in log space.
    """
    batch, time, classes = output.shape
    _check_lengths("ctc_loss", "output_length", output_length, time)
    _check_lengths("ctc_loss", "target_length", target_length, target.shape[1])
    _check_targets(target, target_length, classes, mask_index)
    loss, dx = np.zeros(batch, output.dtype), np.zeros_like(output)
    for i in range(batch):
        frames, labels = int(output_length[i]), target[i, : target_length[i]]
        loss[i], dx[i, :frames] = _example(output[i, :frames], labels, mask_index)
        if zero_infinity and loss[i] == np.inf:
            loss[i], dx[i] = 0, 0
    return loss, dx


def _step(beams: list, row: np.ndarray, width: int, blank: int) -> list:
    """The best prefixes of one frame more. A beam is (prefix, log p ending in a blank, in a label);
    of equal ones what was a beam comes before what is new."""
    total = {prefix: np.logaddexp(pb, pl) for prefix, pb, pl in beams}
    ends = {prefix: [total[prefix] + row[blank], -np.inf] for prefix, _, _ in beams}
    for prefix, pb, pl in beams:
        if prefix:
            ends[prefix][1] = np.logaddexp(ends[prefix][1], pl + row[prefix[-1]])
        for label in range(len(row)):
            if label != blank:
                before = pb if prefix[-1:] == (label,) else total[prefix]
                end = ends.setdefault((*prefix, label), [-np.inf, -np.inf])
                end[1] = np.logaddexp(end[1], before + row[label])
    found = [(prefix, pb, pl) for prefix, (pb, pl) in ends.items() if max(pb, pl) > -np.inf]
    return sorted(found, key=lambda beam: -np.logaddexp(beam[1], beam[2]))[:width]


@np.errstate(all="ignore")
def ctc_decode(
    inputs: np.ndarray,
    sequence_lengths: np.ndarray,
    *,
    beam_width: int,
    top_paths: int,
    mask_index: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The ``top_paths`` most probable labellings that a beam of that many prefixes finds, in order.

    inputs [batch, time, classes], log probabilities, of which the first ``sequence_lengths``
    [batch] frames count; paths int32 [top_paths, batch, time], padded with -1; scores [batch,
    top_paths], their log probabilities. Where fewer labellings are possible: -1 and -inf; of NaN
    or +inf: -1 and NaN.

    Source: prefix beam search, A. Graves, N. Jaitly, Towards end-to-end speech recognition with
    recurrent neural networks, ICML 2014.
    """
    batch, time, _ = inputs.shape
    _check_lengths("ctc_decode", "sequence_lengths", sequence_lengths, time)
    paths = np.full((top_paths, batch, time), -1, np.int32)
    scores = np.full((batch, top_paths), -np.inf, inputs.dtype)
    for i in range(batch):
        frames = inputs[i, : sequence_lengths[i]].astype(np.float64)
        if not (frames < np.inf).all():
            scores[i] = np.nan
            continue
        beams = [((), 0.0, -np.inf)]
        for row in frames:
            beams = _step(beams, row, beam_width, mask_index)
        for rank, (prefix, pb, pl) in enumerate(beams[:top_paths]):
            paths[rank, i, : len(prefix)] = prefix
            scores[i, rank] = np.logaddexp(pb, pl)
    return paths, scores
