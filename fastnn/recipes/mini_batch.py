"""Many updates an epoch or one: mini-batches against the whole training set at once.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slides
"Mini-batch", "Mini-batch is Faster", "Mini-batch is Better!" (0.84 against 0.12) and "Shuffle the
training examples for each epoch".
"""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, save_picture
from fastnn.recipes.digit_nets import Net, Setting, experiment, setting

INFO = Info(
    lecture="II",
    slide="Mini-batch is Better!",
    question="What do mini-batches gain over all training data at once?",
    minutes=2,
    dataset="mnist",
    fallback="digits",
)
NETS = {
    "mini-batch": Net(),
    "no batch": Net(batch_size=0),
}
COURSE = {"mini-batch": 0.84, "no batch": 0.12}
BATCHES = (10, 100, 1000, 0)


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains with batches and without; times an epoch by batch size; digits sorted and shuffled.

    Returns:
        dict: "dataset"; for each network what ``digit_nets.Setting.train`` gives; "seconds an
        epoch" by batch size; "sorted" and "shuffled" test accuracies; "path": the points that both
        ways visit on a surface.
    """
    common = setting(quick, seed, epochs, batch_size)
    figures, folder = experiment("mini-batch", "Equal epochs", NETS, COURSE, common, out)
    figures["seconds an epoch"] = time_epochs(common, BATCHES[1:] if quick else BATCHES)
    figures.update(sort_and_shuffle(common))
    paths = {"mini-batch": descend(8, seed), "no batch": descend(64, seed)}
    figures["path"] = {name: path.tolist() for name, path in paths.items()}
    save_picture(
        folder / "paths.png",
        plots.surface,
        regression_loss,
        (-2.5, 2.5),
        (-2.5, 2.5),
        paths,
        xlabel="w",
        ylabel="b",
        value="loss",
    )
    return figures


def time_epochs(common: Setting, batches: tuple[int, ...]) -> dict[str, float]:
    """Seconds of the second epoch of training alone, by batch size (0: all digits)."""
    d, seconds = common.digits, {}
    targets = fn.utils.to_categorical(d.y_train, 10)
    with Table("Time of one epoch", ["digits a batch", "updates", "seconds"]) as table:
        for batch in batches:
            size = batch or len(d.x_train)
            model = Net().build(d.x_train.shape[1])
            for _ in range(2):  # the first records the step
                start = time.perf_counter()
                model.fit(d.x_train, targets, batch_size=size, verbose=0)
                seconds[str(size)] = time.perf_counter() - start
            table.add(size, -(-len(d.x_train) // size), seconds[str(size)])
    return seconds


def sort_and_shuffle(common: Setting) -> dict[str, float]:
    """Test accuracy after training on digits sorted by class, never shuffled, and shuffled."""
    d = common.digits
    order = np.argsort(d.y_train, kind="stable")
    arranged = replace(
        common, digits=replace(d, x_train=d.x_train[order], y_train=d.y_train[order])
    )
    accuracies = {}
    with Table("Digits sorted by class", ["each epoch", "here"]) as table:
        for name, shuffle in (("sorted", False), ("shuffled", True)):
            accuracies[name] = arranged.train(Net(shuffle=shuffle))[1]["accuracy"]
            table.add(name, accuracies[name])
    return accuracies


def regression_data() -> tuple[np.ndarray, np.ndarray]:
    """64 points around the line y = 1.2 x - 0.5."""
    noise = np.random.default_rng(0)
    x = noise.uniform(-2, 2, 64)
    return x, 1.2 * x - 0.5 + noise.normal(0, 1, 64)


def regression_loss(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean squared error of w x + b on all points."""
    x, y = regression_data()
    return np.mean((np.multiply.outer(w, x) + np.asarray(b)[..., None] - y) ** 2, axis=-1)


def descend(batch: int, seed: int) -> np.ndarray:
    """The points [40, 2] that SGD visits with so many of the 64 points an update."""
    x, y = regression_data()
    draws = np.random.default_rng(seed)
    weights = fn.Variable(np.array([-2.0, 2.0]))
    optimizer = fn.optimizers.SGD(0.15)
    path = []
    for step in range(40):
        if step * batch % 64 == 0:
            order = draws.permutation(64)
        some = order[step * batch % 64 :][:batch]
        path.append(weights.numpy())
        gradient = fn.grad(
            lambda w, some=some: fn.ops.mean((w[0] * x[some] + w[1] - y[some]) ** 2)
        )(weights)
        optimizer.apply([gradient], [weights])
    return np.array(path)


def claims(figures: dict) -> list[Claim]:
    """With mini-batches the network learns, with one update an epoch hardly."""
    batch, whole = (figures[name]["accuracy"] for name in NETS)
    seconds = figures["seconds an epoch"]
    return [
        Claim("mini-batch, test accuracy", batch, at_least=0.82, course=0.84),
        Claim("no batch, test accuracy", whole, course=0.12),
        Claim("mini-batch - no batch", batch - whole, at_least=0.5, course=0.72),
        Claim("an epoch: seconds with batches of 10 / of 100", seconds["10"] / seconds["100"]),
        Claim("shuffled - sorted", figures["shuffled"] - figures["sorted"], at_least=0.2),
    ]
