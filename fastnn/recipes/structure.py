"""How many layers, how many neurons: a table of width by depth.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture I, slide "FAQ"
("How many layers? How many neurons for each layer? Trial and error + intuition"); lecture II,
"Recipe of Deep Learning: network structure".
"""

from pathlib import Path

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.digit_nets import Net, setting

INFO = Info(
    lecture="I",
    slide="How many layers? How many neurons?",
    question="How much do width and depth matter?",
    minutes=3,
    dataset="mnist",
    fallback="digits",
)
WIDTHS, DEPTHS = (20, 100, 500), (1, 2, 4)


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains a network of each size (ReLU, Adam) and draws accuracy over width.

    Returns:
        dict: "dataset", "accuracy" [depth][width] on the test digits, "parameters" likewise.
    """
    folder = folder_for("structure", out)
    widths, depths = (WIDTHS[:2], DEPTHS[:2]) if quick else (WIDTHS, DEPTHS)
    common = setting(quick, seed, epochs or (3 if quick else 10), batch_size)
    accuracy: list[list[float]] = []
    parameters: list[list[int]] = []
    histories = {}
    header = ["hidden layers", *(f"{width} units" for width in widths)]
    with Table("Test accuracy (parameters)", header) as table:
        for depth in depths:
            results = [
                common.train(Net((width,) * depth, "relu", optimizer=lambda: fn.optimizers.Adam()))[
                    1
                ]
                for width in widths
            ]
            accuracy.append([f["accuracy"] for f in results])
            parameters.append([f["parameters"] for f in results])
            histories[f"{depth} x {widths[-1]}"] = results[-1]["history"]
            table.add(depth, *(f"{f['accuracy']:.4f} ({f['parameters']:,})" for f in results))
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    save_picture(
        folder / "accuracy.png",
        plots.lines,
        {f"{depth} hidden layers": (widths, row) for depth, row in zip(depths, accuracy)},
        "units a layer",
        "test accuracy",
        markers=True,
    )
    return {"dataset": common.digits.name, "accuracy": accuracy, "parameters": parameters}


def claims(figures: dict) -> list[Claim]:
    """Width helps at every depth; depth beyond two layers adds little on digits."""
    accuracy = figures["accuracy"]
    gains = [row[-1] - row[0] for row in accuracy]
    return [
        Claim("500 units - 20 units, least over depths", min(gains), at_least=0.01),
        Claim("4 hidden layers - 2, 500 units", accuracy[2][-1] - accuracy[1][-1]),
        Claim("best of all", max(max(row) for row in accuracy), at_least=0.95),
    ]
