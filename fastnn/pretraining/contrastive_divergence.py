"""The gradient that a restricted Boltzmann machine is trained with.

That of the mean log-likelihood is <x h> over the data less <x h> over the machine's own states. The
latter are approximated by a Markov chain of k steps, which starts at the data (contrastive
divergence: Hinton, "Training products of experts by minimizing contrastive divergence", 2002) or
where the chain before it ended (persistent contrastive divergence: Tieleman, "Training restricted
Boltzmann machines using approximations to the likelihood gradient", 2008).
"""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.ops.products import gemm
from fastnn.tensor import Tensor, Variable


def contrast(
    machine: Any, x: Tensor, k: int, chains: Variable | None, sample_visible: bool
) -> tuple[list[Tensor], Tensor]:
    """Gradients to descend along, in the order of the machine's weights, and the mean squared
    error of the reconstruction.

    x: [batch, visible]
    k: steps of the Markov chain
    chains: hidden states [chains, hidden] that persist and are moved on; None: start at the data
    sample_visible: whether visible units are drawn; else their means stand for them

    Hidden units are states where they drive visible ones, and probabilities in what is averaged,
    also after the last step: that has the same mean and less noise (Hinton, "A practical guide to
    training restricted Boltzmann machines", 2010, section 3).
    """
    present = machine.hidden_means(x)
    hidden = machine.draw_hidden(present)
    reconstruction = machine.visible_means(hidden)
    means = reconstruction if chains is None else machine.visible_means(chains)
    for step in range(k):
        visible = machine.draw_visible(means) if sample_visible else means
        imagined = machine.hidden_means(visible)
        if step < k - 1:
            means = machine.visible_means(machine.draw_hidden(imagined))
    if chains is not None:
        chains.assign(machine.draw_hidden(imagined))
    gradients = [
        gemm(visible, imagined / visible.shape[0], True) - gemm(x, present / x.shape[0], True),
        ops.mean(imagined, 0) - ops.mean(present, 0),
        ops.mean(visible, 0) - ops.mean(x, 0),
    ]
    return gradients, ops.mean(ops.square(x - reconstruction))
