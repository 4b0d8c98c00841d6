"""Modularization: attributes that are shared need few examples of each combination.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture I, slides "Why
Deep? Modularization" (girls and boys with long and short hair: a classifier of the four has few
boys with long hair to learn from; classifiers of sex and of hair have many, and what follows shares
them as modules). Here: pictures of shapes in colours, with some combinations rare; the answers of a
classifier of shapes and one of colours, taken together, beside one classifier of all combinations.
"""

from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.recipes.common import Claim, Info, Table, digits_page, folder_for, save_picture

INFO = Info(
    lecture="I",
    slide="Why Deep? Modularization",
    question="What do shared attributes gain where a combination has few examples?",
    minutes=2,
    dataset="easy_vqa",
)
SIDE = 32
# Blue circles, red rectangles, gray triangles, and how many of each are left for training.
RARE, FEW = ((0, 1), (1, 5), (2, 3)), 2


def load() -> tuple[tuple, tuple]:
    """Pictures [n, 32, 32, 3] from -1 to 0 (paper) and labels [n, 2], shape and colour."""
    parts = []
    for x, y in fn.datasets.easy_vqa.load_data():
        known = (y >= 0).all(axis=1)
        block = x.shape[1] // SIDE
        small = x[known].reshape(-1, SIDE, block, SIDE, block, 3).mean(axis=(2, 4))
        parts.append(((small / 255 - 1).astype(np.float32), y[known]))
    return parts[0], parts[1]


def is_rare(y: np.ndarray) -> np.ndarray:
    return np.any([(y == pair).all(axis=1) for pair in RARE], axis=0)


def without_most(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Only the first few pictures of each rare combination are left."""
    keep = np.ones(len(y), bool)
    for pair in RARE:
        own = (y == pair).all(axis=1)
        keep &= ~own | (np.cumsum(own) <= FEW)
    return x[keep], y[keep]


def classifier(picture: fn.Tensor, classes: int) -> fn.Tensor:
    """Three convolutions, and probabilities of so many classes."""
    x = picture
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.Dense(64, activation="relu")(layers.GlobalMaxPooling2D()(x))
    return layers.Dense(classes, activation="softmax")(x)


def build(outputs: list[int]) -> fn.Model:
    """A compiled model with a classifier for each of these numbers of classes."""
    picture = fn.Input((SIDE, SIDE, 3))
    model = fn.Model(picture, [classifier(picture, classes) for classes in outputs])
    model.compile(fn.optimizers.Adam(2e-3), ["sparse_categorical_crossentropy"] * len(outputs))
    return model


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains a classifier of all combinations, and one of shapes beside one of colours.

    Returns:
        dict: for "combinations" and "shape and colour" the test accuracy on "all" pictures and on
        the "rare" combinations.
    """
    folder = folder_for("modular", out)
    (x_train, y_train), (x_test, y_test) = load()
    x_train, y_train = without_most(x_train, y_train)
    rare = is_rare(y_test)
    counts = [len(fn.datasets.easy_vqa.SHAPES), len(fn.datasets.easy_vqa.COLORS)]
    fitting = {"batch_size": batch_size or 32, "epochs": epochs or (4 if quick else 12)}
    figures, guesses, histories = {}, {}, {}
    title = f"{len(x_train):,} pictures; {FEW} of each of {len(RARE)} rare combinations"
    with Table(title, ["classifiers", "parameters", "all", "rare combinations"]) as table:
        for name in ("combinations", "shape and colour"):
            fn.utils.set_random_seed(seed)
            if name == "combinations":
                model = build([counts[0] * counts[1]])
                targets = [[y[:, 0] * counts[1] + y[:, 1]] for y in (y_train, y_test)]
            else:
                model = build(counts)
                targets = [[y[:, 0], y[:, 1]] for y in (y_train, y_test)]
            histories[name] = model.fit(
                x_train,
                targets[0],
                validation_data=(x_test, targets[1]),
                verbose=2 if quick else "auto",
                **fitting,
            ).history
            predicted = model.predict(x_test, verbose=0)
            if name == "combinations":
                pair = divmod(predicted.argmax(axis=1), counts[1])
            else:
                pair = tuple(p.argmax(axis=1) for p in predicted)
            guesses[name] = np.stack(pair, axis=1)
            right = (guesses[name] == y_test).all(axis=1)
            figures[name] = {"all": float(right.mean()), "rare": float(right[rare].mean())}
            row = figures[name]["all"], figures[name]["rare"]
            table.add(name, model.count_params(), *row)
    save_picture(folder / "training.png", plots.curves, histories)
    for name, guess in guesses.items():
        shown = np.flatnonzero(rare)[:40]
        words = [[words_of(row) for row in rows[shown]] for rows in (y_test, guess)]
        save_picture(folder / f"{name}.png", digits_page, x_test[shown] + 1, *words)
    return figures


def words_of(pair: np.ndarray) -> str:
    names = fn.datasets.easy_vqa
    return f"{names.COLORS[pair[1]]} {names.SHAPES[pair[0]]}"


def claims(figures: dict) -> list[Claim]:
    """Classifiers of the attributes know combinations that they have hardly seen."""
    direct, shared = (figures[name]["rare"] for name in ("combinations", "shape and colour"))
    return [
        Claim("one class a combination: rare ones", direct),
        Claim("shape and colour: rare ones", shared, at_least=0.9),
        Claim("gain on rare combinations", shared - direct, at_least=0.3),
        Claim("shape and colour: all pictures", figures["shape and colour"]["all"], at_least=0.97),
    ]
