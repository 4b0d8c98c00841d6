"""Augmentation: few digits, turned a little each time they are seen.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture II, slide "Panacea
for Overfitting" (more training data; create it: handwriting, "shift 15").
"""

from pathlib import Path

import fastnn as fn
from fastnn import layers, plots
from fastnn.recipes.common import (
    Claim,
    Info,
    Table,
    digits_page,
    folder_for,
    load_digits,
    save_picture,
)
from fastnn.recipes.digit_nets import QUICK_TESTS

INFO = Info(
    lecture="II",
    slide="Panacea for Overfitting",
    question="Can few digits be made to count as many?",
    minutes=1,
    dataset="mnist",
    fallback="digits",
)
TURN = 15 / 360  # of a full turn, to either side


def build(shape: tuple[int, ...], augmented: bool) -> fn.Sequential:
    """784-500-500-10 with ReLU and Adam, behind a layer that turns digits in training."""
    model = fn.Sequential([fn.Input(shape)])
    if augmented:
        model.add(layers.RandomRotation(TURN, fill_mode="constant"))
    model.add(layers.Flatten())
    for _ in range(2):
        model.add(layers.Dense(500, activation="relu"))
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
    """Trains on 1,000 digits as they are, and on fresh rotations of them in every epoch.

    Returns:
        dict: "dataset", and for "as they are" and "turned" "accuracy" and "history".
    """
    folder = folder_for("augmentation", out)
    digits = load_digits(1000, QUICK_TESTS if quick else None)
    figures: dict = {"dataset": digits.name}
    with Table(f"{len(digits.x_train):,} digits", ["digits", "test accuracy"]) as table:
        for name in ("as they are", "turned"):
            fn.utils.set_random_seed(seed)
            model = build(digits.x_train.shape[1:], name == "turned")
            history = model.fit(
                digits.x_train,
                digits.y_train,
                batch_size=batch_size or 50,
                epochs=epochs or (10 if quick else 40),
                validation_data=(digits.x_test, digits.y_test),
                verbose=2 if quick else "auto",
            ).history
            figures[name] = {"accuracy": history["val_accuracy"][-1], "history": history}
            table.add(name, figures[name]["accuracy"])
    histories = {name: figures[name]["history"] for name in ("as they are", "turned")}
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    turned = layers.RandomRotation(TURN, fill_mode="constant", seed=seed)
    shown = turned(digits.x_train[:40], training=True).numpy()[..., 0]
    save_picture(
        folder / "turned.png", digits_page, shown, digits.y_train[:40], digits.y_train[:40]
    )
    return figures


def claims(figures: dict) -> list[Claim]:
    """Turned digits gain at least a point."""
    plain, turned = (figures[name]["accuracy"] for name in ("as they are", "turned"))
    return [
        Claim("as they are, test accuracy", plain),
        Claim("turned, test accuracy", turned),
        Claim("gain", turned - plain, at_least=0.01),
    ]
