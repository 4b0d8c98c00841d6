"""Universality: one hidden layer fits any continuous function, the better the wider it is.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture I, slide
"Universality Theorem" ("any continuous function can be realized by a network with one hidden layer,
given enough hidden neurons"). G. Cybenko, "Approximation by superpositions of a sigmoidal function"
(1989).
"""

from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture

INFO = Info(
    lecture="I",
    slide="Universality Theorem",
    question="How well does one hidden layer fit a function, over its width?",
    minutes=1,
)
WIDTHS = (2, 8, 32, 128)
QUICK_WIDTHS = (2, 32)


def wave(x: np.ndarray) -> np.ndarray:
    """A function of one variable with bends and a kink; x [n, 1] in [-1, 1]."""
    return np.sin(5 * x) + 0.5 * np.abs(x + 0.3)


def egg_box(x: np.ndarray) -> np.ndarray:
    """A function of two variables; x [n, 2] in [-1, 1]."""
    return np.sin(3 * x[:, :1]) * np.cos(3 * x[:, 1:]) + 0.3 * x[:, :1] * x[:, 1:]


FUNCTIONS = {"one variable": (wave, 1), "two variables": (egg_box, 2)}


def points(inputs: int) -> np.ndarray:
    """A grid on [-1, 1]: 256 points, or 24 x 24."""
    if inputs == 1:
        return np.linspace(-1, 1, 256)[:, None]
    axis = np.linspace(-1, 1, 24)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def fit(f, inputs: int, width: int, seed: int, epochs: int) -> tuple[float, np.ndarray]:
    """The root of the mean squared error of a fitted network, over the function's deviation."""
    fn.utils.set_random_seed(seed)
    x = points(inputs)
    y = f(x)
    model = fn.Sequential(
        [
            fn.Input((inputs,)),
            fn.layers.Dense(
                width, activation="tanh", kernel_initializer=spread, bias_initializer=spread
            ),
            fn.layers.Dense(1),
        ]
    )
    steps = -(-len(x) // 64) * epochs
    rate = fn.optimizers.schedules.CosineDecay(0.02, steps)
    model.compile(fn.optimizers.Adam(rate), "mse")
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    guess = model.predict(x, verbose=0)
    return float(np.sqrt(np.mean((guess - y) ** 2)) / y.std()), guess


def spread(shape, dtype=None):
    """Slopes and shifts so that the bends of the units lie all over [-1, 1]."""
    return fn.random.uniform(shape, -4.0, 4.0, dtype=dtype)


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Fits both functions with layers of several widths; draws error over width, and the fits.

    Batches have 64 points, whatever `batch_size` is.

    Returns:
        dict: "width", and for each function "error", a list.
    """
    folder = folder_for("universality", out)
    widths = QUICK_WIDTHS if quick else WIDTHS
    figures: dict = {"width": list(widths)}
    fits: dict = {}
    with Table("Error / deviation of the function", ["function", *map(str, widths)]) as table:
        for name, (f, inputs) in FUNCTIONS.items():
            results = [fit(f, inputs, w, seed, epochs or (150 if quick else 1000)) for w in widths]
            figures[name] = [error for error, _ in results]
            fits[name] = [guess for _, guess in results]
            table.add(name, *figures[name])
    save_picture(
        folder / "error.png",
        plots.lines,
        {name: (widths, figures[name]) for name in FUNCTIONS},
        "hidden units",
        "error / deviation",
        markers=True,
        yscale="log",
    )
    x = points(1)[:, 0]
    drawn = {f"{width} units": (x, g[:, 0]) for width, g in zip(widths, fits["one variable"])}
    drawn["the function"] = (x, wave(x))
    save_picture(folder / "fits.png", plots.lines, drawn, "x", "y")
    return figures


def claims(figures: dict) -> list[Claim]:
    """The widest layer fits both functions, and far better than the narrowest."""
    found = []
    for name in FUNCTIONS:
        error = figures[name]
        found += [
            Claim(f"{name}: error with {figures['width'][-1]} units", error[-1], at_most=0.03),
            Claim(f"{name}: error with 2 units / with most", error[0] / error[-1], at_least=10),
        ]
    return found
