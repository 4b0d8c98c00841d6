"""Files are written whole or not at all; matplotlib's state stays as it is; matplotlib may be
absent."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn as fn
from fastnn import plots

pytest.importorskip("matplotlib", reason="drawing needs matplotlib (extra: demo)")

LINE = {"line": ([0, 1, 2], [0, 1, 4])}


def small_model():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


X, Y = np.ones((4, 2)), np.ones((4, 2))

EVERY = {
    "confusion_matrix": lambda: plots.confusion_matrix([0, 1], [1, 1]),
    "curves": lambda: plots.curves({"a": {"loss": [1, 2]}}),
    "gradient_norms": lambda: plots.gradient_norms(small_model(), X, Y),
    "history": lambda: plots.history({"loss": [1, 2]}),
    "images": lambda: plots.images(np.ones((2, 3, 4, 4))),
    "lines": lambda: plots.lines(LINE),
    "loss_surface": lambda: plots.loss_surface(small_model(), X, Y, points=3),
    "piecewise_linear": lambda: plots.piecewise_linear(),
    "surface": lambda: plots.surface(lambda x, y: x + y, (0, 1), (0, 1), points=3),
    "weight_histograms": lambda: plots.weight_histograms(small_model()),
}


def test_every_drawing_function_is_tried_here():
    functions = {n for n in plots.__all__ if n[0].islower() and callable(getattr(plots, n))}
    assert functions == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_a_drawing_is_saved(name, tmp_path):
    EVERY[name]().save(tmp_path / "new" / "a.png")
    assert (tmp_path / "new" / "a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


@pytest.mark.parametrize("name", EVERY)
def test_without_matplotlib_the_extra_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"needs matplotlib: pip install 'fastnn\[demo\]'") as e:
        EVERY[name]()
    assert e.value.name == "matplotlib"


def test_matplotlib_is_absent_before_anything_is_computed(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    model = small_model()
    monkeypatch.setattr(type(model), "compute_loss", lambda *_: pytest.fail("computed"))
    for function in (plots.gradient_norms, plots.loss_surface):
        with pytest.raises(ImportError):
            function(model, X, Y)


def test_nothing_global_changes():
    """In a process of its own, for which the user has chosen a backend that needs a display."""
    code = """
import sys
import fastnn as fn
fn.plots, fn.plots.WeightPath
assert "matplotlib" not in sys.modules
import matplotlib
before = dict.copy(matplotlib.rcParams)
sys.path.insert(0, FOLDER)
from test_drawing import EVERY
for draw in EVERY.values():
    drawing = draw()
assert drawing._repr_png_().startswith(b"\\x89PNG")
assert "matplotlib.pyplot" not in sys.modules
assert dict.copy(matplotlib.rcParams) == before
assert before["backend"] == "tkagg" and "tkinter" not in sys.modules
"""
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    environment |= {"MPLBACKEND": "tkagg", "PYTHONPATH": str(Path(fn.__file__).parents[1])}
    program = code.replace("FOLDER", repr(str(Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_an_old_file_outlives_a_failure(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    drawing = plots.lines(LINE)

    def half(file, **_):
        Path(file).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(drawing.figure, "savefig", half)
    with pytest.raises(OSError, match=r"Drawing.save: path .* cannot be written: disk full"):
        drawing.save(path)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_other_formats_and_none(tmp_path):
    drawing = plots.lines(LINE)
    drawing.save(tmp_path / "a.SVG")
    assert b"<svg" in (tmp_path / "a.SVG").read_bytes()
    for name in ("a.xyz", "a"):
        with pytest.raises(ValueError, match=r"Drawing.save: path must end with one of .*\.png"):
            drawing.save(tmp_path / name)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="cannot be written"):
        drawing.save(tmp_path / "file" / "a.png")


def test_it_draws_on_the_callers_axes():
    from matplotlib.figure import Figure

    figure = Figure()
    part, _ = figure.subfigures(1, 2)
    ax = part.subplots()
    assert plots.lines(LINE, ax=ax).figure is figure
    assert len(ax.lines) == 1
    with pytest.raises(TypeError, match="lines: ax must be an Axes of matplotlib, got 3"):
        plots.lines(LINE, ax=3)


def test_lines():
    drawing = plots.lines({"a": ([1, 2], [3, 4]), "b": ([1], [np.nan])}, "s", "m", yscale="log")
    (ax,) = drawing.figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("s", "m", "log")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b"]
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 3], [2, 4]])
    with pytest.raises(ValueError, match=r"lines: x and y of 'a' must be \[n\].*\(2,\) and \(3,\)"):
        plots.lines({"a": ([1, 2], [1, 2, 3])})
    with pytest.raises(ValueError, match="lines: series is empty"):
        plots.lines({})


def test_images():
    rows = [np.zeros((2, 3, 3)), np.zeros((1, 3, 3))]
    drawing = plots.images(rows, above=["a", "b", "c"], wrong=[0, 0, 1], row_labels=["x", "y"])
    assert [ax.get_title() for ax in drawing.figure.axes] == ["a", "b", "c"]  # no empty panel
    assert drawing.figure.axes[2].title.get_color() == plots.style.RED
    with pytest.raises(ValueError, match="images: above must have 3 entries, got 2"):
        plots.images(rows, above=["a", "b"])
    with pytest.raises(ValueError, match="images: rows has no images"):
        plots.images([])
