"""What a page of the book shows, and the run that fills it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastnn import recipes, runtime
from fastnn.recipes.common import collected_tables, is_here

RECORD = "page.json"


@dataclass
class Page:
    """One recipe's run.

    Attributes:
        name, lecture, slide, question: of the recipe.
        text: the recipe's own description.
        source: its file.
        tables: {"title", "header", "rows"} of each table that it printed, cells as text.
        pictures: names of files in the page's folder.
        claims: {"what", "value", "bound", "course", "holds"} of a full run.
        quick, seed, seconds, machine: how it ran.
    """

    name: str
    lecture: str
    slide: str
    question: str
    text: str
    source: str
    tables: list[dict]
    pictures: list[str]
    claims: list[dict]
    quick: bool
    seed: int
    seconds: float
    machine: str


def run_page(name: str, folder: Path, quick: bool = False, seed: int = 0) -> Page:
    """Runs a recipe, whose pictures go to an empty `folder`, and writes the page's record there.

    Claims are made of full runs on the data that they were made for.
    """
    recipe = recipes.get(name)
    info = recipe.INFO
    start = time.perf_counter()
    with collected_tables() as tables:
        figures = recipe.run(quick=quick, seed=seed, out=folder)
    fell_back = info.fallback is not None and not is_here(info.dataset)
    claims = [] if quick or fell_back or not hasattr(recipe, "claims") else recipe.claims(figures)
    page = Page(
        name=recipes.name_of(recipe),
        lecture=info.lecture,
        slide=info.slide,
        question=info.question,
        text=str(recipe.__doc__),
        source=Path(str(recipe.__file__)).read_text(encoding="utf-8"),
        tables=tables,
        pictures=sorted(path.name for path in folder.glob("*.png")),
        claims=[
            {
                "what": claim.what,
                "value": f"{claim.value:.4g}",
                "bound": claim.bound,
                "course": "" if claim.course is None else f"{claim.course:g}",
                "holds": bool(claim.holds),
            }
            for claim in claims
        ],
        quick=quick,
        seed=seed,
        seconds=time.perf_counter() - start,
        machine=machine(),
    )
    write_whole(folder / RECORD, json.dumps(asdict(page), indent=1))
    return page


def read_page(path: Path) -> Page:
    """A page from its record.

    Raises:
        ValueError: it is not such a record.
    """
    try:
        return Page(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"book: {path} is not the record of a page: {error}") from None


def machine() -> str:
    """The processor, its instruction set and the threads in use."""
    rows: dict[str, Any] = dict(runtime.config_rows())
    processor = rows["processor"].split(" [")[0]
    return f"{processor}, {rows['target'].split(' (')[0]}, threads: {rows['threads'].split(' ')[0]}"


def write_whole(path: Path, text: str) -> None:
    """Writes a file under another name first, so that an old one stays until it is complete."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
