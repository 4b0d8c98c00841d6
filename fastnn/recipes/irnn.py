"""Three recurrent layers on long memories: two numbers to add, and digits read row by row.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture III, slide
"Helpful Techniques": a simple RNN initialized with the identity matrix and ReLU can "outperform or
be comparable with LSTM in 4 different tasks". No figures are given.

Q. V. Le, N. Jaitly, G. E. Hinton, "A simple way to initialize recurrent networks of rectified
linear units" (2015). The adding problem is theirs, of S. Hochreiter and J. Schmidhuber, "Long
short-term memory" (1997): of many random numbers two are marked, and at the end their sum is asked.
Who always answers 1 errs by 1/6 = 0.167 in the mean square.

Their kernels begin with a standard deviation of 0.001. With 0.1 the IRNN needs several times fewer
updates here (600 where it was 3,000 and more), so that is what it gets.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from fastnn import layers, plots
from fastnn.callbacks import Callback
from fastnn.recipes.common import (
    Claim,
    Digits,
    Info,
    folder_for,
    load_digits,
    print_table,
    save_picture,
)

INFO = Info(
    lecture="III",
    slide="Helpful Techniques",
    question="Can a simple RNN remember, if it begins by remembering?",
    minutes=1.2,
    dataset="mnist",
    fallback="digits",
)
LAYERS: dict[str, Callable[[int], layers.Layer]] = {
    "SimpleRNN": layers.SimpleRNN,
    "IRNN": lambda units: layers.IRNN(
        units, kernel_initializer=fn.initializers.RandomNormal(stddev=0.1)
    ),
    "LSTM": layers.LSTM,
}
BASELINE, SOLVED = 1 / 6, 0.01  # mean squared errors
EVERY = 100  # updates between two tests
# Steps, units, updates at most, sums a batch.
FULL = (100, 100, 4000, 32)
QUICK = (40, 50, 600, 32)
CLIP = 0.5  # norm of the gradient of a batch
# Adam's rates for sums and for digits, the best of a few.
RATES = {"SimpleRNN": (0.001, 0.001), "IRNN": (0.002, 0.001), "LSTM": (0.005, 0.003)}
# Digits for training, epochs, digits a batch.
ROWS = {"mnist": (20_000, 2, 32), "digits": (1437, 20, 32)}
QUICK_ROWS = {"mnist": (3000, 2, 32), "digits": (1437, 8, 32)}


def sums(rng: np.random.Generator, count: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers from 0 to 1 and marks, [count, steps, 2]; and the sums of the two marked ones, one
    of the first half and one of the second, [count, 1]."""
    x = np.zeros((count, steps, 2), "float32")
    x[..., 0] = rng.random((count, steps))
    rows, half = np.arange(count), steps // 2
    x[rows, rng.integers(0, half, count), 1] = 1
    x[rows, rng.integers(half, steps, count), 1] = 1
    return x, np.sum(x[..., 0] * x[..., 1], axis=1, keepdims=True)


class Sums:
    """EVERY batches of sums, never the same."""

    def __init__(self, seed: int, count: int, steps: int):
        self.rng, self.count, self.steps = np.random.default_rng(seed), count, steps

    def __len__(self) -> int:
        return EVERY

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return (sums(self.rng, self.count, self.steps) for _ in range(EVERY))


