"""MNIST with 784-500-500-10: the course's hello world, and the same network with ReLU and Adam.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture I, slides
"Example Application" and "Keras".
"""

import time
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn.recipes.common import Info, digits_page, folder_for, print_table, save_picture

INFO = Info(
    lecture="I",
    slide="Keras: 28x28 - 500 - 500 - 10",
    question="How good is the course's first network, and what do ReLU and Adam add?",
    minutes=2,
    dataset="mnist",
)


def build(activation: str, optimizer: fn.optimizers.Optimizer) -> fn.Sequential:
    """784-500-500-10 with softmax and cross-entropy."""
    model = fn.Sequential()
    model.add(fn.Input((784,)))
    model.add(fn.layers.Dense(500, activation=activation))
    model.add(fn.layers.Dense(500, activation=activation))
    model.add(fn.layers.Dense(10, activation="softmax"))
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def load(quick: bool) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Pixels over 255 in rows of 784; quick: the first 10,000 training images."""
    (x_train, y_train), (x_test, y_test) = fn.datasets.mnist.load_data()
    if quick:
        x_train, y_train = x_train[:10000], y_train[:10000]
    x_train, x_test = (x.reshape(-1, 784).astype("float32") / 255 for x in (x_train, x_test))
    return (x_train, y_train), (x_test, y_test)


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains the network twice and compares; saves curves and a page of test digits.

    Returns:
        dict: for "sigmoid, SGD" and "ReLU, Adam" the test accuracy, seconds an epoch and history.
    """
    folder = folder_for("mnist", out)
    (x_train, y_train), (x_test, y_test) = load(quick)
    targets = fn.utils.to_categorical(y_train, 10), fn.utils.to_categorical(y_test, 10)
    runs = {
        "sigmoid, SGD": ("sigmoid", lambda: fn.optimizers.SGD(0.1), 5 if quick else 20),
        "ReLU, Adam": ("relu", lambda: fn.optimizers.Adam(), 2 if quick else 10),
    }
    figures: dict = {}
    for name, (activation, optimizer, default_epochs) in runs.items():
        fn.utils.set_random_seed(seed)
        model = build(activation, optimizer())
        count = epochs or default_epochs
        start = time.perf_counter()
        history = model.fit(
            x_train,
            targets[0],
            batch_size=batch_size or 100,
            epochs=count,
            validation_data=(x_test, targets[1]),
            verbose=2 if quick else "auto",
        )
        seconds = (time.perf_counter() - start) / count
        accuracy = model.evaluate(x_test, targets[1], verbose=0)[1]
        figures[name] = {
            "accuracy": float(accuracy),
            "seconds_per_epoch": seconds,
            "parameters": model.count_params(),
            "history": history.history,
        }
    print_table(
        "MNIST, 784-500-500-10, 10,000 test images",
        ["network", "parameters", "seconds an epoch", "test accuracy"],
        [[n, f["parameters"], f["seconds_per_epoch"], f["accuracy"]] for n, f in figures.items()],
    )
    histories = {name: f["history"] for name, f in figures.items()}
    save_picture(folder / "training.png", fn.plots.curves, histories, "accuracy")
    guess = np.argmax(model.predict(x_test[:40], verbose=0), axis=1)
    images = x_test[:40].reshape(-1, 28, 28)
    save_picture(folder / "digits.png", digits_page, images, y_test[:40], guess)
    return figures
