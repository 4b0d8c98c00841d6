"""extract_patches, unfold and fold: the explicit twin of convolution; Keras and PyTorch."""

import numpy as np
import pytest
from same_bits import same_for_threads

import fastnn as fn
from fastnn import _core, ops

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((2, 7, 6, 3))


@pytest.mark.parametrize("seed", range(24))
def test_conv_is_a_product_with_unfolded_windows(seed):
    random = np.random.default_rng(seed)
    rank, groups = seed % 3 + 1, int(random.integers(1, 4))
    window, strides, dilation = (
        tuple(map(int, random.integers(1, most, rank))) for most in (4, 3, 3)
    )
    pads = tuple(map(int, random.integers(0, 3, 2 * rank)))
    extents = [(k - 1) * d + int(random.integers(1, 5)) for k, d in zip(window, dilation)]
    channels, filters = (int(n) for n in random.integers(1, 4, 2))
    x = random.standard_normal((2, *extents, groups * channels))
    kernel = random.standard_normal((*window, channels, groups * filters))
    attributes = (strides, pads, dilation, groups)
    y = _core.conv(fn.tensor(x), fn.tensor(kernel), None, None, *attributes)[0].numpy()
    rows = _core.unfold(fn.tensor(x), window, strides, pads, dilation).numpy()
    assert rows.shape[:-1] == y.shape[:-1]
    rows = rows.reshape(*rows.shape[:-1], -1, groups, channels)
    weights = kernel.reshape(-1, channels, groups, filters)
    expected = np.einsum("...tgc,tcgf->...gf", rows, weights).reshape(y.shape)
    assert np.abs(y - expected).max() <= 1e-10 * np.abs(expected).max()
    # And its gradient by the input is fold of a product.
    dy = random.standard_normal(y.shape)
    parts = dy.reshape(*dy.shape[:-1], groups, filters)
    columns = np.einsum("...gf,tcgf->...tgc", parts, weights).reshape(*dy.shape[:-1], -1)
    folded = _core.fold(fn.tensor(columns), window, strides, pads, dilation, tuple(extents))
    back = _core.conv_backward_input(fn.tensor(dy), fn.tensor(kernel), *attributes, tuple(extents))
    assert np.abs(folded.numpy() - back.numpy()).max() <= 1e-10 * np.abs(back.numpy()).max()


def test_results_do_not_depend_on_threads():
    x = fn.tensor(RNG.standard_normal((3, 40, 41, 9)).astype("float32"))
    places = ((3, 4), (2, 1), (1, 1, 0, 2), (1, 2))
    y = _core.unfold(x, *places)
    same_for_threads(lambda: (_core.unfold(x, *places), _core.fold(y, *places, (40, 41))))


def test_extract_patches_are_the_windows():
    y = ops.extract_patches(IMAGES, (3, 2), strides=(2, 1)).numpy()
    assert y.shape == (2, 3, 5, 18)
    np.testing.assert_array_equal(y[1, 2, 3], IMAGES[1, 4:7, 3:5].ravel())
    np.testing.assert_array_equal(ops.extract_patches(IMAGES[0], 3).shape, (2, 2, 27))
    assert ops.extract_patches(np.arange(9, dtype="uint8").reshape(3, 3, 1), 2).dtype == "uint8"


def test_unfold_and_fold_have_the_order_of_pytorch():
    x = np.moveaxis(IMAGES, -1, 1)
    y = ops.unfold(x, (3, 2), stride=2).numpy()
    assert y.shape == (2, 18, 9)
    np.testing.assert_array_equal(y[0, :, 4], x[0, :, 2:5, 2:4].ravel())
    ones = ops.fold(ops.unfold(np.ones((1, 1, 3, 4)), 2), (3, 4), 2).numpy()
    np.testing.assert_array_equal(ones[0, 0], [[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.extract_patches(IMAGES, 9), "a window covers"),
        (lambda: ops.extract_patches(IMAGES, (1, 2, 3, 4)), "extract_patches: size is"),
        (lambda: ops.extract_patches(IMAGES[0, 0], 2), "extract_patches: images have shape"),
        (lambda: ops.extract_patches(IMAGES, 0), "extract_patches: size is 0"),
        (lambda: ops.unfold(IMAGES[0], 2), "unfold: x has shape"),
        (lambda: ops.unfold(IMAGES, 2, stride=0), "unfold: stride is 0"),
        (lambda: ops.unfold(IMAGES, 2, padding=-1), "unfold: padding is -1"),
        (lambda: ops.fold(IMAGES[0], (5, 5), 2), r"fold: x has shape .* expected \(batch, a mul"),
        (lambda: ops.fold(np.ones((1, 4, 5)), (3, 3), 2), "4, 4"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size, strides", [(2, None), ((3, 2), (2, 1)), (3, 1)])
def test_extract_patches_as_keras(size, strides, data_format, padding):
    import keras

    x = IMAGES.astype("float32")
    arguments = {"strides": strides, "padding": padding, "data_format": data_format}
    theirs = keras.ops.image.extract_patches(x, size, **arguments)
    np.testing.assert_allclose(ops.extract_patches(x, size, **arguments), theirs, rtol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("places", [(2, 1, 0, 1), ((3, 2), (1, 2), (2, 1), (2, 1)), (3, 2, 2, 3)])
def test_unfold_and_fold_as_pytorch(places):
    import torch

    x = np.ascontiguousarray(np.moveaxis(IMAGES, -1, 1))
    theirs = torch.nn.functional.unfold(torch.tensor(x), *places)
    ours = ops.unfold(x, *places)
    np.testing.assert_array_equal(ours, theirs.numpy())
    theirs = torch.nn.functional.fold(theirs, x.shape[2:], *places)
    np.testing.assert_allclose(ops.fold(ours, x.shape[2:], *places), theirs.numpy(), rtol=1e-12)
