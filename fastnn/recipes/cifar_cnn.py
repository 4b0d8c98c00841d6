"""Colour pictures of ten classes: a convolutional net against a dense one.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"Why CNN for Image?", "The whole CNN" and "Convolutional Neural Network".

With 500 pictures a class the dense net has to learn anew at each place what a wheel or a wing looks
like; the filters learn it once for all places.
"""

from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.datasets.cifar10 import CLASSES
from fastnn.recipes.common import Claim, Info, folder_for, print_table, save_picture

INFO = Info(
    lecture="III",
    slide="The whole CNN",
    question="How much better is a convolutional net on small colour pictures?",
    minutes=1,
    dataset="cifar10",
)


def build(net: str) -> fn.Sequential:
    """ "convolutional" or "dense": from pictures [32, 32, 3] to the chances of ten classes."""
    layers = fn.layers
    model = fn.Sequential([fn.Input((32, 32, 3))])
    if net == "convolutional":
        for filters in (32, 64, 128):
            model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
            model.add(layers.MaxPooling2D(2))
        model.add(layers.Flatten())
        model.add(layers.Dense(128, activation="relu"))
        model.add(layers.Dropout(0.5))
    else:
        model.add(layers.Flatten())
        model.add(layers.Dense(512, activation="relu"))
        model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    rate = 0.001 if net == "convolutional" else 0.0003  # the better of a few
    optimizer = fn.optimizers.Adam(rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains both on 5,000 pictures, tests on 1,000; saves curves and a page of pictures.

    Returns:
        dict: for "convolutional" and "dense" the parameters, the test accuracy and the history.
    """
    folder = folder_for("cifar-cnn", out)
    (x_train, y_train), (x_test, y_test) = fn.datasets.cifar10.load_subset()
    x_train, x_test = (x.astype("float32") / 255 for x in (x_train, x_test))
    figures: dict[str, dict] = {}
    for net in ("dense", "convolutional"):
        fn.utils.set_random_seed(seed)
        model = build(net)
        history = model.fit(
            x_train,
            y_train,
            batch_size=batch_size or 32,
            epochs=epochs or (4 if quick else 20),
            validation_data=(x_test, y_test),
            verbose=2 if quick else "auto",
        )
        figures[net] = {
            "parameters": model.count_params(),
            "accuracy": float(model.evaluate(x_test, y_test, verbose=0)[1]),
            "history": history.history,
        }
    print_table(
        f"CIFAR-10, {len(x_train):,} pictures, tested on {len(x_test):,} others",
        ["net", "parameters", "training accuracy", "test accuracy"],
        [
            [net, f["parameters"], f["history"]["accuracy"][-1], f["accuracy"]]
            for net, f in figures.items()
        ],
    )
    histories = {net: f["history"] for net, f in figures.items()}
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    shown = np.linspace(0, len(x_test) - 1, 40).astype(int)
    chances = model.predict(x_test[shown], verbose=0)
    save_picture(folder / "pictures.png", page, x_test[shown], y_test[shown, 0], chances)
    return figures


def claims(figures: dict) -> list[Claim]:
    """What the full run shows with every seed."""
    cnn, dense = (figures[net]["accuracy"] for net in ("convolutional", "dense"))
    return [
        Claim("convolutional net, test accuracy", cnn, at_least=0.54),
        Claim("dense net, test accuracy", dense),
        Claim("convolutional less dense", cnn - dense, at_least=0.12),
    ]


def page(images: np.ndarray, truth: np.ndarray, chances: np.ndarray) -> plots.Drawing:
    """A page of pictures with the net's word and its certainty; errors with the truth below.

    Args:
        images: [40, 32, 32, 3], from 0 to 1.
        truth: [40], labels.
        chances: [40, 10].
    """
    said = np.argmax(chances, axis=1)
    return plots.images(
        images.reshape(5, 8, *images.shape[1:]),
        title="What the convolutional net says of pictures it was not trained on",
        above=[f"{CLASSES[i]} {100 * chance[i]:.0f} %" for i, chance in zip(said, chances)],
        below=["" if i == true else f"is {CLASSES[true]}" for i, true in zip(said, truth)],
        wrong=said != truth,
        size=1.2,
        interpolation="bicubic",
    )
