"""The next move of a game of Go: a dense net, a convolutional one, and the same with pooling.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"Playing Go" and "Why CNN for playing Go?", which ends: "Alpha Go does not use Max Pooling ... How
to explain this???". Every point of a board counts: what is pooled forgets where exactly a stone
lies, and a picture scaled up again does not remember.

The convolutional nets follow the first layers of D. Silver et al., "Mastering the game of Go with
deep neural networks and tree search", Nature 529 (2016): 5x5 filters, then 3x3, then 1x1 with a
bias of its own for each point.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, folder_for, print_table, save_picture

INFO = Info(
    lecture="III",
    slide="Why CNN for playing Go?",
    question="Why is a convolutional net good at Go, and why must it not pool?",
    minutes=2.5,
    dataset="go",
)
NETS = ("convolutional", "with pooling", "dense")
RATES = {"dense": 0.0005, "convolutional": 0.002, "with pooling": 0.002}  # the best of a few
BLUES = ("#08306b", "#08519c", "#2171b5", "#6baed6", "#9ecae1")  # proposals, the first darkest
COLUMNS = "ABCDEFGHJKLMNOPQRST"  # players leave I out


class PositionBias(fn.Layer):
    """Adds a learned number to each point: some are played more often than others."""

    def build(self, input_shape: tuple) -> None:
        self.bias = self.add_weight(name="bias", shape=input_shape[1:], initializer="zeros")

    def call(self, inputs: fn.Tensor) -> fn.Tensor:
        return inputs + self.bias


def build(net: str, planes: int) -> fn.Sequential:
    """One of NETS: from a board [19, 19, planes] to the chances of the 361 points.

    The two convolutional nets have the same layers with weights and the same head.
    """
    layers = fn.layers
    model = fn.Sequential([fn.Input((19, 19, planes))])
    if net == "dense":
        model.add(layers.Flatten())
        model.add(layers.Dense(500, activation="relu"))
        model.add(layers.Dense(500, activation="relu"))
        model.add(layers.Dense(361))
    else:
        model.add(layers.Conv2D(32, 5, padding="same", activation="relu"))
        if net == "with pooling":
            model.add(layers.MaxPooling2D(2, padding="same"))  # 19 x 19 to 10 x 10
        for _ in range(3):
            model.add(layers.Conv2D(32, 3, padding="same", activation="relu"))
        if net == "with pooling":
            model.add(layers.UpSampling2D(2))  # to 20 x 20
            model.add(layers.Cropping2D(((0, 1), (0, 1))))
        model.add(layers.Conv2D(1, 1, use_bias=False))
        model.add(layers.Flatten())
        model.add(PositionBias())
    model.add(layers.Activation("softmax"))
    model.compile(fn.optimizers.Adam(RATES[net]), "sparse_categorical_crossentropy")
    return model


def score(model: fn.Sequential, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """How often the move played is the net's first proposal, and one of its first five."""
    chances = model.predict(x, batch_size=500, verbose=0)
    played = np.take_along_axis(chances, y[:, None], axis=1)
    rank = (chances >= played).sum(axis=1)
    return float(np.mean(rank <= 1)), float(np.mean(rank <= 5))


