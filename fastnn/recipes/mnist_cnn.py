"""A convolutional network on MNIST, and a dense one that trains as long.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"The whole CNN" (convolution, max pooling, again both, flatten, fully connected) and "Flatten";
lecture II, slide "Recipe of Deep Learning" ("Network Structure: CNN is a very good example!").
"""

from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.recipes.common import (
    Claim,
    Clock,
    Info,
    digits_page,
    folder_for,
    load_digits,
    print_table,
    save_picture,
)

INFO = Info(
    lecture="III",
    slide="The whole CNN",
    question="What does a convolutional network gain over a dense one in equal time?",
    minutes=1.5,
    dataset="mnist",
    fallback="digits",
)
# Epochs, images a batch and learning rate of the convolutional network.
SETTINGS = {"mnist": (6, 100, 2e-3), "digits": (40, 32, 2e-3)}
QUICK = {"mnist": (2, 100, 2e-3), "digits": (12, 32, 2e-3)}


def build(shape: tuple[int, ...], rate: float, steps: int) -> fn.Sequential:
    """Convolution 25 3x3, max pooling, convolution 50 3x3, max pooling, dense 100, dense 10.

    shape: [rows, columns, 1]; 28x28 shrinks to 26, 13, 11, 5; images of 8x8 are padded to keep
        something to see: 8, 4, 4, 2
    rate: Adam's, falling to zero along a cosine over `steps`
    """
    padding = "valid" if shape[0] > 8 else "same"
    model = fn.Sequential()
    model.add(fn.Input(shape))
    model.add(layers.Conv2D(25, 3, padding=padding, activation="relu"))
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Conv2D(50, 3, padding=padding, activation="relu"))
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.25))
    model.add(layers.Dense(100, activation="relu"))
    model.add(layers.Dropout(0.25))
    model.add(layers.Dense(10, activation="softmax"))
    schedule = fn.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(
        fn.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def build_dense(shape: tuple[int, ...]) -> fn.Sequential:
    """500-500-10 with ReLU, dropout and Adam: the dense network at the end of lecture II.

    Its rate stays the same, as nobody knows beforehand how many epochs it has time for; its best
    epoch is what counts.
    """
    model = fn.Sequential([fn.Input(shape), layers.Flatten()])
    for _ in range(2):
        model.add(layers.Dense(500, activation="relu"))
        model.add(layers.Dropout(0.25))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains the convolutional network, then the dense one for the same processor time.

    Saves the curves over time, and the test digits that the convolutional network finds hardest.

    Returns:
        dict: for "convolutional" and "dense" parameters, epochs, processor seconds, the test
        accuracy at the end, the best of an epoch, that after three epochs ("-" if there were
        fewer), and the curve: seconds and accuracies.
    """
    folder = folder_for("mnist-cnn", out)
    digits = load_digits(10000 if quick else None)
    settings = (QUICK if quick else SETTINGS)[digits.name]
    count, batch, rate = epochs or settings[0], batch_size or settings[1], settings[2]
    shape, steps = digits.x_train.shape[1:], count * -(-len(digits.x_train) // batch)
    figures: dict = {"dataset": digits.name}
    limit = float("inf")
    for name in ("convolutional", "dense"):
        fn.utils.set_random_seed(seed)
        model = build(shape, rate, steps) if name == "convolutional" else build_dense(shape)
        clock = Clock(limit)
        history = model.fit(
            digits.x_train,
            digits.y_train,
            batch_size=batch,
            epochs=count if name == "convolutional" else 1000,
            validation_data=(digits.x_test, digits.y_test),
            callbacks=[clock],
            verbose=2 if quick else "auto",
        ).history
        curve = [float(value) for value in history["val_accuracy"]]
        figures[name] = {
            "parameters": model.count_params(),
            "epochs": len(curve),
            "seconds": clock.seconds[-1],
            "accuracy": curve[-1],
            "best": max(curve),
            "after_3_epochs": curve[2] if len(curve) > 2 else "-",
            "curve": [clock.seconds, curve],
        }
        if name == "convolutional":
            limit, guesses = clock.seconds[-1], model.predict(digits.x_test, verbose=0)
    columns = ["parameters", "epochs", "seconds", "after_3_epochs", "best", "accuracy"]
    print_table(
        f"{len(digits.x_train):,} training images, {len(digits.x_test):,} test images",
        ["network", "parameters", "epochs", "processor s", "after 3 epochs", "best", "at the end"],
        [[name, *(figures[name][c] for c in columns)] for name in ("convolutional", "dense")],
    )
    print("The course's dense networks reach 0.97 (Adam, 10,000 images); of this one it has none.")
    save_picture(
        folder / "training.png",
        plots.lines,
        {
            f"{name}, {figures[name]['parameters']:,} parameters": figures[name]["curve"]
            for name in ("convolutional", "dense")
        },
        "processor seconds of training",
        "test accuracy",
        markers=True,
    )
    hardest = np.argsort(guesses[np.arange(len(guesses)), digits.y_test])[:40]
    save_picture(
        folder / "hardest.png",
        digits_page,
        digits.x_test[hardest, ..., 0],
        digits.y_test[hardest],
        np.argmax(guesses[hardest], axis=1),
    )
    return figures


def claims(figures: dict) -> list[Claim]:
    """On MNIST 0.985 after 3 epochs and 0.99 within 10; on the 8x8 digits bounds of their own."""
    cnn, dense = figures["convolutional"], figures["dense"]
    mnist = figures["dataset"] == "mnist"
    early, end, gain = (0.985, 0.99, 0.003) if mnist else (None, 0.98, None)
    return [
        Claim("test accuracy after 3 epochs", cnn["after_3_epochs"], at_least=early),
        Claim(f"test accuracy after {cnn['epochs']} epochs", cnn["accuracy"], at_least=end),
        Claim("dense network, the same time: best epoch", dense["best"]),
        Claim("convolutional - dense", cnn["accuracy"] - dense["best"], at_least=gain),
        Claim("parameters: dense / convolutional", dense["parameters"] / cnn["parameters"]),
    ]
