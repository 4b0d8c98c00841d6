"""The nets that propose moves: what they share, and that they learn."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import recipes
from fastnn.recipes import go_next_move as recipe


def test_the_two_convolutional_nets_have_equal_weights():
    shapes = {net: [w.shape for w in recipe.build(net, 3).trainable_weights] for net in recipe.NETS}
    assert shapes["convolutional"] == shapes["with pooling"] != shapes["dense"]
    assert shapes["convolutional"][-2:] == [(1, 1, 32, 1), (361,)]


@pytest.mark.parametrize("net", recipe.NETS)
def test_a_net_gives_chances_of_361_points(net):
    chances = recipe.build(net, 1).predict(np.zeros((2, 19, 19, 1), "float32"), verbose=0)
    assert chances.shape == (2, 361)
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)


def test_only_the_net_without_pooling_moves_with_the_stones():
    """A stone one point further right moves the proposals by one: exactly without pooling."""
    board = np.zeros((2, 19, 19, 1), "float32")
    board[0, 9, 8], board[1, 9, 9] = 1, 1
    far = {}
    for net in ("convolutional", "with pooling"):
        fn.utils.set_random_seed(0)
        chances = recipe.build(net, 1).predict(board, verbose=0).reshape(2, 19, 19)
        far[net] = np.abs(chances[1, 5:14, 6:14] - chances[0, 5:14, 5:13]).max()
    assert far["convolutional"] < 1e-7 < 1e-5 < far["with pooling"]


def test_score_counts_ranks():
    class Fixed:
        def predict(self, x, **arguments):
            return np.array([[0.5, 0.3, 0.1, 0.05, 0.03, 0.02]] * 4)

    assert recipe.score(Fixed(), None, np.array([0, 1, 4, 5])) == (0.25, 0.75)


def test_it_learns(tmp_path, pictures):
    if not recipe.INFO.data_is_here():
        pytest.skip("the Go games are not here: set FASTNN_DATA to a folder with go/")
    figures = recipes.get("go-next-move").run(quick=True, out=tmp_path)
    top1 = {net: figures[net]["top-1"][-1] for net in recipe.NETS}
    assert top1["convolutional"] >= 0.09  # 1 / 361 = 0.003 by guessing
    assert top1["convolutional"] - top1["with pooling"] >= 0.04
    assert top1["convolutional"] >= 1.5 * top1["dense"]
    seconds = {net: figures[net]["seconds"][-1] for net in recipe.NETS}
    assert min(seconds.values()) == seconds["convolutional"]
    assert [claim.what for claim in recipe.claims(figures) if claim.bound]
    assert pictures("training.png", "boards.png")
