"""The learning rate: too small, too large, right, and lowered on the way.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Learning Rates" (too large a rate: the total loss may not decrease; lower it by a factor every few
epochs; 1/t decay: rate / sqrt(t + 1)).
"""

from pathlib import Path

import fastnn as fn
from fastnn.optimizers import schedules
from fastnn.recipes.common import Claim, Info
from fastnn.recipes.digit_nets import Net, experiment, setting

INFO = Info(
    lecture="II",
    slide="Learning Rates",
    question="How does the learning rate decide what a network learns?",
    minutes=1.5,
    dataset="mnist",
    fallback="digits",
)


def net(rate, factor: float | None = None) -> Net:
    """784-500-500-10 with ReLU and SGD; a factor: by which the rate shrinks every three epochs."""

    def lower() -> list:
        if factor is None:
            return []
        fall = fn.callbacks.LearningRateScheduler(lambda epoch, _: rate * factor ** (epoch // 3))
        return [fall]

    return Net(activation="relu", optimizer=lambda: fn.optimizers.SGD(rate), callbacks=lower)


NETS = {
    "0.001": net(0.001),
    "0.1": net(0.1),
    "3": net(3.0),
    "1": net(1.0),
    "1, halved every 3 epochs": net(1.0, 0.5),
    "1 / (1 + 0.02 t)": net(schedules.InverseTimeDecay(1.0, 1, 0.02)),
    "1 / sqrt(t + 1)": net(schedules.InverseSquareRootDecay(1.0)),
}
QUICK = ("0.001", "0.1", "3", "1 / (1 + 0.02 t)")


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains the network with each rate on 5,000 digits; t counts updates.

    Returns:
        dict: "dataset", and for each rate what ``digit_nets.Setting.train`` gives.
    """
    nets = {name: NETS[name] for name in (QUICK if quick else NETS)}
    common = setting(quick, seed, epochs or (5 if quick else 10), batch_size, images=5000)
    return experiment("learning-rate", "Learning rates", nets, {}, common, out)[0]


def claims(figures: dict) -> list[Claim]:
    """The right rate learns; one that is too small has not begun, one too large never does."""
    accuracy = {name: figures[name]["accuracy"] for name in NETS}
    decayed = [accuracy[name] for name in NETS if "t" in name and "every" not in name]
    return [
        *(Claim(f"rate {name}, test accuracy", value) for name, value in accuracy.items()),
        Claim("0.1 - 0.001", accuracy["0.1"] - accuracy["0.001"], at_least=0.2),
        Claim("rate 3", accuracy["3"], at_most=0.2),
        Claim("worst of 1 / (1 + 0.02 t) and 1 / sqrt(t + 1)", min(decayed), at_least=0.9),
    ]