class UntilSolved(Callback):
    """Ends the training when the error on validation data is below SOLVED."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.model.stop_training = (logs or {})["val_loss"] < SOLVED


def add(name: str, setting: tuple[int, int, int, int], seed: int) -> dict:
    """Trains a net to add until it has solved the problem, or all updates are spent.

    Returns:
        "updates", "error", on 10,000 sums that neither training nor its end has seen, "best", the
        least validation error, "seconds" of the processor, "curve" (updates, validation errors).
    """
    steps, units, most, batch = setting
    fn.utils.set_random_seed(seed)
    model = fn.Sequential([fn.Input((steps, 2)), LAYERS[name](units), layers.Dense(1)])
    model.compile(fn.optimizers.Adam(RATES[name][0], global_clipnorm=CLIP), "mean_squared_error")
    start = time.process_time()
    errors = model.fit(
        Sums(seed, batch, steps),
        epochs=max(1, most // EVERY),
        validation_data=sums(np.random.default_rng(seed + 1000), 1000, steps),
        callbacks=[UntilSolved()],
        verbose=0,
    ).history["val_loss"]
    updates = [EVERY * (i + 1) for i in range(len(errors))]
    fresh = sums(np.random.default_rng(seed + 2000), 10_000, steps)
    return {
        "updates": updates[-1],
        "error": float(model.evaluate(*fresh, batch_size=1000, verbose=0)),
        "best": float(min(errors)),
        "seconds": time.process_time() - start,
        "curve": [updates, [float(error) for error in errors]],
    }


def read(name: str, digits: Digits, epochs: int, batch: int, seed: int, verbose: Any) -> dict:
    """Trains a net of 100 units that reads a digit row by row: its "history" and test
    "accuracy"."""
    fn.utils.set_random_seed(seed)
    x_train, x_test = digits.x_train[..., 0], digits.x_test[..., 0]
    model = fn.Sequential(
        [fn.Input(x_train.shape[1:]), LAYERS[name](100), layers.Dense(10, activation="softmax")]
    )
    model.compile(
        fn.optimizers.Adam(RATES[name][1], global_clipnorm=CLIP),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        x_train,
        digits.y_train,
        batch_size=batch,
        epochs=epochs,
        validation_data=(x_test, digits.y_test),
        verbose=verbose,
    ).history
    return {"accuracy": float(history["val_accuracy"][-1]), "history": history}


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Both tasks for three layers; saves their curves. Quick: 40 steps instead of 100.

    epochs, batch_size: of the digits

    Returns:
        dict: "dataset"; for each of LAYERS "sums" as ``add`` gives it, "rows" as ``read`` does.
    """
    folder = folder_for("irnn", out)
    setting = QUICK if quick else FULL
    figures: dict = {name: {"sums": add(name, setting, seed)} for name in LAYERS}
    print_table(
        f"Adding two of {setting[0]} numbers (solved below {SOLVED}; answering 1: {BASELINE:.3f})",
        ["layer", "updates", "test error", "solved", "processor s"],
        [
            [name, f["updates"], f["error"], "yes" if f["error"] < SOLVED else "no", f["seconds"]]
            for name, f in ((name, figures[name]["sums"]) for name in LAYERS)
        ],
    )
    digits = load_digits(tests=2000 if quick else None)
    count, usual_epochs, usual_batch = (QUICK_ROWS if quick else ROWS)[digits.name]
    digits = Digits(
        digits.name, digits.x_train[:count], digits.y_train[:count], digits.x_test, digits.y_test
    )
    for name in LAYERS:
        figures[name]["rows"] = read(
            name,
            digits,
            epochs or usual_epochs,
            batch_size or usual_batch,
            seed,
            2 if quick else "auto",
        )
    print_table(
        f"{digits}, row by row, {epochs or usual_epochs} epochs",
        ["layer", "test accuracy", "on training data"],
        [
            [name, f["accuracy"], f["history"]["accuracy"][-1]]
            for name, f in ((name, figures[name]["rows"]) for name in LAYERS)
        ],
    )
    save_picture(
        folder / "adding.png",
        plots.lines,
        {name: figures[name]["sums"]["curve"] for name in LAYERS},
        "updates",
        "mean squared error on validation data",
        yscale="log",
    )
    save_picture(
        folder / "training.png",
        plots.curves,
        {name: figures[name]["rows"]["history"] for name in LAYERS},
        "accuracy",
    )
    return {"dataset": digits.name, **figures}


def claims(figures: dict) -> list[Claim]:
    """IRNN and LSTM add, the simple RNN answers 1; 28 rows all three remember."""
    simple, irnn, lstm = (figures[name] for name in LAYERS)
    mnist = figures["dataset"] == "mnist"
    return [
        Claim("adding: IRNN, error", irnn["sums"]["error"], at_most=SOLVED),
        Claim("adding: IRNN, updates", irnn["sums"]["updates"], at_most=4000),
        Claim("adding: LSTM, error", lstm["sums"]["error"], at_most=SOLVED),
        Claim("adding: LSTM, updates", lstm["sums"]["updates"], at_most=4000),
        Claim("adding: SimpleRNN, least error", simple["sums"]["best"], at_least=0.1),
        Claim("rows: LSTM, test accuracy", lstm["rows"]["accuracy"], 0.93 if mnist else 0.85),
        Claim("rows: IRNN, test accuracy", irnn["rows"]["accuracy"], 0.88 if mnist else 0.85),
        Claim("rows: SimpleRNN, test accuracy", simple["rows"]["accuracy"]),
    ]
