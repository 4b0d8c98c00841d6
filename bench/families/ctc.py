"""Connectionist temporal classification: the loss with its gradient by the logits."""

from collections.abc import Iterator

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams
from bench.shapes import CTC


def operands():
    """Logits, labels of full length, and the lengths of both."""
    random = np.random.default_rng(0)
    batch, time, classes, labels = CTC
    logits = random.standard_normal((batch, time, classes), dtype=np.float32)
    targets = random.integers(1, classes, (batch, labels), dtype=np.int32)
    return logits, targets, np.full(batch, time, np.int32), np.full(batch, labels, np.int32)


# ---- fastnn --------------------------------------------------------------------------------------


def ours(logits, targets, frames, counts) -> Engine:
    x = fn.tensor(logits, requires_grad=True)
    targets, frames, counts = (fn.tensor(part) for part in (targets, frames, counts))
    ones = fn.tensor(np.ones(len(logits), np.float32))

    def call():
        x.grad = None
        loss = fn.ops.ctc_loss(targets, x, counts, frames)
        loss.backward(ones)
        return loss.detach(), x.grad

    return Engine(call)


# ---- NumPy ---------------------------------------------------------------------------------------


def forward(weights, jumps):
    """Rescaled forward variables [time, batch, states], and the logarithms of their scales."""
    alphas, log_scales = np.empty_like(weights), 0.0
    alpha = np.zeros_like(weights[0])
    alpha[:, 0] = 1  # before the first frame
    for t, weight in enumerate(weights):
        ways = alpha.copy()
        ways[:, 1:] += alpha[:, :-1]
        ways[:, 2:] += alpha[:, :-2] * jumps[:, 2:]
        alpha = ways * weight
        scale = alpha.sum(-1, keepdims=True)
        alpha = alphas[t] = alpha / scale
        log_scales = log_scales + np.log(scale[:, 0])
    return alphas, log_scales


def numpys(logits, targets, frames, counts) -> Engine:
    """All examples at once, each of full length; in float64, whose range is wide enough here."""
    batch, time, _ = logits.shape
    states = np.zeros((batch, 2 * targets.shape[1] + 1), int)
    states[:, 1::2] = targets
    jumps = np.zeros(states.shape)
    jumps[:, 3::2] = targets[:, 1:] != targets[:, :-1]
    back = np.zeros(states.shape)
    back[:, 3::2] = jumps[:, 3::2][:, ::-1]
    examples = np.arange(batch)[:, None]

    def call():
        e = np.exp(logits - logits.max(-1, keepdims=True), dtype=np.float64)
        p = np.moveaxis(e / e.sum(-1, keepdims=True), 1, 0)
        weights = np.take_along_axis(p, np.broadcast_to(states, (time, *states.shape)), -1)
        alphas, log_scales = forward(weights, jumps)
        betas = forward(weights[::-1, :, ::-1], back)[0][::-1, :, ::-1]
        shares = alphas * betas / weights
        shares /= shares.sum(-1, keepdims=True)
        dx = p.copy()
        for t in range(time):
            np.subtract.at(dx[t], (examples, states), shares[t])
        return -(np.log(alphas[-1, :, -2:].sum(-1)) + log_scales), np.moveaxis(dx, 0, 1)

    return Engine(call)


# ---- PyTorch -------------------------------------------------------------------------------------


def torchs(logits, targets, frames, counts) -> Engine:
    import torch
    from torch.nn import functional as F

    x = torch.from_numpy(logits).requires_grad_()
    targets, frames, counts = (
        torch.from_numpy(part.astype(np.int64)) for part in (targets, frames, counts)
    )
    ones = torch.ones(len(logits))

    def call():
        x.grad = None
        log_probs = torch.log_softmax(x, -1).transpose(0, 1)
        loss = F.ctc_loss(log_probs, targets, frames, counts, reduction="none")
        loss.backward(ones)
        return loss.detach(), x.grad

    return Engine(call)


def rows() -> Iterator[Row]:
    batch, time, classes, labels = CTC
    yield Row(
        f"CTC loss, batch {batch}, {time} frames, {classes} classes, {labels} labels",
        operands,
        {"fastnn": ours, "NumPy": numpys, "PyTorch": torchs},
        streams=(Streams(batch * time * classes, 1, 0, 1),),
        tolerance=1e-3,  # of PyTorch's gradient: logarithms of several hundred, in float32
    )
