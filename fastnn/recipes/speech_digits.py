"""Spoken digits: a memory cell that listens to one word and says which it was.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slides
"Many to one" and "Long Short-term Memory (LSTM)". The digits are those of the Free Spoken Digit
Dataset: takes 0 to 4 of each speaker are held out, so the speakers are the same on both sides.
"""

import time
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.audio import stack_frames
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture
from fastnn.recipes.spoken_digits import BINS, load_spoken

INFO = Info(
    lecture="III",
    slide="Many to one",
    question="Which digit was said? What does the order of the sounds add?",
    minutes=0.2,
    dataset="fsdd",
)
STACKED = 2  # frames seen at once, so that a step of the network is 20 milliseconds
UNITS, RATE = 64, 3e-3
MORE = 5  # as many times the epochs for the small network, which learns slowly
LSTM, NO_ORDER = "LSTM, mean of its logits", "mean of the frames, no order"


def build(order: bool) -> fn.Sequential:
    """The recurrent network; or one layer on the mean of the frames, which order cannot help.

    Steps of zeros are padding: masked, they change no state and count in no mean.
    """
    model = fn.Sequential([fn.Input((None, STACKED * BINS)), layers.Masking()])
    if order:
        model.add(layers.LSTM(UNITS, return_sequences=True))
    model.add(layers.Dense(10))  # of the mean it is the mean of this
    model.add(layers.GlobalAveragePooling1D())
    model.compile(
        fn.optimizers.Adam(RATE),
        fn.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def padded(recordings: list[np.ndarray]) -> np.ndarray:
    """[n, steps, STACKED * BINS], zeros after the end of each."""
    stacked = [stack_frames(frames, STACKED) for frames in recordings]
    return fn.utils.pad_sequences(stacked, dtype="float32", padding="post")


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Trains both networks on 900 recordings and tests them on 300.

    Returns:
        dict: for each network "accuracy" on the test recordings, "seconds" and "history".
    """
    folder = folder_for("speech-digits", out)
    train, test = load_spoken()
    x_train, x_test = padded(train.frames), padded(test.frames)
    figures: dict = {}
    title = f"{len(x_train)} spoken digits to train on, {len(x_test)} to test on"
    with Table(title, ["network", "parameters", "on test data", "on training data", "s"]) as table:
        for name in (NO_ORDER, LSTM):
            fn.utils.set_random_seed(seed)
            model = build(name == LSTM)
            start = time.perf_counter()
            history = model.fit(
                x_train,
                train.digits,
                batch_size=batch_size or 32,
                epochs=(epochs or (4 if quick else 20)) * (1 if name == LSTM else MORE),
                validation_data=(x_test, test.digits),
                verbose=2 if quick else "auto",
            ).history
            seconds = time.perf_counter() - start
            accuracy = history["val_accuracy"][-1]
            figures[name] = {"accuracy": accuracy, "seconds": seconds, "history": history}
            table.add(name, model.count_params(), accuracy, history["accuracy"][-1], seconds)
    print("The speakers are the same on both sides: a new voice is understood less well.")
    histories = {name: f["history"] for name, f in figures.items()}
    save_picture(folder / "training.png", plots.curves, histories, "accuracy")
    heard = model.predict(x_test, verbose=0)
    save_picture(folder / "confusion.png", plots.confusion_matrix, test.digits, heard)
    return figures


def claims(figures: dict) -> list[Claim]:
    """The digit is understood, and it takes the order of the sounds."""
    accuracy, without = figures[LSTM]["accuracy"], figures[NO_ORDER]["accuracy"]
    return [
        Claim("test accuracy", accuracy, at_least=0.95),
        Claim("mean of the frames, no order", without),
        Claim("what the order adds", accuracy - without, at_least=0.05),
    ]
