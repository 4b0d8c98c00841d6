"""Squared error or cross-entropy: the same network, the same rate, two losses.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Choosing Proper Loss" and "Let's try it" (squared error 0.11, cross-entropy 0.84).
"""

from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, save_picture
from fastnn.recipes.digit_nets import Net, experiment, setting

INFO = Info(
    lecture="II",
    slide="Choosing Proper Loss",
    question="Which loss suits a softmax: squared error or cross-entropy?",
    minutes=1.5,
    dataset="mnist",
    fallback="digits",
)
# The squared error is the mean over ten outputs: ten times the rate makes it their sum.
NETS = {
    "squared error": Net(loss="mean_squared_error"),
    "squared error, rate 1": Net(
        loss="mean_squared_error", optimizer=lambda: fn.optimizers.SGD(1.0)
    ),
    "cross-entropy": Net(),
}
COURSE = {"squared error": 0.11, "cross-entropy": 0.84}


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains the networks, saves their curves and the surfaces of both losses.

    Returns:
        dict: "dataset", and for each network what ``digit_nets.Setting.train`` gives.
    """
    nets = {name: NETS[name] for name in NETS if not (quick and "rate 1" in name)}
    common = setting(quick, seed, epochs, batch_size)
    figures, folder = experiment("loss-choice", "Two losses", nets, COURSE, common, out)
    for name in COURSE:
        save_picture(
            folder / f"surface, {name}.png",
            plots.surface,
            lambda u, v, name=name: losses(u, v)[name],
            (-12, 12),
            (-12, 12),
            xlabel="w1",
            ylabel="w2",
            value=name,
        )
    return figures


def losses(w1: np.ndarray, w2: np.ndarray) -> dict[str, np.ndarray]:
    """Both losses of one unit sigmoid(w1 x1 + w2 x2) on four points that two weights separate.

    w1, w2: weights, any shape. Where the unit is sure and wrong, the squared error is flat.
    """
    points, labels = np.array([[1, 0.2], [0.3, 1], [-1, 0.1], [0.1, -1]]), np.array([1, 1, 0, 0])
    z = w1[..., None] * points[:, 0] + w2[..., None] * points[:, 1]
    signed = np.where(labels == 1, -z, z)
    wrong = 1 / (1 + np.exp(-signed))  # the probability of the other class
    return {
        "squared error": np.mean(wrong**2, axis=-1),
        "cross-entropy": np.mean(np.logaddexp(0, signed), axis=-1),
    }


def claims(figures: dict) -> list[Claim]:
    """Cross-entropy learns, and the squared error is far behind at the same rate."""
    squared, entropy = (figures[name]["accuracy"] for name in COURSE)
    faster = figures["squared error, rate 1"]["accuracy"]
    return [
        Claim("squared error, test accuracy", squared, course=0.11),
        Claim("cross-entropy, test accuracy", entropy, at_least=0.82, course=0.84),
        Claim("cross-entropy - squared error", entropy - squared, at_least=0.5, course=0.73),
        Claim("squared error at ten times the rate", faster),
    ]
