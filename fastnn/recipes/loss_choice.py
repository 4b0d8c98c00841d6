"""Squared error or cross-entropy: the same network, the same rate, two losses.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Choosing Proper Loss" and "Let's try it" (squared error 0.11, cross-entropy 0.84).
"""

from pathlib import Path

from fastnn.recipes.common import Claim, Info, folder_for, save_curves
from fastnn.recipes.digit_nets import Net, compare, setting

INFO = Info(
    lecture="II",
    slide="Choosing Proper Loss",
    question="Which loss suits a softmax: squared error or cross-entropy?",
    minutes=1,
    dataset="mnist",
    fallback="digits",
)
NETS = {
    "squared error": Net(loss="mean_squared_error"),
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
    """Trains both networks and saves their curves.

    Returns:
        dict: "dataset", and for each network what ``digit_nets.Setting.train`` gives.
    """
    folder = folder_for("loss-choice", out)
    common = setting(quick, seed, epochs, batch_size)
    figures = compare("Two losses", NETS, common, COURSE)
    save_curves(folder / "training.png", {n: f["history"] for n, f in figures.items()}, "accuracy")
    return {"dataset": common.digits.name, **figures}


def claims(figures: dict) -> list[Claim]:
    """Cross-entropy learns, and the squared error is far behind at the same rate."""
    squared, entropy = (figures[name]["accuracy"] for name in NETS)
    return [
        Claim("squared error, test accuracy", squared, course=0.11),
        Claim("cross-entropy, test accuracy", entropy, at_least=0.82, course=0.84),
        Claim("cross-entropy - squared error", entropy - squared, at_least=0.5, course=0.73),
    ]
