"""Early stopping: where a fifth of the labels are wrong it helps, where they are right it does not.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slide "Early
Stopping" (stop where the loss on a validation set is least).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.digit_nets import Net, Setting, setting
from fastnn.recipes.noise import with_random_labels

INFO = Info(
    lecture="II",
    slide="Early Stopping",
    question="When does it help to stop training early?",
    minutes=0.5,
    dataset="mnist",
    fallback="digits",
)
NET = Net(activation="relu", optimizer=lambda: fn.optimizers.Adam())
TRAINING, VALIDATION = 1000, 400
SHARES = {"clean labels": 0.0, "a fifth of the labels random": 0.2}


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains to the end and with EarlyStopping, on 1,000 digits, with clean and with wrong labels.

    The validation digits have labels as good or bad as the training digits.

    Returns:
        dict: "dataset", and for both kinds of labels "end" and "stopped", test accuracies,
        "epoch", the best one, whose weights are taken, "loss at stop" and "least loss" of
        validation, and "history".
    """
    folder = folder_for("early-stopping", out)
    common = setting(
        quick, seed, epochs or (20 if quick else 40), batch_size or 50, images=TRAINING + VALIDATION
    )
    figures: dict = {"dataset": common.digits.name}
    header = ["labels", "to the end", "stopped", "best epoch", "loss at the stop", "least loss"]
    with Table("Test accuracy", header) as table:
        for name, share in SHARES.items():
            f = figures[name] = both_ways(with_random_labels(common, share))
            table.add(name, f["end"], f["stopped"], f["epoch"], f["loss at stop"], f["least loss"])
    save_picture(
        folder / "loss.png",
        plots.curves,
        {name: figures[name]["history"] for name in SHARES},
        "loss",
        validation="validation",
    )
    return figures


def both_ways(common: Setting) -> dict:
    """One training to the end, and one that is stopped and goes back to its best weights."""
    d = common.digits
    held = {"x": d.x_train[-VALIDATION:], "y": d.y_train[-VALIDATION:]}
    part = replace(
        common,
        digits=replace(
            d,
            x_train=d.x_train[:-VALIDATION],
            y_train=d.y_train[:-VALIDATION],
            x_test=held["x"],
            y_test=held["y"],
        ),
    )
    stop = fn.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True)
    accuracies, histories = [], []
    for net in (NET, replace(NET, callbacks=lambda: [stop])):
        model, trained = part.train(net)
        accuracies.append(float((model.predict(d.x_test, verbose=0).argmax(1) == d.y_test).mean()))
        histories.append(trained["history"])
    whole, cut = (h["val_loss"] for h in histories)
    return {
        "end": accuracies[0],
        "stopped": accuracies[1],
        "epoch": int(np.argmin(cut)) + 1,
        "loss at stop": min(cut),
        "least loss": min(whole),
        "history": histories[0],
    }


def claims(figures: dict) -> list[Claim]:
    """With wrong labels stopping gains; with right ones it does not."""
    clean, wrong = (figures[name] for name in SHARES)
    return [
        Claim(
            "wrong labels: stopped - to the end", wrong["stopped"] - wrong["end"], at_least=0.005
        ),
        Claim("clean labels: stopped - to the end", clean["stopped"] - clean["end"]),
        Claim(
            "wrong labels: loss at the stop - least loss",
            wrong["loss at stop"] - wrong["least loss"],
            at_most=0.05,
        ),
        Claim("best epoch, wrong labels", wrong["epoch"]),
    ]
