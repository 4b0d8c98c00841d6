"""Optimizers with a rate for each weight: all of them on one problem.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Adagrad", "Not the whole story ..." and "Let's try it" (ReLU, 3 layers: 0.96, Adam 0.97).
"""

from dataclasses import replace
from pathlib import Path

import fastnn as fn
from fastnn.recipes.common import Claim, Info
from fastnn.recipes.digit_nets import Net, compare, experiment, setting

INFO = Info(
    lecture="II",
    slide="Adaptive learning rates: let's try it",
    question="What do Adam and its relatives gain over plain gradient descent?",
    minutes=4,
    dataset="mnist",
    fallback="digits",
)
COURSE = {"SGD": 0.96, "Adam": 0.97}


def optimizers() -> dict:
    """{name: makes one}: with their usual rates, or those that their papers speak of."""
    o = fn.optimizers
    return {
        "SGD": lambda: o.SGD(0.1),
        "Adam": lambda: o.Adam(),
        "momentum": lambda: o.SGD(0.1, momentum=0.9),
        "Nesterov": lambda: o.SGD(0.1, momentum=0.9, nesterov=True),
        "Adagrad": lambda: o.Adagrad(0.01),
        "Adadelta": lambda: o.Adadelta(1.0),
        "RMSprop": lambda: o.RMSprop(),
        "Adamax": lambda: o.Adamax(),
        "Nadam": lambda: o.Nadam(),
        "AdamW": lambda: o.AdamW(),
        "Ftrl": lambda: o.Ftrl(0.1),
        "Lion": lambda: o.Lion(1e-4),
        "Lamb": lambda: o.Lamb(),
        "Adafactor": lambda: o.Adafactor(),
        "Muon": lambda: o.Muon(),
        "schedule-free AdamW": lambda: o.ScheduleFreeAdamW(),
        "VSGD, no rate": lambda: o.VSGD(),
        "AdaSecant, no rate": lambda: o.AdaSecant(),
    }


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains 784-500-500-10 with ReLU by SGD and Adam; then, in five epochs, by all of them.

    Returns:
        dict: "dataset", for SGD and Adam what ``digit_nets.Setting.train`` gives, and in a full run
        "five epochs": {optimizer: test accuracy}.
    """
    nets = {n: Net(activation="relu", optimizer=make) for n, make in optimizers().items()}
    pair = {name: nets[name] for name in COURSE}
    common = setting(quick, seed, epochs, batch_size)
    figures, _ = experiment("optimizers", "ReLU, 3 layers", pair, COURSE, common, out)
    if not quick:
        short = compare("All, five epochs", nets, replace(common, epochs=5), {})
        figures["five epochs"] = {name: f["accuracy"] for name, f in short.items()}
    return figures


def claims(figures: dict) -> list[Claim]:
    """Adam is ahead of plain gradient descent, and both are good."""
    sgd, adam = (figures[name]["accuracy"] for name in COURSE)
    return [
        Claim("SGD, test accuracy", sgd, at_least=0.94, course=0.96),
        Claim("Adam, test accuracy", adam, at_least=0.94, course=0.97),
        Claim("Adam - SGD", adam - sgd, at_least=0.005, course=0.01),
        *(Claim(f"{n}, five epochs", value) for n, value in figures["five epochs"].items()),
    ]
