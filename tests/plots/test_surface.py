"""A plain function as a surface: values, colours, paths."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.plots import surface
from fastnn.plots.surfaces import _levels

pytest.importorskip("matplotlib", reason="drawing needs matplotlib (extra: demo)")


def saddle(x, y):
    return x**2 - 3 * y


def test_values_by_a_loop():
    drawing = surface(saddle, (-1, 2), (0, 4), points=7, xlabel="w1", ylabel="w2", value="loss")
    found = drawing.values
    for i, y in enumerate(np.arange(7) * 4 / 6):
        for j, x in enumerate(np.arange(7) / 2 - 1):
            np.testing.assert_allclose(found.z[i, j], x * x - 3 * y, atol=1e-12)
    ax, bar = drawing.figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("w1", "w2", "loss")
    assert ax.get_xlim() == (-1, 2) and ax.get_ylim() == (0, 4)


def test_tensors_and_constants():
    square = surface(lambda x, y: fn.ops.square(x) + y, (-1, 2), (0, 4), points=3).values.z
    np.testing.assert_allclose(square[1], [3, 2.25, 6])
    assert (surface(lambda x, y: 2, (0, 1), (0, 1), points=3).values.z == 2).all()


def test_paths_are_drawn_with_start_and_end():
    paths = {"gd": [(0, 1), (1, 2), (1.5, 3)], "momentum": np.array([[0, 1.0], [np.nan, 0]])}
    drawing = surface(saddle, (-1, 2), (0, 4), paths, points=5)
    ax = drawing.figure.axes[0]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["gd", "momentum", "start", "end"]
    line, _, start, end = ax.lines[:4]
    np.testing.assert_array_equal(line.get_xydata(), paths["gd"])
    assert (start.get_xydata() == [0, 1]).all() and (end.get_xydata() == [1.5, 3]).all()
    assert (ax.lines[7].get_xydata() == [0, 1]).all()  # the last point that is finite
    np.testing.assert_array_equal(drawing.values.paths["gd"], paths["gd"])
    unnamed = surface(saddle, (-1, 2), (0, 4), list(paths.values()), points=5)
    texts = unnamed.figure.axes[0].get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["start", "end"]


def test_half_of_the_picture_lies_below_the_middle_colour():
    x, y = np.meshgrid(np.linspace(-2, 2, 101), np.linspace(-1, 3, 101))
    rosenbrock = ((1 - x) ** 2 + 100 * (y - x**2) ** 2).ravel()
    levels = _levels(rosenbrock)
    assert (np.diff(levels) > 0).all()
    assert levels[0] == rosenbrock.min() and levels[-1] == rosenbrock.max()
    np.testing.assert_allclose(levels[len(levels) // 2], np.median(rosenbrock), rtol=1e-9)
    assert (np.diff(_levels(np.full(9, 3.0))) > 0).all()


def test_what_is_not_finite_is_left_grey(recwarn):
    with np.errstate(invalid="ignore", divide="ignore"):
        drawing = surface(lambda x, y: np.log(x) + y, (-1, 1), (0, 1), points=9)
    drawing._repr_png_()
    assert not np.isfinite(drawing.values.z[:, :5]).any()
    assert not recwarn.list
    with pytest.raises(ValueError, match=r"surface: f\(x, y\) is nowhere finite"):
        surface(lambda x, y: np.nan * x, (0, 1), (0, 1))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"x_range": (2, 1)}, r"x_range must be \(from, to\) with from < to, got \(2, 1\)"),
        ({"y_range": (0, np.inf)}, "y_range must be"),
        ({"y_range": 3}, "y_range must be"),
        ({"points": 1}, "points must be an integer from 2, got 1"),
        ({"points": 2.5}, "points must be an integer from 2, got 2.5"),
        ({"paths": [[1, 2, 3]]}, r"path 0 must be points \[steps, 2\], got shape \(3,\)"),
        ({"paths": {"a": np.zeros((0, 2))}}, r"path 'a' must be points"),
        ({"f": lambda x, y: x[0]}, r"f must return numbers of shape \(5, 5\).*vectorize"),
    ],
)
def test_bad_input(change, message):
    arguments = {"f": saddle, "x_range": (0, 1), "y_range": (0, 1), "points": 5} | change
    with pytest.raises(ValueError, match=f"surface: {message}"):
        surface(**arguments)
