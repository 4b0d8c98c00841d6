"""Weight decay: weights that are not needed go towards zero.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides "Weight
Decay" ("our brain prunes out the useless link between neurons"; w <- 0.99 w - rate * gradient).
L2 regularization with factor f does that in plain descent, with 1 - 2 * rate * f for 0.99: here
0.994.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.digit_nets import Net, setting
from fastnn.recipes.noise import with_random_labels

INFO = Info(
    lecture="II",
    slide="Weight Decay",
    question="What does weight decay do to the weights, and when does it help?",
    minutes=1.5,
    dataset="mnist",
    fallback="digits",
)
NET = Net(activation="relu", optimizer=lambda: fn.optimizers.SGD(0.1))
FACTOR = 3e-2
SHARES = {"clean labels": 0.0, "a fifth of the labels random": 0.2}
NEAR = 1e-3  # weights below it count as zero
LAST = 10  # epochs at the end whose test accuracies are averaged: single ones jump


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains on 1,000 digits with and without L2, with clean and with wrong labels.

    Returns:
        dict: "dataset", and for both kinds of labels, with "none" and "L2": "accuracy" on the test
        digits and "near zero", the share of hidden weights.
    """
    folder = folder_for("weight-decay", out)
    common = setting(quick, seed, epochs or (20 if quick else 100), batch_size or 50, images=1000)
    figures: dict = {"dataset": common.digits.name}
    histories = {}
    header = ["labels", "weight decay", "test accuracy", f"weights below {NEAR:g}"]
    with Table("1,000 digits", header) as table:
        for name, share in SHARES.items():
            figures[name] = {}
            noisy = with_random_labels(common, share)
            for label, regularizer in (("none", None), ("L2", fn.regularizers.L2(FACTOR))):
                model, trained = noisy.train(replace(NET, regularizer=regularizer))
                hidden = [layer.kernel.numpy().ravel() for layer in model.layers[:-1]]
                near = float(np.mean(np.abs(np.concatenate(hidden)) < NEAR))
                accuracy = float(np.mean(trained["history"]["val_accuracy"][-LAST:]))
                histories[f"{name}, {label}"] = trained["history"]
                figures[name][label] = {"accuracy": accuracy, "near zero": near}
                table.add(name, label, accuracy, near)
                save_picture(
                    folder / f"weights, {name}, {label}.png", plots.weight_histograms, model
                )
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    return figures


def claims(figures: dict) -> list[Claim]:
    """Most weights go to zero; accuracy gains where labels are wrong."""
    clean, wrong = (figures[name] for name in SHARES)
    return [
        Claim(
            "wrong labels: gain of L2", wrong["L2"]["accuracy"] - wrong["none"]["accuracy"], 0.003
        ),
        Claim("clean labels: gain of L2", clean["L2"]["accuracy"] - clean["none"]["accuracy"]),
        Claim("clean labels: weights near zero with L2", clean["L2"]["near zero"], at_least=0.3),
        Claim("clean labels: weights near zero without", clean["none"]["near zero"], at_most=0.1),
    ]
