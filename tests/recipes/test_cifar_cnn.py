"""A convolutional net learns colour pictures better than a dense one."""

import pytest

from fastnn import recipes
from fastnn.recipes import cifar_cnn as recipe


def test_parameters():
    convolutions = (9 * 3 + 1) * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 128
    dense = (4 * 4 * 128 + 1) * 128 + 129 * 10
    assert recipe.build("convolutional").count_params() == convolutions + dense
    assert recipe.build("dense").count_params() == 3073 * 512 + 513 * 512 + 513 * 10


def test_it_learns(tmp_path, pictures):
    if not recipe.INFO.data_is_here():
        pytest.skip("CIFAR-10 is not here: set FASTNN_DATA to a folder with cifar10/")
    pytest.importorskip("PIL", reason="pictures need Pillow (extra: images)")
    figures = recipes.get("cifar-cnn").run(quick=True, out=tmp_path)
    cnn, dense = (figures[net]["accuracy"] for net in ("convolutional", "dense"))
    assert cnn >= 0.38 and dense >= 0.25  # a tenth by guessing
    assert cnn - dense >= 0.04
    assert [claim.what for claim in recipe.claims(figures) if claim.bound]
    assert pictures("training.png", "pictures.png")
