"""What recipes share: their description, their claims, digits, the table, the pictures."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import plots
from fastnn.callbacks import Callback
from fastnn.callbacks.files import check_folder
from fastnn.plots import Drawing


@dataclass(frozen=True)
class Info:
    """What a recipe is about.

    Attributes:
        lecture: lecture of the course.
        slide: title of the slide.
        question: what the recipe answers.
        minutes: about how long a full run takes on two cores.
        dataset: name of the data set that a full run needs beyond what fastnn carries.
        fallback: name of the embedded data set that takes its place when it is not here.
    """

    lecture: str
    slide: str
    question: str
    minutes: float
    dataset: str | None = None
    fallback: str | None = None

    def data_is_here(self) -> bool:
        """Whether a run needs no download; a fallback needs none."""
        return self.dataset is None or self.fallback is not None or is_here(self.dataset)


@dataclass(frozen=True)
class Claim:
    """What a full run shows: a figure, and the bound that it keeps with every seed.

    A recipe lists its claims in ``claims(figures)``, which takes what ``run`` returned (or the same
    read back from JSON: lists, dictionaries with string keys, numbers).
    ``tools/recipe_seeds.py`` runs recipes for three seeds and writes the table of their claims.

    Attributes:
        what: the figure in words.
        value: the figure.
        at_least: its lower bound.
        at_most: its upper bound; a claim without bounds only reports.
        course: the course's figure, where there is one.
    """

    what: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    course: float | None = None

    @property
    def bound(self) -> str:
        """The bound in words, empty if there is none."""
        bounds = {">=": self.at_least, "<=": self.at_most}
        return ", ".join(f"{sign} {limit:g}" for sign, limit in bounds.items() if limit is not None)

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its bounds; NaN keeps none."""
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)


def is_here(dataset: str) -> bool:
    """Whether all files of a data set are found without a download."""
    from fastnn import datasets
    from fastnn.datasets.fetch import find

    module = getattr(datasets, dataset)
    if hasattr(module, "is_here"):
        return module.is_here()
    return all(find(dataset, file) is not None for file in module.FILES)


@dataclass(frozen=True)
class Digits:
    """Handwritten digits for a recipe.

    Attributes:
        name: "mnist" or "digits", which settings and claims depend on.
        x_train, x_test: [n, rows, columns, 1], float32 from 0 to 1.
        y_train, y_test: [n], labels 0 to 9.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __str__(self) -> str:
        """How many training digits of which kind, for titles."""
        kind = {"mnist": "MNIST digits", "digits": "8x8 digits"}.get(self.name, self.name)
        return f"{len(self.x_train):,} {kind}"


def load_digits(count: int | None = None, tests: int | None = None) -> Digits:
    """MNIST if it is found here, else the embedded 8x8 digits (and a line that says so).

    count, tests: only the first so many training images, test images
    """
    from fastnn import datasets

    name = "mnist" if is_here("mnist") else "digits"
    if name == "digits":
        print(
            "MNIST is not here: the 8x8 digits that come with fastnn take its place "
            "(to have it: fastnn.datasets.mnist.load_data(), or FASTNN_DATA with a folder mnist)"
        )
    (x_train, y_train), (x_test, y_test) = getattr(datasets, name).load_data()
    scale = np.float32(255 if name == "mnist" else 16)
    x_train, x_test = (
        x[..., None].astype("float32") / scale for x in (x_train[:count], x_test[:tests])
    )
    return Digits(name, x_train, y_train[:count], x_test, y_test[:tests])


class Clock(Callback):
    """Notes the processor seconds since training began after each epoch, in `seconds`.

    Ends the training with the epoch in which `limit` of them have passed: networks get equal time,
    whatever else the machine does.
    """

    def __init__(self, limit: float = float("inf")) -> None:
        super().__init__()
        self.limit = limit
        self.seconds: list[float] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._start = time.process_time()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds.append(time.process_time() - self._start)
        self.model.stop_training = self.seconds[-1] >= self.limit


class Table:
    """A table whose rows arrive one by one, printed at the end of its ``with`` block.

    Also where the block ends by an interrupt (Ctrl-C): what was measured is kept.
    """

    def __init__(self, title: str, header: Sequence[str]) -> None:
        self.title, self.header = title, header
        self.rows: list[Sequence[object]] = []

    def add(self, *row: object) -> None:
        self.rows.append(row)

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, kind: type | None, *rest: object) -> None:
        if kind is None or (self.rows and issubclass(kind, KeyboardInterrupt)):
            so_far = "" if kind is None else " (interrupted)"
            print_table(self.title + so_far, self.header, self.rows)


_collectors: list[list[dict]] = []


@contextmanager
def collected_tables() -> Iterator[list[dict]]:
    """A list that gets the tables printed in this block: title, header, rows, cells as text."""
    tables: list[dict] = []
    _collectors.append(tables)
    try:
        yield tables
    finally:
        _collectors.remove(tables)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows in aligned columns, floats with four digits; a row may be shorter."""
    text = [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row] for row in rows]
    text = [row + [""] * (len(header) - len(row)) for row in text]
    widths = [max(len(row[i]) for row in [list(header), *text]) for i in range(len(header))]
    for tables in _collectors:
        tables.append({"title": title, "header": list(header), "rows": text})
    print(f"\n{title}")
    for row in [list(header), ["-" * width for width in widths], *text]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def folder_for(name: str, out: str | Path | None) -> Path:
    """The folder for a recipe's pictures: `out`, or ``fastnn-out/NAME`` here; made if needed."""
    folder = Path(out) if out is not None else Path("fastnn-out") / name
    check_folder(f"{name}: pictures", str(folder))
    return folder


def save_picture(path: Path, draw: Callable[..., Drawing], *args: Any, **options: Any) -> None:
    """Saves what draw(*args, **options) draws; without matplotlib a line says that it is absent."""
    try:
        drawing = draw(*args, **options)
    except ImportError as error:
        if error.name != "matplotlib":
            raise
        print("pictures left out: they need matplotlib, pip install 'fastnn[demo]'")
        return
    drawing.save(path)
    print(f"saved {path}")


def digits_page(images: np.ndarray, truth: Any, guess: Any) -> Drawing:
    """The first 40 images under what was said of them, numbers or words; errors stand out, with
    the truth below."""
    pairs = list(zip(guess, truth))[:40]
    longest = max(len(str(said)) for said, _ in pairs)
    return plots.images(
        [images[i : min(i + 8, 40)] for i in range(0, len(pairs), 8)],
        above=[str(said) for said, _ in pairs],
        below=["" if said == true else f"is {true}" for said, true in pairs],
        wrong=[said != true for said, true in pairs],
        size=max(0.7, 0.08 * longest),
        cmap="gray_r",
    )
