"""The memory cell and the chain of lecture III, number by number; what the pictures rest on."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.layers import LSTM, SimpleRNN
from fastnn.recipes import lstm_by_hand as recipe


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_the_memory_cell_of_the_slides():
    assert np.round(recipe.cell()).tolist() == [[10, 0], [-3, -3]]
    np.testing.assert_allclose(recipe.cell(), recipe.cell_by_hand(), rtol=1e-14)
    first = 3 * sigmoid(10) + 7 * sigmoid(10)
    second = -3 * sigmoid(10) + first * sigmoid(-10)
    expected = [[first, first * sigmoid(-10)], [second, second * sigmoid(10)]]
    np.testing.assert_allclose(recipe.cell(), expected, rtol=1e-14)


@pytest.mark.parametrize("w", recipe.COURSE_CHAIN)
def test_the_chain_is_a_power(w):
    y, slope = recipe.chain(w)
    np.testing.assert_allclose(y, w**999, rtol=1e-12)  # 1,000 roundings
    np.testing.assert_allclose(slope, 999 * w**998, rtol=1e-12)


def test_a_short_chain_too():
    assert recipe.chain(3.0, steps=4) == (27.0, 27.0)


def error(w, b):
    """The error of the net after all steps, by a loop."""
    h = 0.5
    for _ in range(recipe.DEPTH):
        h = sigmoid(w * h + b)
    return (h - recipe.TARGET) ** 2


def slopes(w, b, step=1e-6):
    return np.array(
        [
            (error(w + step, b) - error(w - step, b)) / (2 * step),
            (error(w, b + step) - error(w, b - step)) / (2 * step),
        ]
    )


def test_the_surface_is_the_error_of_one_unit():
    w, b = np.array([2.0, 4.0, 6.5]), np.array([-3.0, 0.5])
    expected = [[error(u, v) for u in w] for v in b]
    np.testing.assert_allclose(recipe.surface(w, b), expected, rtol=1e-9)  # sums that cancel


@pytest.mark.parametrize("clipnorm", [None, 0.05])
def test_the_descent_follows_the_gradient(clipnorm, monkeypatch):
    monkeypatch.setattr(recipe, "DESCENT", 3)
    path = recipe.descend((4.5, -2.0), clipnorm)
    at = np.array([4.5, -2.0])
    for w, b, value in path:
        np.testing.assert_allclose([w, b], at, rtol=1e-6)  # differences have that error
        assert value == pytest.approx(error(w, b), rel=1e-9)
        gradient = slopes(w, b)
        norm = np.linalg.norm(gradient)
        assert norm > 0.05
        at = np.array([w, b]) - recipe.RATE * gradient * (clipnorm / norm if clipnorm else 1)


@pytest.mark.parametrize("kind", [SimpleRNN, LSTM])
def test_norms_through_time_are_those_of_differences(kind):
    fn.utils.set_random_seed(0)
    x = np.random.default_rng(0).standard_normal((2, 4, 3))
    layer, step = kind(5, dtype="float64"), 1e-6
    norms = recipe.through_time(layer, x)
    squares = np.zeros(4)
    for place in np.ndindex(x.shape):
        moved = np.zeros_like(x)
        moved[place] = step
        change = layer(x + moved).numpy().sum() - layer(x - moved).numpy().sum()
        squares[place[1]] += (change / (2 * step)) ** 2
    np.testing.assert_allclose(norms, np.sqrt(squares / squares[-1]), rtol=1e-6)


def test_it_shows_what_it_claims(tmp_path, capsys, pictures):
    figures = recipe.run(quick=True, out=tmp_path)
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("about 20,000", "9.99955", "-2.99941", "2.075e+04"))
    assert [claim.what for claim in recipe.claims(figures) if not claim.holds] == []
    assert pictures("surface.png", "gradients.png")


def test_a_claim_can_fail():
    figures = {
        "cell": [(9.0, 0.0), (-3.0, -3.0)],
        "chain": {"1.01": (2e4, 1.0), "0.99": (0.0, 1.0)},
        "descents": {name: {"arrived": 0.5, "longest": 0.1} for name in ("plain", "clipped")},
        "through_time": {name: [1.0] for name in recipe.networks()},
    }
    missed = {claim.what for claim in recipe.claims(figures) if not claim.holds}
    assert {"memory, both gates open", "descents that arrive, clipped"} <= missed
    assert "output, gate closed" not in missed
