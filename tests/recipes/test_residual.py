"""56 layers can be trained when they add to what they are given, and not when they do not."""

import numpy as np
import pytest

from fastnn import layers
from fastnn.recipes import residual


def test_it_shows_the_difference(mnist, tmp_path, capsys, pictures):
    figures = residual.run(quick=True, out=tmp_path)
    plain, deep = (figures[f"{kind}, 56 layers"] for kind in ("plain", "residual"))
    assert plain["train"] <= 0.25  # three epochs of 1,000; a tenth by guessing
    assert deep["train"] >= plain["train"] + 0.2 and deep["test"] >= plain["test"] + 0.2
    assert "152 layers" in capsys.readouterr().out
    assert pictures("training.png")


def test_it_shows_it_on_the_embedded_digits(without_data, tmp_path):
    figures = residual.run(quick=True, out=tmp_path)
    assert figures["dataset"] == "digits"
    plain, deep = (figures[f"{kind}, 56 layers"]["test"] for kind in ("plain", "residual"))
    assert deep >= plain + 0.3


@pytest.mark.parametrize("depth", [20, 56])
def test_the_networks_differ_in_the_addition_alone(depth):
    plain, deep = (residual.build(kind, depth, (14, 14, 1), 1) for kind in ("plain", "residual"))
    assert plain.count_params() == deep.count_params()
    weighted = [x for x in plain.layers if isinstance(x, (layers.Conv2D, layers.Dense))]
    assert len(weighted) == depth
    added = sum(isinstance(x, layers.Add) for x in deep.layers)
    assert added == (depth - 2) // 2 and len(deep.layers) == len(plain.layers) + added


def test_claims_can_fail():
    same = {"train": 0.9, "test": 0.95}
    claims = residual.claims(dict.fromkeys(residual.NETWORKS, same))
    assert [claim.holds for claim in claims] == [False] * 4 + [True] * 2
    figures = dict(zip(residual.NETWORKS, [same, {"train": 0.3, "test": 0.3}, same, same]))
    assert all(claim.holds for claim in residual.claims(figures))
    assert np.isclose(residual.claims(figures)[0].value, 0.6)
