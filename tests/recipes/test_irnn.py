"""The adding problem, and that those learn it which remember."""

import numpy as np

from fastnn import recipes
from fastnn.recipes import irnn as recipe


def test_sums_of_two_marked_numbers():
    x, y = recipe.sums(np.random.default_rng(0), 5000, 10)
    assert x.shape == (5000, 10, 2) and y.shape == (5000, 1)
    for half in (slice(0, 5), slice(5, 10)):
        assert (x[:, half, 1].sum(axis=1) == 1).all() and (x[:, half, 1].mean(axis=0) > 0.15).all()
    marked = x[..., 0][x[..., 1] == 1].reshape(-1, 2)
    np.testing.assert_allclose(y[:, 0], marked.sum(axis=1), rtol=1e-6)
    assert abs(np.mean((y - 1) ** 2) - recipe.BASELINE) < 0.01


def test_batches_are_never_the_same():
    batches = recipe.Sums(0, 2, 6)
    first, second = list(batches), list(batches)
    assert len(first) == len(batches) == recipe.EVERY
    assert not np.array_equal(first[0][0], second[0][0])


def test_who_remembers_adds(tmp_path, without_data, pictures):
    figures = recipes.get("irnn").run(quick=True, out=tmp_path)
    added = {name: figures[name]["sums"] for name in recipe.LAYERS}
    assert added["SimpleRNN"]["best"] >= 0.1
    assert added["IRNN"]["error"] < recipe.SOLVED and added["LSTM"]["error"] < recipe.SOLVED
    assert all(figures[name]["rows"]["accuracy"] >= 0.8 for name in recipe.LAYERS)
    assert pictures("adding.png", "training.png")


def test_a_claim_can_fail():
    sums = {"error": 0.15, "best": 0.01, "updates": 4000}
    figures = {name: {"sums": sums, "rows": {"accuracy": 0.5}} for name in recipe.LAYERS}
    missed = [c.what for c in recipe.claims({"dataset": "mnist", **figures}) if not c.holds]
    assert len(missed) == 5 and "adding: SimpleRNN, least error" in missed
