"""Dropout: a network that learned without some of its units stands noise better.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Dropout", "Dropout is a kind of ensemble", "Let's try it" (noisy 0.50, with dropout 0.63). The
slide writes model.add(dropout(0.8)) after both hidden layers; read as Keras does, eight tenths of
the units are dropped, and that is what comes out here. Half of them gain less.
"""

from pathlib import Path

from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.digit_nets import Net, setting
from fastnn.recipes.overfitting import DENSE, accuracy

INFO = Info(
    lecture="II",
    slide="Dropout: let's try it",
    question="Does dropout help a network on noisy testing data?",
    minutes=1.5,
    dataset="mnist",
    fallback="digits",
)
RATES = (0.0, 0.5, 0.8)
SIGMAS = (0.0, 0.75, 1.0)


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains with each rate of dropout on clean digits, tests on digits with Gaussian noise.

    Returns:
        dict: "dataset", and for each rate, as text, "accuracy" at each sigma and "history".
    """
    folder = folder_for("dropout", out)
    rates = RATES[::2] if quick else RATES
    common = setting(quick, seed, epochs, batch_size)
    figures: dict = {"dataset": common.digits.name}
    with Table(
        "Test accuracy",
        ["dropout", *(f"noise {sigma:g}" for sigma in SIGMAS)],
    ) as table:
        table.add("course, none", 0.97, "0.50 at a noise it does not state")
        table.add("course, 0.8", "-", "0.63 there")
        for rate in rates:
            net = Net(activation="relu", optimizer=DENSE.optimizer, dropout=rate)
            model, trained = common.train(net)
            row = [accuracy(model, common, sigma) for sigma in SIGMAS]
            figures[f"{rate:g}"] = {"accuracy": row, "history": trained["history"]}
            table.add(f"{rate:g}", *row)
    histories = {f"dropout {rate:g}": figures[f"{rate:g}"]["history"] for rate in rates}
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    return figures


def claims(figures: dict) -> list[Claim]:
    """Dropout costs a little on clean digits and gains on noisy ones."""
    without, half, most = (figures[f"{rate:g}"]["accuracy"] for rate in RATES)
    return [
        Claim("noise 1, no dropout", without[2], course=0.5),
        Claim("noise 1, dropout 0.8", most[2], course=0.63),
        Claim("gain of dropout 0.8 at noise 1", most[2] - without[2], at_least=0.08, course=0.13),
        Claim("gain of dropout 0.8 at noise 0.75", most[1] - without[1]),
        Claim("gain of dropout 0.5 at noise 1", half[2] - without[2]),
        Claim("clean, dropout 0.8", most[0], at_least=0.93),
    ]
