"""The recipe of deep learning: two questions, asked of networks that are wrong in known ways.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slide "Recipe
of Deep Learning" ("good results on training data? good results on testing data?").
"""

from dataclasses import replace
from pathlib import Path

import fastnn as fn
from fastnn import plots
from fastnn.recipes.advice import advise
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.digit_nets import Net, setting

INFO = Info(
    lecture="II",
    slide="Recipe of Deep Learning",
    question="Good on training data? Good on testing data? What then?",
    minutes=1,
    dataset="mnist",
    fallback="digits",
)
GOOD = Net((200, 200), "relu", optimizer=lambda: fn.optimizers.Adam())
# A network, how many digits it has, which question fails, and a word of the first tip.
NETS: dict[str, tuple[Net, int, str | None, str]] = {
    "good": (GOOD, 10000, None, ""),
    "rate too small": (
        replace(GOOD, optimizer=lambda: fn.optimizers.SGD(0.0007)),
        10000,
        "training",
        "rate",
    ),
    "squared error after softmax": (
        Net((200, 200), loss="mean_squared_error"),
        10000,
        "training",
        "loss",
    ),
    "nine sigmoid layers": (Net((100,) * 8), 5000, "training", "activation"),
    "too small": (
        replace(GOOD, hidden=(2,), optimizer=lambda: fn.optimizers.Adam(0.01)),
        10000,
        "training",
        "neurons",
    ),
    "overfitted": (GOOD, 200, "testing", "data"),
}


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains six networks and asks ``advise`` about each, as `fastnn advise LOG.csv` does.

    Returns:
        dict: for each network "fails", "tips", and the accuracies "training" and "testing".
    """
    folder = folder_for("recipe", out)
    figures, histories = {}, {}
    header = ["network", "on training data", "on testing data", "what fails", "first tip"]
    with Table("Two questions", header) as table:
        every = setting(quick, seed, epochs or (10 if quick else 15), batch_size or 20)
        for name, (net, images, _, _) in NETS.items():
            d, count = every.digits, images
            if quick and name in ("rate too small", "squared error after softmax"):
                count = 2000
            # The loss of the smallest network needs time to stop falling; a good one ends in time.
            share = {"too small": 4.0, "good": 0.5}.get(name, 1.0)
            few = replace(d, x_train=d.x_train[:count], y_train=d.y_train[:count])
            common = replace(every, digits=few, epochs=max(1, round(share * every.epochs)))
            model, f = common.train(net)
            advice = advise(f["history"], model)
            histories[name] = f["history"]
            figures[name] = {
                "fails": advice.fails,
                "tips": advice.tips,
                "training": f["training_accuracy"],
                "testing": f["accuracy"],
            }
            tip = advice.tips[0].split(":")[0] if advice.tips else "-"
            table.add(name, f["training_accuracy"], f["accuracy"], advice.fails or "nothing", tip)
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    return figures


def claims(figures: dict) -> list[Claim]:
    """The advice names what was done to each network."""
    right = [
        figures[name]["fails"] == fails and (not word or word in figures[name]["tips"][0])
        for name, (_, _, fails, word) in NETS.items()
    ]
    return [
        Claim(f"{name}: advice is right (1)", float(fine), at_least=1)
        for name, fine in zip(NETS, right)
    ]
