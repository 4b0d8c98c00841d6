"""Handwriting digit recognition, the "hello world" of deep learning, on the embedded 8x8 digits.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture I, slides
"Example Application" and "Keras" (steps 1 to 3, testing, save and load).
"""

import tempfile
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn.recipes.common import Info, digits_page, folder_for, print_table, save_picture

INFO = Info(
    lecture="I",
    slide="Example Application: Handwriting Digit Recognition",
    question="How is a network built, trained, tested, used, saved and loaded?",
    minutes=0.1,
)


def build() -> fn.Sequential:
    """The network: 64 inputs, two hidden layers, ten outputs."""
    model = fn.Sequential()
    model.add(fn.Input((64,)))
    model.add(fn.layers.Dense(128, activation="relu"))
    model.add(fn.layers.Dense(128, activation="relu"))
    model.add(fn.layers.Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains on 1,437 digits, tests on 360, saves, loads, and saves two pictures.

    Returns:
        dict: accuracy on the test digits, of the model and of its loaded copy, and the history.
    """
    folder = folder_for("digits", out)
    fn.utils.set_random_seed(seed)
    (x_train, y_train), (x_test, y_test) = fn.datasets.digits.load_data()
    images = x_test
    x_train = x_train.reshape(-1, 64).astype("float32") / 16
    x_test = x_test.reshape(-1, 64).astype("float32") / 16

    model = build()
    model.summary()
    history = model.fit(
        x_train,
        fn.utils.to_categorical(y_train, 10),
        batch_size=batch_size or 32,
        epochs=epochs or (15 if quick else 40),
        validation_data=(x_test, fn.utils.to_categorical(y_test, 10)),
        verbose=2 if quick else "auto",
    )

    # Case 1 of the course: how good is it? Case 2: what does it say about new images?
    loss, accuracy = model.evaluate(x_test, fn.utils.to_categorical(y_test, 10), verbose=0)
    guess = np.argmax(model.predict(x_test, verbose=0), axis=1)

    with tempfile.TemporaryDirectory() as temporary:
        model.save(f"{temporary}/digits.fastnn")
        loaded = fn.models.load_model(f"{temporary}/digits.fastnn")
        again = np.argmax(loaded.predict(x_test, verbose=0), axis=1)

    print_table(
        "Handwritten digits, 360 test images",
        ["", "here"],
        [
            ["test loss", loss],
            ["test accuracy (evaluate)", accuracy],
            ["test accuracy (predict)", float(np.mean(guess == y_test))],
            ["loaded model says the same", bool(np.array_equal(guess, again))],
        ],
    )
    save_picture(folder / "training.png", history.plot)
    save_picture(folder / "digits.png", digits_page, images, y_test, guess)
    return {
        "accuracy": float(accuracy),
        "loaded_accuracy": float(np.mean(again == y_test)),
        "history": history.history,
    }
