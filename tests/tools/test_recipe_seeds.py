"""tools/recipe_seeds.py: cells are kept whole, interrupted runs go on, the table tells misses."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fastnn import recipes
from fastnn.recipes.common import Claim

PATH = Path(__file__).resolve().parents[2] / "tools" / "recipe_seeds.py"
if not PATH.exists():
    pytest.skip("the checkout is not here", allow_module_level=True)
spec = importlib.util.spec_from_file_location("recipe_seeds", PATH)
recipe_seeds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipe_seeds)


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """A recipe "a-b" in the place of all others, and the seeds it was run with."""
    seeds = []

    def run(quick=False, seed=0, epochs=None, batch_size=None, out=None):
        if seed == 2 and 1 in seeds and seeds.count(2) == 0:
            seeds.append(2)
            raise KeyboardInterrupt
        seeds.append(seed)
        return {"accuracy": np.float32(0.5 + 0.25 * seed), "curve": np.arange(3)}

    def claims(figures):
        assert figures["curve"] == [0, 1, 2]
        return [
            Claim("accuracy", figures["accuracy"], at_least=0.75, course=0.84),
            Claim("again", figures["accuracy"]),
        ]

    recipe = ModuleType("fastnn.recipes.a_b")
    recipe.run, recipe.claims = run, claims
    monkeypatch.setattr(recipes, "NAMES", ("a-b", "other"))
    other = ModuleType("fastnn.recipes.other")
    monkeypatch.setattr(recipes, "get", lambda name: other if name == "other" else recipe)
    monkeypatch.setattr(recipe_seeds, "TABLE", tmp_path / "recipes.md")
    return seeds


def table_rows(tmp_path):
    lines = (tmp_path / "recipes.md").read_text().splitlines()
    return [line for line in lines if line.startswith("| a-b")]


def test_an_interrupted_run_goes_on(runs, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        recipe_seeds.main([str(tmp_path / "cells")])
    assert runs == [0, 1, 2]
    recipe_seeds.main([str(tmp_path / "cells")])
    assert runs == [0, 1, 2, 2]
    assert sorted(p.name for p in (tmp_path / "cells").iterdir()) == [
        f"a-b-{seed}.json" for seed in (0, 1, 2)
    ]


def test_the_table_marks_misses(runs, tmp_path):
    runs.append(2)
    assert recipe_seeds.main([str(tmp_path / "cells")]) == 1
    assert table_rows(tmp_path) == [
        "| a-b | accuracy | >= 0.75 | 0.84 | **0.5** | 0.75 | 1 | 0.0 |",
        "| a-b | again |  |  | 0.5 | 0.75 | 1 | 0.0 |",
    ]


def test_one_cell_and_nothing_more(runs, tmp_path):
    assert recipe_seeds.main([str(tmp_path / "cells"), "a_b", "--seeds", "1"]) == 0
    assert runs == [1]
    assert table_rows(tmp_path)[0] == "| a-b | accuracy | >= 0.75 | 0.84 | - | 0.75 | - | 0.0 |"
    before = (tmp_path / "recipes.md").read_text()
    assert recipe_seeds.main([str(tmp_path / "elsewhere"), "--seeds"]) == 0
    assert runs == [1] and (tmp_path / "recipes.md").read_text() == before


@pytest.mark.parametrize(
    ("claim", "bound", "holds"),
    [
        (Claim("", 0.5, at_least=0.5), ">= 0.5", True),
        (Claim("", 0.5, at_most=0.4), "<= 0.4", False),
        (Claim("", 0.5, at_least=0.2, at_most=0.6), ">= 0.2, <= 0.6", True),
        (Claim("", float("nan"), at_least=0.5), ">= 0.5", False),
        (Claim("", float("nan"), at_most=0.5), "<= 0.5", False),
        (Claim("", 0.5), "", True),
    ],
)
def test_claims(claim, bound, holds):
    assert (claim.bound, claim.holds) == (bound, holds)


def test_the_recipe_named_recipe_has_no_row_of_the_header(runs, tmp_path):
    for _ in range(2):
        recipe_seeds.write_table(["recipe"], tmp_path / "cells")
    text = (tmp_path / "recipes.md").read_text()
    assert text == recipe_seeds.HEAD
