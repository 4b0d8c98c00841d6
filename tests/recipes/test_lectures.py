"""Quick runs of the experiments of lectures I and II: the order that each shows, with a margin."""

import numpy as np
import pytest

from fastnn import recipes
from fastnn.recipes.common import collected_tables, is_here


def accuracy(figures, name):
    return figures[name]["accuracy"]


def gradient_descent(f):
    values = [end["value"] for end in f["ends"]]
    assert all(end["little"] for end in f["ends"]) and max(values) - min(values) > 0.4
    assert f["rates"]["right"]["little"] and not f["rates"]["too large"]["little"]


def structure(f):
    assert all(row[-1] - row[0] > 0.01 for row in f["accuracy"])
    assert f["parameters"][0][0] < f["parameters"][1][1]


def universality(f):
    for name in ("one variable", "two variables"):
        assert f[name][-1] < 0.15 and f[name][0] / f[name][-1] > 5


def deep_or_fat(f):
    counts = [f["digits"][name]["parameters"] for name in ("deep", "fat")]
    assert abs(counts[1] / counts[0] - 1) < 0.02
    assert f["parity, tanh"]["3"]["accuracy"] > 0.8
    assert f["parity, tanh"]["3"]["accuracy"] - f["parity, tanh"]["1"]["accuracy"] > 0.2


def modular(f):
    assert f["shape and colour"]["rare"] - f["combinations"]["rare"] > 0.3


def recipe(f):
    from fastnn.recipes.recipe import NETS

    for name, (_, _, fails, word) in NETS.items():
        assert f[name]["fails"] == fails, name
        assert not word or word in f[name]["tips"][0], name


def mini_batch(f):
    assert accuracy(f, "mini-batch") > 0.6
    assert accuracy(f, "mini-batch") - accuracy(f, "no batch") > 0.4
    assert f["shuffled"] - f["sorted"] > 0.2


def deeper(f):
    assert accuracy(f, "3 layers") - accuracy(f, "9 layers") > 0.5
    for name in ("3 layers", "9 layers"):
        np.testing.assert_allclose(f[name]["perturbed"], f[name]["gradients"], rtol=1e-2)
    ratio = [f[n]["gradients"][-1] / f[n]["gradients"][0] for n in ("3 layers", "9 layers")]
    assert ratio[0] < 100 and ratio[1] > 1e4


def pretraining(f):
    assert accuracy(f, "pre-trained") > 0.6
    assert accuracy(f, "pre-trained") - accuracy(f, "random start") > 0.4


def relu(f):
    assert accuracy(f, "ReLU") > 0.85 and accuracy(f, "ReLU") - accuracy(f, "sigmoid") > 0.6
    assert f["difference"] < 1e-9 and f["linear"] < 1e-6 and f["sigmoids"] < 0.02


def activations(f):
    rest = [accuracy(f, name) for name in f if name not in ("dataset", "sigmoid")]
    assert min(rest) - accuracy(f, "sigmoid") > 0.03


def learning_rate(f):
    assert accuracy(f, "0.1") - accuracy(f, "0.001") > 0.3
    assert accuracy(f, "3") < 0.25 and accuracy(f, "1 / (1 + 0.02 t)") > 0.85


def optimizers(f):
    assert accuracy(f, "SGD") > 0.88 and accuracy(f, "Adam") - accuracy(f, "SGD") > 0.01


def momentum(f):
    from fastnn.recipes.momentum import SURFACES

    for name, (_, _, through) in SURFACES.items():
        assert f[name]["momentum"] < through < f[name]["gradient descent"]


def overfitting(f):
    assert f["dense"][0] > 0.93 and f["dense"][0] - f["dense"][-1] > 0.3


def early_stopping(f):
    wrong = f["a fifth of the labels random"]
    assert wrong["stopped"] > wrong["end"] and wrong["epoch"] < 15


def weight_decay(f):
    for labels in ("clean labels", "a fifth of the labels random"):
        assert f[labels]["L2"]["near zero"] > 2 * f[labels]["none"]["near zero"]


def dropout(f):
    assert f["0.8"]["accuracy"][2] - f["0"]["accuracy"][2] > 0.03


def dropout_kinds(f):
    assert min(accuracy(f, name) for name in f if name != "dataset") > 0.85


def augmentation(f):
    assert accuracy(f, "turned") > accuracy(f, "as they are") > 0.8


def documents(f):
    squared, entropy, relu_, adam, _ = (
        accuracy(f, name)
        for name in ("squared error", "cross-entropy", "+ ReLU", "+ Adam", "+ dropout")
    )
    assert abs(squared - f["majority"]) < 0.005 and entropy - squared > 0.1
    assert relu_ - entropy > 0.15 and adam - relu_ > 0.01


CHECKS = {
    check.__name__.replace("_", "-"): check
    for check in (
        *(gradient_descent, structure, universality, deep_or_fat, modular, recipe, mini_batch),
        *(deeper, pretraining, relu, activations, learning_rate, optimizers, momentum),
        *(overfitting, early_stopping, weight_decay, dropout, dropout_kinds, augmentation),
        *(documents,),
    )
}


# The course has figures of these; their tables have a place for them.
WITH_FIGURES = (
    *("mini-batch", "deeper", "pretraining", "relu", "optimizers", "documents"),
    *("overfitting", "dropout"),
)


@pytest.mark.parametrize("name", CHECKS)
def test_quick_run(name, tmp_path, pictures):
    recipe = recipes.get(name)
    needed = recipe.INFO.dataset
    if needed and not is_here(needed):
        pytest.skip(f"{needed} is not here: set FASTNN_DATA to a folder with it")
    with collected_tables() as tables:
        CHECKS[name](recipe.run(quick=True, out=tmp_path))
    words = {word for table in tables for row in (table["header"], *table["rows"]) for word in row}
    assert words & {"course", "course, none"} or name not in WITH_FIGURES
    assert tables and pictures(*(path.name for path in tmp_path.iterdir()))


@pytest.mark.parametrize("name", ["deeper", "optimizers", "dropout"])
def test_the_embedded_digits_take_the_place_of_mnist(name, without_data, tmp_path):
    assert recipes.get(name).run(quick=True, epochs=1, out=tmp_path)["dataset"] == "digits"
