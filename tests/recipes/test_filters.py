"""What the pictures of the filters rest on: where a filter looks, and that the ascent ascends."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.recipes import filters, mnist_cnn


@pytest.fixture(params=[28, 8])
def network(request):
    return untrained(request.param)


def untrained(side):
    """The network for images of so many pixels a side, and twenty random ones."""
    fn.utils.set_random_seed(3)
    images = np.random.default_rng(0).uniform(0, 1, (20, side, side, 1)).astype("float32")
    return mnist_cnn.build((side, side, 1), 1e-3, 1), images


@pytest.mark.parametrize(
    ("side", "layer"), [(28, filters.FIRST), (28, filters.SECOND), (8, filters.FIRST)]
)
def test_a_patch_is_what_the_filter_sees(side, layer):
    model, images = untrained(side)
    cut, best = filters.patches(model, images, layer, count=1)
    assert cut.shape == (len(best), 1, layer["size"], layer["size"])
    # The patch alone, on an empty image where padding changes nothing, excites the filter as much.
    canvas = np.zeros((len(best), 28, 28, 1), "float32")
    size, at = layer["size"], 2 * layer["stride"]
    canvas[:, at : at + size, at : at + size, 0] = cut[:, 0]
    wide = mnist_cnn.build((28, 28, 1), 1e-3, 1)
    for mine, other in zip(wide.layers[: layer["depth"]], model.layers):
        mine.set_weights(other.get_weights())
    active = filters.maps(wide, canvas, layer["depth"]).numpy()
    found = active[np.arange(len(best)), 2, 2, np.arange(len(best))]
    np.testing.assert_allclose(found, best, rtol=1e-4, atol=1e-5)  # sums in another order


def test_a_patch_may_begin_before_a_small_image():
    model, _ = untrained(8)
    for layer in (model.layers[0], model.layers[2]):  # each hands its input on
        kernel, bias = (np.zeros(w.shape, "float32") for w in layer.get_weights())
        kernel[1, 1, 0, 0] = 1
        layer.set_weights([kernel, bias])
    image = np.zeros((1, 8, 8, 1), "float32")
    image[0, 5, 2, 0] = 1  # pooled to row 2, column 1, whose window begins at row 1, column -1
    cut, best = filters.patches(model, image, filters.SECOND, count=1)
    assert best[0] == 1 and cut[0, 0].sum() == 1 and cut[0, 0, 4, 3] == 1


def test_before_relu_is_the_layer_without_it(network):
    model, images = network
    for depth in (1, 3):
        before = filters.before_relu(model, images, depth).numpy()
        after = filters.maps(model, images, depth).numpy()
        assert before.min() < 0
        np.testing.assert_allclose(np.maximum(before, 0), after, rtol=1e-4, atol=1e-5)


def test_logits_are_those_of_the_softmax(network):
    model, images = network
    probabilities = fn.ops.softmax(filters.logits(model, fn.tensor(images))).numpy()
    np.testing.assert_allclose(probabilities, model.predict(images, verbose=0), rtol=1e-4)


def test_ascent_reaches_the_top():
    target = np.array([0.2, 0.9, 1.5, -1.0], "float32").reshape(1, 2, 2, 1)
    start = np.full((1, 2, 2, 1), 0.5, "float32")
    found = filters.ascend(lambda x: -((x - target) ** 2).sum(), start, 200)
    np.testing.assert_allclose(found, np.clip(target, 0, 1), atol=0.01)  # steps end at 0.0005


@pytest.mark.parametrize("data", ["mnist", "without_data"])
def test_it_sees(data, request, tmp_path, capsys, pictures):
    request.getfixturevalue(data)
    figures = filters.run(quick=True, out=tmp_path)
    assert figures["dataset"] == ("mnist" if data == "mnist" else "digits")
    assert figures["accuracy"] >= 0.85  # a tenth by guessing
    assert figures["beaten"] >= 0.9  # none of 1,000 real images is as good: 0.001 by chance
    assert figures["free"]["belief"] >= 0.9
    assert figures["priced"]["ink"] < figures["free"]["ink"]
    assert "made digits" in capsys.readouterr().out
    assert pictures("kernels.png", "patches.png", "ascent.png", "digits.png")