def train(
    model: fn.Sequential,
    data: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    batch_size: int,
    verbose: Any,
    epochs: int | None,
    seconds: float,
) -> dict:
    """Trains for so many epochs, or so many whole epochs as take at least so many seconds.

    Seconds are the processor's, of all threads: they do not depend on what else the machine does.
    """
    (x, y), test = data
    figures: dict = {"parameters": model.count_params(), "seconds": [], "top-1": [], "top-5": []}
    spent, done = 0.0, 0
    while done < epochs if epochs else spent < seconds:
        start = time.process_time()
        model.fit(x, y, batch_size=batch_size, initial_epoch=done, epochs=done + 1, verbose=verbose)
        spent += time.process_time() - start
        done += 1
        top1, top5 = score(model, *test)
        for name, value in (("seconds", spent), ("top-1", top1), ("top-5", top5)):
            figures[name].append(value)
    return figures


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains the convolutional net, then the others for at least as long; draws boards and curves.

    The full run has 50,000 positions to train on and sees stones in three planes (mine, theirs,
    empty); a quick one has 12,000 and the slide's one plane (1, -1, 0). Both are tested on
    positions of 300 other games.

    epochs: of the convolutional net

    Returns:
        dict: for each of NETS its parameters, and after each epoch the processor's seconds of
        training so far, top-1 and top-5 on games not trained on.
    """
    folder = folder_for("go-next-move", out)
    train_count, test_count = (12_000, 2_000) if quick else (50_000, 4_000)
    (x, y), (x_test, y_test) = fn.datasets.go.load_data(train_count, test_count, planes=not quick)
    x, x_test = x.astype("float32"), x_test.astype("float32")
    data = (x, y), (x_test, y_test)
    batch_size, verbose = batch_size or 64, 2 if quick else "auto"

    models: dict[str, fn.Sequential] = {}
    figures: dict[str, dict] = {}
    seconds = 0.0
    for net in NETS:
        fn.utils.set_random_seed(seed)
        models[net] = build(net, x.shape[-1])
        count = None if seconds else epochs or (1 if quick else 3)
        figures[net] = train(models[net], data, batch_size, verbose, count, seconds)
        seconds = figures["convolutional"]["seconds"][-1]
    print_table(
        f"Next moves of Go: {train_count:,} positions, tested on {test_count:,} of other games",
        ["net", "parameters", "epochs", "processor seconds", "top-1", "top-5"],
        [
            [net, f["parameters"], len(f["seconds"])]
            + [f[name][-1] for name in ("seconds", "top-1", "top-5")]
            for net, f in figures.items()
        ],
    )
    save_picture(
        folder / "training.png",
        plots.lines,
        {net: (f["seconds"], f["top-1"]) for net, f in figures.items()},
        "processor seconds of training",
        "top-1 on games not trained on",
        markers=True,
    )
    shown = [pick(x_test, i, stones) for i, stones in enumerate((20, 60, 120, 180))]
    chances = models["convolutional"].predict(x_test[shown], verbose=0)
    save_picture(folder / "boards.png", boards, x_test[shown], chances, y_test[shown])
    return figures


def claims(figures: dict) -> list[Claim]:
    """What the full run shows with every seed."""
    top1, top5 = ({net: figures[net][name][-1] for net in NETS} for name in ("top-1", "top-5"))
    cnn = top1["convolutional"]
    return [
        Claim("convolutional net, top-1", cnn, at_least=0.14),
        Claim("convolutional net, top-5", top5["convolutional"], at_least=0.38),
        Claim("the same with pooling, top-1", top1["with pooling"]),
        Claim("dense net, top-1", top1["dense"]),
        Claim("convolutional less pooled, top-1", cnn - top1["with pooling"], at_least=0.08),
        Claim("convolutional over dense, top-1", cnn / max(top1["dense"], 1e-9), at_least=1.5),
    ]


def pick(x: np.ndarray, quarter: int, stones: int) -> int:
    """The position with the number of stones nearest to this, in a quarter of the data."""
    first, last = (len(x) * i // 4 for i in (quarter, quarter + 1))
    counts = (x[first:last, ..., :2] != 0).sum(axis=(1, 2, 3))
    return first + int(np.argmin(np.abs(counts - stones)))


def boards(x: np.ndarray, chances: np.ndarray, played: np.ndarray) -> plots.Drawing:
    """Boards with the net's proposals; the player to move has black.

    Args:
        x: [n, 19, 19, planes] as the nets see them.
        chances: [n, 361].
        played: [n], the moves of the games.
    """
    figure, grid = plots.style.new_grid(2, 2, (10, 10.5))
    for axes, position, chance, move in zip(grid.flat, x, chances, played.tolist()):
        black = position[..., 0] > 0
        white = position[..., 0] < 0 if position.shape[-1] == 1 else position[..., 1] > 0
        draw_board(axes, black, white)
        best = np.argsort(-chance)[:5].tolist()
        for place, point in enumerate(best):
            row, column = divmod(point, 19)
            axes.plot(column, row, "o", ms=19, color=BLUES[place], zorder=4)
            style = {"ha": "center", "va": "center_baseline", "size": 10, "zorder": 5}
            axes.text(column, row, f"{100 * chance[point]:.0f}", color="wwwkk"[place], **style)
        row, column = divmod(move, 19)
        axes.plot(column, row, "o", ms=23, mfc="none", mec="#d03a2b", mew=2.2, zorder=6)
        found = f"proposal {best.index(move) + 1}" if move in best else "not among the five"
        axes.set_title(
            f"{(black | white).sum()} stones; played {COLUMNS[column]}{19 - row}: {found}"
        )
    figure.suptitle(
        "Black to move: the net's first five proposals in percent; red: the move of the game",
        fontsize=14,
    )
    return plots.Drawing(figure)


def draw_board(axes: Any, black: np.ndarray, white: np.ndarray) -> None:
    """Draws a goban; black and white: [19, 19], where stones lie."""
    axes.set(xlim=(-0.9, 18.9), ylim=(18.9, -0.9), aspect="equal", facecolor="#dcb469")
    axes.hlines(range(19), 0, 18, color="#4a3513", lw=0.8, zorder=1)
    axes.vlines(range(19), 0, 18, color="#4a3513", lw=0.8, zorder=1)
    stars = [(row, column) for row in (3, 9, 15) for column in (3, 9, 15)]
    axes.plot(*zip(*stars), "o", ms=5, color="#4a3513", zorder=1)
    for stones, face, shine in ((black, "#16161a", "#6a6a72"), (white, "#e9e6de", "#ffffff")):
        rows, columns = np.nonzero(stones)
        axes.scatter(
            columns + 0.05, rows + 0.06, s=330, color="#000000", alpha=0.25, lw=0, zorder=2
        )
        axes.scatter(columns, rows, s=330, color=face, edgecolors="#2a2a2a", lw=0.6, zorder=3)
        axes.scatter(columns - 0.13, rows - 0.14, s=60, color=shine, alpha=0.45, lw=0, zorder=3)
    axes.set_xticks(range(19), COLUMNS)
    axes.set_yticks(range(19), range(19, 0, -1))
    axes.tick_params(length=0, labelsize=9)
