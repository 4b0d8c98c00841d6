"""Kinds of dropout: units, weights, learned rates, falling rates; with ReLU and with maxout.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Dropout: more about dropout" ("dropout works better with Maxout"; DropConnect; annealed dropout;
Standout). No order of the kinds comes out on these digits: they are reported.
"""

from collections.abc import Callable
from pathlib import Path

import fastnn as fn
from fastnn import layers
from fastnn.recipes.common import Claim, Info
from fastnn.recipes.digit_nets import Net, experiment, setting

INFO = Info(
    lecture="II",
    slide="More about dropout",
    question="Is one kind of dropout better than another?",
    minutes=3,
    dataset="mnist",
    fallback="digits",
)


def block(dense: Callable[[int], fn.Layer], dropped: Callable[[], fn.Layer]) -> Callable:
    """A hidden layer and what drops some of its units."""
    return lambda units: fn.Sequential([dense(units), dropped()])


def adam(activation, **settings) -> Net:
    return Net(activation=activation, optimizer=lambda: fn.optimizers.Adam(), **settings)


def nets(epochs: int) -> dict[str, Net]:
    """Each kind at rate 0.5; the annealed rate falls to zero over the epochs."""

    def relu(units):
        return layers.Dense(units, activation="relu")

    def maxout(units):
        return layers.Maxout(units, 2)

    def half():
        return layers.Dropout(0.5)

    return {
        "none, ReLU": adam("relu"),
        "dropout, ReLU": adam(block(relu, half)),
        "none, maxout": adam(maxout),
        "dropout, maxout": adam(block(maxout, half)),
        "DropConnect": adam(lambda units: layers.DropConnect(units, 0.5, activation="relu")),
        "annealed dropout": adam(
            block(relu, half), callbacks=lambda: [fn.callbacks.AnnealedDropout(epochs)]
        ),
        "Standout": adam(lambda units: layers.Standout(units, activation="relu")),
    }


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains 784-500-500-10 with each kind.

    Returns:
        dict: "dataset", and for each kind what ``digit_nets.Setting.train`` gives.
    """
    common = setting(quick, seed, epochs or (5 if quick else 15), batch_size)
    kinds = nets(common.epochs)
    if quick:
        kinds = {name: kinds[name] for name in ("none, ReLU", "dropout, ReLU", "DropConnect")}
    return experiment("dropout-kinds", "Kinds of dropout", kinds, {}, common, out)[0]


def claims(figures: dict) -> list[Claim]:
    """All kinds read the digits; which is best is reported."""
    names = list(nets(1))
    accuracy = [figures[name]["accuracy"] for name in names]
    return [
        *(Claim(f"{name}, test accuracy", value) for name, value in zip(names, accuracy)),
        Claim("worst of all", min(accuracy), at_least=0.92),
    ]
