"""Gradient descent on a coloured surface: where it starts decides where it ends.

Course: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), lecture I, slides
"Gradient Descent" (a random start, the negative gradient times the rate, "until the update is
little") and "Gradient Descent - Difficulty" (another start reaches another minimum).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import fastnn as fn
from fastnn import plots
from fastnn.recipes.common import Claim, Info, Table, folder_for, save_picture

INFO = Info(
    lecture="I",
    slide="Gradient Descent - Difficulty",
    question="Where does gradient descent end, and at which rates?",
    minutes=0.1,
)
LITTLE, MOST = 1e-6, 3000  # steps end when the update is shorter, or there were so many
FIXED_STARTS = ((-1.6, 1.6), (1.6, -1.6))  # one beyond each minimum
RANDOM_STARTS = 5
RATES = {"too small": 0.001, "right": 0.05, "too large": 0.45}
RANGE = (-2.5, 2.5)


def two_valleys(x, y):
    """Two minima of different depth, near (-1, 0) and (1, 0), and a bowl around them."""
    return (x * x - 1) ** 2 + 0.3 * x + y * y * (1 + 0.5 * x) / 2 + 0.05 * y * y * y * y


def descend(f: Callable, start, rate: float) -> tuple[np.ndarray, bool]:
    """The points [steps + 1, 2] of a descent, and whether its last update was little."""
    point = fn.Variable(np.array(start, float))
    slope = fn.grad(lambda p: f(p[0], p[1]))
    path = [point.numpy()]
    for _ in range(MOST):
        update = rate * slope(point).numpy()
        if not np.isfinite(update).all() or np.abs(path[-1]).max() > 1e3:
            return np.array(path), False
        point.assign(path[-1] - update)
        path.append(point.numpy())
        if np.linalg.norm(update) < LITTLE:
            return np.array(path), True
    return np.array(path), False


def run(
    quick: bool = False,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
) -> dict:
    """Descends from several starts at the right rate, and from one at three rates.

    There is nothing that `epochs` or `batch_size` could change.

    Returns:
        dict: "ends": for each start the point, the value and the steps; "rates": for each rate the
        value at the end, the steps and whether the updates became little.
    """
    folder = folder_for("gradient-descent", out)
    drawn = np.random.default_rng(seed).uniform(-2, 2, (RANDOM_STARTS, 2))
    starts = np.concatenate([FIXED_STARTS, drawn])
    ends, paths = [], {}
    with Table("From several starts", ["start", "end", "value", "steps"]) as table:
        for i, start in enumerate(starts):
            path, little = descend(two_valleys, start, RATES["right"])
            value = float(two_valleys(*path[-1]))
            ends.append(
                {"end": path[-1].tolist(), "value": value, "steps": len(path) - 1, "little": little}
            )
            paths[f"start {i + 1}"] = path
            table.add(*(f"({x:.2f}, {y:.2f})" for x, y in (start, path[-1])), value, len(path) - 1)
    rates: dict = {}
    tried = {}
    with Table("At three rates", ["rate", "value at the end", "steps", "until"]) as table:
        for name, rate in RATES.items():
            path, little = descend(two_valleys, (-1.9, 1.5), rate)
            value = float(two_valleys(*path[-1]))
            rates[name] = {"value": value, "steps": len(path) - 1, "little": little}
            tried[f"{name}: {rate}"] = path
            why = "the update was little" if little else "it was stopped"
            table.add(f"{name}: {rate}", value, len(path) - 1, why)
    for file, ways in (("starts.png", paths), ("rates.png", tried)):
        save_picture(
            folder / file,
            plots.surface,
            two_valleys,
            RANGE,
            RANGE,
            ways,
            xlabel="w1",
            ylabel="w2",
            value="loss",
        )
    return {"ends": ends, "rates": rates}


def claims(figures: dict) -> list[Claim]:
    """Starts reach both minima, of different depth; only the right rate arrives."""
    values = [end["value"] for end in figures["ends"]]
    rates = figures["rates"]
    return [
        Claim(
            "starts (of 7) whose last update was little",
            float(sum(e["little"] for e in figures["ends"])),
            at_least=7.0,
        ),
        Claim("highest minimum reached - lowest", max(values) - min(values), at_least=0.4),
        Claim("right rate: update little (1)", float(rates["right"]["little"]), at_least=1),
        Claim("too small: update little (1)", float(rates["too small"]["little"]), at_most=0),
        Claim("too large: update little (1)", float(rates["too large"]["little"]), at_most=0),
    ]
