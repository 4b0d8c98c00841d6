"""Each recipe learns; the worked numbers of the course come out."""

import sys

import numpy as np
import pytest

import fastnn as fn
from fastnn import cli, recipes
from fastnn.recipes import neuron
from fastnn.recipes.common import Info, digits_page, load_digits


def rounded(values):
    return [round(float(v), 2) for v in values]


def test_one_neuron():
    z, a = neuron.neuron()
    assert z == 4 and round(a, 2) == 0.98


@pytest.mark.parametrize(
    "x, layers",
    [
        ((1, -1), [[0.98, 0.12], [0.86, 0.11], [0.62, 0.83]]),
        ((0, 0), [[0.73, 0.5], [0.72, 0.12], [0.51, 0.85]]),
    ],
)
def test_the_network_of_the_slides(x, layers):
    assert [rounded(layer) for layer in neuron.activities(x)] == layers


def test_softmax_of_the_slides():
    exponentials, shares = neuron.softmax()
    assert rounded(exponentials) == [20.09, 2.72, 0.05]
    assert rounded(shares) == [0.88, 0.12, 0.0]


def test_back_propagation_three_ways():
    ways = neuron.gradients()
    for hand, tape, differences in zip(*ways.values()):
        np.testing.assert_allclose(tape, hand, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(differences, hand, rtol=1e-6, atol=1e-9)


def test_descent_of_the_slides():
    for name, values in neuron.descent().items():
        assert rounded(values) == list(neuron.DESCENT[name])


def test_digits_learns(tmp_path):
    figures = recipes.get("digits").run(quick=True, out=tmp_path)
    assert figures["accuracy"] >= 0.95  # a tenth by guessing
    assert figures["loaded_accuracy"] == figures["accuracy"]


def test_digits_saves_its_pictures(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib (extra: demo)")
    recipes.get("digits").run(quick=True, epochs=1, out=tmp_path)
    for name in ("training.png", "digits.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_a_page_shows_what_was_said_and_where_it_was_wrong():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib (extra: demo)")
    truth = ["cat", "dog", "dog"] * 15
    figure = digits_page(np.zeros((45, 4, 4)), truth, ["cat"] * 45).figure
    shown = [(ax.get_title(), ax.get_xlabel()) for ax in figure.axes]
    assert len(shown) == 40 and shown[:2] == [("cat", ""), ("cat", "is dog")]


def test_mnist_learns(mnist, tmp_path):
    figures = recipes.get("mnist").run(quick=True, out=tmp_path)
    assert figures["ReLU, Adam"]["accuracy"] >= 0.93
    assert figures["sigmoid, SGD"]["accuracy"] >= 0.6  # the course after more: 0.84
    assert figures["ReLU, Adam"]["parameters"] == 784 * 500 + 500 + 500 * 500 + 500 + 5010


def test_list_names_every_recipe(capsys):
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in recipes.NAMES)


def test_copy_writes_the_file_once(tmp_path, capsys):
    assert cli.main(["copy", "neuron"]) == 0
    assert "def run(" in (tmp_path / "neuron.py").read_text()
    assert cli.main(["copy", "neuron"]) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a-b", "a_b"])
def test_names_have_hyphens_and_files_underscores(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "package").mkdir()
    source = "from fastnn.recipes.common import Info\nINFO = Info('III', 'slide', 'what?', 0.1)\n"
    (tmp_path / "package" / "a_b.py").write_text(source + "def run(**_):\n    print('ran')\n")
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(tmp_path / "package")])
    monkeypatch.setattr(recipes, "NAMES", ("a-b",))
    assert cli.main(["run", name]) == 0
    assert capsys.readouterr().out == "a-b: lecture III, slide (seed 0)\nran\n"
    assert cli.main(["list"]) == 0 and "a-b" in capsys.readouterr().out
    assert cli.main(["copy", name]) == 0
    assert "import a_b as r" in capsys.readouterr().out
    assert (tmp_path / "a_b.py").read_text().startswith(source)
    sys.modules.pop("fastnn.recipes.a_b")


def test_an_unknown_recipe_is_an_error(capsys):
    assert cli.main(["run", "nonesuch"]) == 1
    assert "digits" in capsys.readouterr().err


@pytest.mark.parametrize("argument", ["0", "-3", "many"])
def test_epochs_must_be_positive(argument, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", "digits", "--epochs", argument])
    assert caught.value.code == 2
    assert f"expected a positive integer, got '{argument}'" in capsys.readouterr().err


def test_info_prints_the_target(capsys):
    assert cli.main(["info"]) == 0
    assert "target" in capsys.readouterr().out


def test_digits_fall_back_to_the_embedded_ones(without_data, capsys):
    digits = load_digits(100)
    assert "MNIST is not here" in capsys.readouterr().out
    assert digits.name == "digits"
    assert digits.x_train.shape == (100, 8, 8, 1) and digits.x_test.shape == (360, 8, 8, 1)
    assert digits.x_train.dtype == "float32" and digits.x_train.max() == 1
    assert digits.y_train.shape == (100,) and digits.y_test.shape == (360,)


def test_digits_are_mnist_when_it_is_here(mnist):
    digits = load_digits(100)
    assert digits.name == "mnist" and digits.x_train.shape == (100, 28, 28, 1)
    assert digits.x_test.max() == 1


def test_list_tells_what_is_not_here(without_data):
    assert cli._data(Info("", "", "", 1)) == "yes"
    assert cli._data(Info("", "", "", 1, "mnist")) == "no (mnist)"
    assert cli._data(Info("", "", "", 1, "mnist", "digits")) == "digits for mnist"
    assert Info("", "", "", 1, "mnist", "digits").data_is_here()
    assert not Info("", "", "", 1, "mnist").data_is_here()


def test_an_interrupt_ends_with_its_own_status(monkeypatch, capsys):
    def run(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipes.get("momentum"), "run", run)
    assert cli.main(["run", "momentum"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_missing_data_says_where_it_goes_and_what_runs_without(without_data, capsys):
    assert cli.main(["run", "documents", "--quick"]) == 1
    error = capsys.readouterr().err
    assert "By hand: put reuters46.tsv" in error and "not with --quick either" in error


def test_an_unknown_recipe_has_a_nearest_name(capsys):
    assert cli.main(["run", "dropuot"]) == 1
    assert "did you mean 'dropout'?" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(fn.Sequential, "fit", None)
    assert cli.main(["run", "loss-choice", "--quick", "--out", str(tmp_path / "file")]) == 1
    assert "file" in capsys.readouterr().err


def test_a_folder_without_permission_is_told_before_training(tmp_path, capsys, monkeypatch):
    def forbidden(**options):
        raise PermissionError("no")

    monkeypatch.setattr("tempfile.TemporaryFile", forbidden)
    monkeypatch.setattr(fn.Sequential, "fit", None)
    assert cli.main(["run", "loss-choice", "--quick", "--out", str(tmp_path)]) == 1
    assert f"{str(tmp_path)!r} cannot be written: no" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(capsys):
    for command in ("run digits", "book digits"):
        assert cli.main([*command.split(), "--out", "/dev/null/x"]) == 1
        assert "the folder '/dev/null/x' cannot be written: " in capsys.readouterr().err
