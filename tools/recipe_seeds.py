"""Runs recipes for several seeds and writes docs/recipes.md, the table of what they claim.

    python tools/recipe_seeds.py FOLDER                       every recipe with claims, seeds 0 1 2
    python tools/recipe_seeds.py FOLDER mnist-cnn --seeds 1   one cell
    python tools/recipe_seeds.py FOLDER --seeds               nothing is run, only the table written

A cell is one full run of a recipe with one seed. Its figures are kept as FOLDER/NAME-SEED.json,
written whole or not at all, and a cell that is there is not run again: what was interrupted goes
on. The table is made from the cells by the recipes' ``claims``, so bounds can change without a new
run; rows of recipes without a cell in FOLDER stay as they are. The exit status is 1 if a figure
misses its bound.
"""

import argparse
import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import recipes

TABLE = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"
SEEDS = (0, 1, 2)
HEAD = """# What the recipes show

```python
from fastnn import recipes

figures = recipes.get("convolution").run()  # what `fastnn run convolution` does, and its figures
```

Full runs (`fastnn run NAME`) with seeds 0, 1 and 2 on the data sets named in the recipes. A claim
is a figure with the bound that it keeps with every seed; one that misses it is **bold**; one
without a bound is only reported. Minutes are processor time of the longest run, on a Zen 3 or 4 or
an Emerald Rapids; with two threads the clock shows little more than half of them. Written by
`tools/recipe_seeds.py`.

| recipe | claim | bound | course | seed 0 | seed 1 | seed 2 | minutes |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
"""


def plain(value: Any) -> Any:
    """NumPy's values as JSON has them."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"recipe_seeds: figures hold a {type(value).__name__}, which JSON has not")


def run_cell(name: str, seed: int, folder: Path) -> None:
    """Runs a recipe and keeps its figures, unless they are there; pictures go to NAME-SEED/."""
    path = folder / f"{name}-{seed}.json"
    if path.exists():
        print(f"{name}, seed {seed}: kept from an earlier run")
        return
    start = time.process_time()
    figures = recipes.get(name).run(seed=seed, out=folder / path.stem)
    minutes = (time.process_time() - start) / 60
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"minutes": minutes, "figures": figures}, default=plain))
    os.replace(part, path)


def rows_of(name: str, folder: Path) -> tuple[list[str], bool]:
    """A recipe's rows of the table, and whether every figure keeps its bounds."""
    cells = {}
    for seed in SEEDS:
        path = folder / f"{name}-{seed}.json"
        if path.exists():
            cells[seed] = json.loads(path.read_text())
    if not cells:
        return [], True
    claims = {seed: recipes.get(name).claims(cell["figures"]) for seed, cell in cells.items()}
    minutes = f"{max(cell['minutes'] for cell in cells.values()):.1f}"
    rows, fine = [], True
    for index, claim in enumerate(next(iter(claims.values()))):
        values = []
        for seed in SEEDS:
            mine = claims[seed][index] if seed in claims else None
            text = "-" if mine is None else f"{mine.value:.4g}"
            missed = mine is not None and not mine.holds
            values.append(f"**{text}**" if missed else text)
            fine = fine and not missed
        course = "" if claim.course is None else f"{claim.course:g}"
        row = [name, claim.what, claim.bound, course, *values, minutes]
        rows.append("| " + " | ".join(row) + " |\n")
    return rows, fine


def write_table(names: Iterable[str], folder: Path) -> bool:
    """Writes TABLE; whether every figure of the cells keeps its bounds."""
    lines = TABLE.read_text().splitlines(keepends=True) if TABLE.exists() else []
    before = lines[len(HEAD.splitlines()) :]
    text, fine = HEAD, True
    for name in names:
        rows, kept = rows_of(name, folder)
        text += "".join(rows or [line for line in before if line.startswith(f"| {name} |")])
        fine = fine and kept
    TABLE.write_text(text)
    print(f"wrote {TABLE}")
    return fine


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the cells that are missing, then writes the table."""
    claiming = [name for name in recipes.NAMES if hasattr(recipes.get(name), "claims")]
    parser = argparse.ArgumentParser(description="Recipes for several seeds, and their table.")
    parser.add_argument("folder", type=Path, help="where figures and pictures are kept")
    parser.add_argument("names", nargs="*", metavar="NAME", help="recipes (all that claim)")
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS, choices=SEEDS)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in [recipes.name_of(recipes.get(name)) for name in options.names] or claiming:
        for seed in options.seeds:
            run_cell(name, seed, options.folder)
    return int(not write_table(claiming, options.folder))


if __name__ == "__main__":
    raise SystemExit(main())
