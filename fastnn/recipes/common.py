"""What recipes share: their description, the table, the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Info:
    """What a recipe is about.

    Attributes:
        lecture: lecture of the course.
        slide: title of the slide.
        question: what the recipe answers.
        minutes: about how long a full run takes on two cores.
        dataset: name of the data set that a full run needs beyond what fastnn carries.
    """

    lecture: str
    slide: str
    question: str
    minutes: float
    dataset: str | None = None

    def data_is_here(self) -> bool:
        """Whether a run needs no download."""
        if self.dataset is None:
            return True
        from fastnn import datasets
        from fastnn.datasets.fetch import find

        files = getattr(datasets, self.dataset).FILES
        return all(find(self.dataset, file) is not None for file in files)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows in aligned columns; floats with four digits."""
    text = [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *text]) for i in range(len(header))]
    print(f"\n{title}")
    for row in [list(header), ["-" * width for width in widths], *text]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def folder_for(name: str, out: str | Path | None) -> Path:
    """The folder for a recipe's pictures: `out`, or ``fastnn-out/NAME`` here; made if needed."""
    folder = Path(out) if out is not None else Path("fastnn-out") / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pyplot() -> Any:
    """matplotlib's pyplot drawing to files, or None (and a line that says so)."""
    try:
        import matplotlib
    except ImportError:
        print("pictures left out: they need matplotlib, pip install 'fastnn[demo]'")
        return None
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    return plt


def save_curves(path: Path, histories: dict[str, dict[str, list[float]]], metric: str) -> None:
    """Saves a plot of a metric over the epochs, training dashed and test solid, a colour a run."""
    plt = pyplot()
    if plt is None:
        return
    figure, axes = plt.subplots(figsize=(6, 4), constrained_layout=True)
    for index, (label, history) in enumerate(histories.items()):
        epochs = range(1, len(history[metric]) + 1)
        axes.plot(epochs, history[metric], "--", color=f"C{index}", label=f"{label}, training")
        axes.plot(epochs, history[f"val_{metric}"], color=f"C{index}", label=f"{label}, test")
    axes.set(xlabel="epoch", ylabel=metric)
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"saved {path}")


def save_digits(path: Path, images: np.ndarray, truth: np.ndarray, guess: np.ndarray) -> None:
    """Saves a page of images, each with its predicted and its true label; errors in red."""
    plt = pyplot()
    if plt is None:
        return
    figure, grid = plt.subplots(5, 8, figsize=(8, 6), constrained_layout=True)
    for axes, image, true, said in zip(grid.flat, images, truth, guess):
        axes.imshow(image, cmap="gray_r")
        axes.set_title(f"{said} (is {true})", fontsize=8, color="k" if said == true else "r")
        axes.axis("off")
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"saved {path}")
