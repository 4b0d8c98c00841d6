"""Relatives of ReLU: leaky, parametric, exponential, and Maxout, which learns its shape.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides "ReLU -
variant", "Maxout" (groups (5, 7) and (-1, 1) give 7 and 1, then (1, 2) and (4, 3) give 2 and 4).
"""

from pathlib import Path

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, save_picture
from fastnn.recipes.digit_nets import Net, experiment, setting

INFO = Info(
    lecture="II",
    slide="ReLU - variant, Maxout",
    question="Does a relative of ReLU do better than ReLU?",
    minutes=3,
    dataset="mnist",
    fallback="digits",
)


def with_prelu(units: int) -> fn.Layer:
    """A dense layer, then a slope below zero that each unit learns."""
    return fn.Sequential([fn.layers.Dense(units), fn.layers.PReLU()])


NETS = {
    "sigmoid": Net(),
    "ReLU": Net(activation="relu"),
    "leaky ReLU, slope 0.01": Net(
        activation=lambda units: fn.layers.Dense(
            units, activation=lambda x: fn.activations.leaky_relu(x, 0.01)
        )
    ),
    "parametric ReLU": Net(activation=with_prelu),
    "ELU": Net(activation="elu"),
    "maxout, groups of 2": Net(activation=lambda units: fn.layers.Maxout(units, 2)),
    "maxout, groups of 3": Net(activation=lambda units: fn.layers.Maxout(units, 3)),
}


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains 784-500-500-10 with each activation; draws what maxout units can be.

    Returns:
        dict: "dataset", and for each network what ``digit_nets.Setting.train`` gives.
    """
    nets = {n: NETS[n] for n in NETS if not (quick and n in ("ELU", "maxout, groups of 3"))}
    images = 5000 if quick else 10000
    common = setting(quick, seed, epochs or (5 if quick else 10), batch_size, images)
    figures, folder = experiment("activations", "Activations", nets, {}, common, out)
    save_picture(folder / "maxout.png", plots.piecewise_linear)
    return figures


def claims(figures: dict) -> list[Claim]:
    """All of them are above sigmoid, and closer to each other than to it."""
    rest = [figures[name]["accuracy"] for name in NETS if name != "sigmoid"]
    return [
        *(Claim(f"{name}, test accuracy", figures[name]["accuracy"]) for name in NETS),
        Claim("worst - sigmoid", min(rest) - figures["sigmoid"]["accuracy"], at_least=0.03),
        Claim("best - worst but for sigmoid", max(rest) - min(rest), at_most=0.05),
    ]
