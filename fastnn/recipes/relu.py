"""ReLU: nine layers that learn.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides "ReLU"
("infinite sigmoid with different biases", "a thinner linear network") and "Let's try it" (9 layers:
sigmoid 0.11, ReLU 0.96).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, save_picture
from fastnn.recipes.digit_nets import Net, experiment, setting

INFO = Info(
    lecture="II",
    slide="ReLU",
    question="What does ReLU do for a deep network?",
    minutes=3,
    dataset="mnist",
    fallback="digits",
)
DEEP, QUICK_DEEP = (500,) * 8, (200,) * 8
# A fifth of the other recipes' rate, for both: at 0.1 nine ReLU layers are so close to instability
# that the last bit of a weight changes the first epoch's accuracy by several points.
RATE = 0.02
QUICK_BATCH = {"mnist": 20, "digits": 10}  # more steps an epoch, since there are few epochs
COURSE = {"sigmoid": 0.11, "ReLU": 0.96}


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains nine layers of either kind; thins the ReLU network; draws ReLU as a sum of sigmoids.

    The full run trains nine sigmoid layers with Adam too: they learn, so that the story is about
    plain gradient descent.

    Returns:
        dict: "dataset"; for each network what ``digit_nets.Setting.train`` gives; "dead": units
        that no training digit excites; "difference" of the outputs without them; "active": the
        share of units that one digit excites, and "linear": the difference of the linear network
        made of them; "sigmoids": how far a sum of them is from softplus.
    """
    deep = QUICK_DEEP if quick else DEEP
    nets = {"sigmoid": net(deep, "sigmoid"), "ReLU": net(deep, "relu")}
    common = setting(quick, seed, epochs, batch_size)
    if quick:
        common = replace(common, batch_size=batch_size or QUICK_BATCH[common.digits.name])
    else:
        nets["sigmoid, Adam"] = Net(DEEP, optimizer=lambda: fn.optimizers.Adam())
    models: dict[str, fn.Sequential] = {}
    figures, folder = experiment("relu", "Nine layers", nets, COURSE, common, out, models)
    layers = [[np.float64(w) for w in layer.get_weights()] for layer in models["ReLU"].layers]
    figures.update(thinned(layers, common.digits.x_train))
    figures.update(thinner_linear(layers, common.digits.x_test[0]))
    x = np.linspace(-4, 8, 241)
    summed, softplus = sum_of_sigmoids(x), np.logaddexp(0, x)
    figures["sigmoids"] = float(np.abs(summed - softplus).max())
    with Table("The ReLU network", ["what", "here"]) as table:
        table.add("units that no training digit excites", figures["dead"])
        table.add("largest change of an output without them", figures["difference"])
        table.add("share of units that the first test digit excites", figures["active"])
        table.add("its outputs by the linear network of those: difference", figures["linear"])
        table.add("sum of 60 shifted sigmoids - log(1 + exp(x))", figures["sigmoids"])
    save_picture(
        folder / "sigmoids.png",
        plots.lines,
        {"ReLU": (x, np.maximum(x, 0)), "sum of shifted sigmoids": (x, summed)},
        "x",
        "value",
    )
    return figures


def net(hidden: tuple[int, ...], activation: str) -> Net:
    """Plain gradient descent with the recipe's rate."""
    return Net(hidden, activation, optimizer=lambda: fn.optimizers.SGD(RATE))


def sum_of_sigmoids(x: np.ndarray, count: int = 60) -> np.ndarray:
    """sigmoid(x + 1/2) + sigmoid(x - 1/2) + sigmoid(x - 3/2) ..., which tends to log(1 + exp(x)).

    V. Nair and G. Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).
    """
    shifts = np.arange(1, count + 1) - 0.5
    return np.sum(1 / (1 + np.exp(shifts - x[:, None])), axis=1)


def forward(layers: list, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The last layer's sums, and what each hidden layer gives."""
    hidden = []
    for kernel, bias in layers[:-1]:
        x = np.maximum(x @ kernel + bias, 0)
        hidden.append(x)
    return x @ layers[-1][0] + layers[-1][1], hidden


def without(layers: list, keep: Sequence[Any]) -> list:
    """The network with only the hidden units that `keep` marks, a mask a layer."""
    inputs: list = [slice(None), *keep]
    outputs: list = [*keep, slice(None)]
    return [[w[i][:, o], b[o]] for (w, b), i, o in zip(layers, inputs, outputs)]


def thinned(layers: list, x: np.ndarray) -> dict:
    """Removes the units that no row of x excites: the outputs for x stay."""
    outputs, hidden = forward(layers, x)
    keep = [(units > 0).any(axis=0) for units in hidden]
    after, _ = forward(without(layers, keep), x)
    return {
        "dead": int(sum((~mask).sum() for mask in keep)),
        "difference": float(np.abs(after - outputs).max()),
    }


def thinner_linear(layers: list, x: np.ndarray) -> dict:
    """For one input: the units that it excites, as one matrix and one vector, give its outputs."""
    outputs, hidden = forward(layers, x[None])
    keep = [np.asarray(units[0] > 0) for units in hidden]
    matrix, shift = np.eye(len(x)), np.zeros(len(x))
    for kernel, bias in without(layers, keep):
        matrix, shift = matrix @ kernel, shift @ kernel + bias
    return {
        "active": float(np.mean(np.concatenate(keep))),
        "linear": float(np.abs(x @ matrix + shift - outputs[0]).max()),
    }


def claims(figures: dict) -> list[Claim]:
    """ReLU learns (single epochs dip: the best of the last five counts), sigmoid does not."""
    best = max(figures["ReLU"]["history"]["val_accuracy"][-5:])
    sigmoid = figures["sigmoid"]["accuracy"]
    return [
        Claim("ReLU, test accuracy, best of the last 5 epochs", best, at_least=0.94, course=0.96),
        Claim("sigmoid, test accuracy", sigmoid, course=0.11),
        Claim("ReLU - sigmoid", best - sigmoid, at_least=0.8, course=0.85),
        Claim("sigmoid with Adam", figures["sigmoid, Adam"]["accuracy"]),
        Claim("outputs without dead units: largest change", figures["difference"], at_most=1e-9),
        Claim("outputs of the thinner linear network: difference", figures["linear"], at_most=1e-6),
        Claim("60 sigmoids - softplus: largest", figures["sigmoids"], at_most=0.02),
    ]
