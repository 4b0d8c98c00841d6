"""Histograms of weights, and functions made of linear pieces."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers
from fastnn.plots import piecewise_linear, weight_histograms

pytest.importorskip("matplotlib", reason="drawing needs matplotlib (extra: demo)")


def test_histograms_by_a_loop():
    model = fn.Sequential([fn.Input((9,)), layers.Dense(8, name="first"), layers.Dense(2)])
    drawing = weight_histograms(model, bins=7)
    names = [f"first/{w}" for w in ("kernel", "bias")]
    names += [f"{model.layers[1].name}/{w}" for w in ("kernel", "bias")]
    assert list(drawing.values) == names
    for (counts, edges), weight in zip(drawing.values.values(), model.get_weights()):
        expected = [0] * 7
        for value in weight.ravel().astype("f8"):
            expected[min(int(np.searchsorted(edges, value, "right")) - 1, 6)] += 1
        assert counts.tolist() == expected
    assert len(drawing.figure.axes) == 4


def test_what_is_not_finite_is_counted_apart():
    layer = layers.Dense(2)
    layer.build((None, 3))
    layer.kernel.assign([[1, 2], [np.nan, 3], [np.inf, 4]])
    drawing = weight_histograms(layer)
    assert drawing.values["kernel"][0].sum() == 4
    assert "2 not finite" in drawing.figure.axes[0].get_title()


def test_bad_histograms():
    with pytest.raises(ValueError, match=r"weight_histograms: .* has no weights"):
        weight_histograms(fn.Sequential([layers.Dense(2)]))
    layer = layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match="weight_histograms: bins must be an integer from 1"):
        weight_histograms(layer, bins=0)


# ---- maxout


def test_relu_is_a_special_case():
    x, y = next(iter(piecewise_linear().values.values()))
    np.testing.assert_array_equal(y, np.maximum(x, 0))


def test_three_pieces_have_two_kinks():
    """max(-x - 1, 0, 2x - 4): kinks at -1 and 2, slopes -1, 0 and 2 between them."""
    drawing = piecewise_linear({"f": [(-1, -1), (0, 0), (2, -4)]}, (-3, 3))
    x, y = drawing.values["f"]
    expected = np.select([x < -1, x < 2], [-x - 1, 0 * x], 2 * x - 4)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    slopes = np.round(np.diff(y) / np.diff(x), 9)
    assert sorted(set(slopes)) == [-1, 0, 2]
    assert (np.diff(slopes) >= 0).all()  # convex
    assert len(drawing.figure.axes[0].lines) == 4  # three pieces and their maximum


def test_units_of_a_layer():
    """Groups of three pieces lie side by side in the kernel."""
    layer = layers.Maxout(2, 3, dtype="float64")
    layer.build((None, 1))
    layer.set_weights([[[1, -1, 0, 2, 0, 3]], [0, 0, 0.5, 1, 0, -1]])
    values = piecewise_linear(layer, (-2, 2)).values
    x, first = values["unit 0"]
    np.testing.assert_allclose(first, np.maximum(np.abs(x), 0.5))
    _, second = values["unit 1"]
    np.testing.assert_allclose(second, np.max([2 * x + 1, 0 * x, 3 * x - 1], axis=0))


def test_bad_pieces():
    with pytest.raises(ValueError, match=r"piecewise_linear: 'a' must be pairs .*shape \(2,\)"):
        piecewise_linear({"a": [1, 2]})
    with pytest.raises(ValueError, match=r"piecewise_linear: x_range must be \(from, to\)"):
        piecewise_linear(x_range=(1, 0))
    layer = layers.Maxout(1)
    with pytest.raises(ValueError, match="built for one input, got one that is not built"):
        piecewise_linear(layer)
    layer.build((None, 2))
    with pytest.raises(ValueError, match=r"built for one input, got kernel of shape \(2, 2\)"):
        piecewise_linear(layer)
