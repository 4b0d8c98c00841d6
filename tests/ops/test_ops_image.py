"""ops.image but for resize: against SciPy's formulas in NumPy, against Keras, messages."""

import numpy as np
import pytest

from fastnn import ops
from fastnn.ops.resampling import FILL_MODES, INTERPOLATIONS

rng = np.random.default_rng(0)
IDENTITY = np.array([1.0, 0, 0, 0, 1, 0, 0, 0])
IMAGES = rng.random((3, 6, 7, 2))
# How np.pad calls the fill modes.
PADDED = {"nearest": "edge", "wrap": "wrap", "mirror": "reflect", "reflect": "symmetric"}


def extended(x, mode, value, by):
    """The image with ``by`` more elements on every side of every axis."""
    if mode == "constant":
        return np.pad(x, by, constant_values=value)
    return np.pad(x, by, PADDED[mode])


def read(x, places, order, mode, value, by=60):
    """Elements of x at places [axes, n], from an extension that covers them all."""
    wide = extended(x, mode, value, by)
    places = places + by
    if order == 0:
        return wide[tuple((np.floor(places - by + 0.5) + by).astype(int))]
    below = np.floor(places).astype(int)
    total = 0
    for corner in np.ndindex(*(2,) * x.ndim):
        side = np.array(corner)[:, None]
        weight = np.where(side, places - below, 1 - (places - below)).prod(0)
        total = total + weight * wide[tuple(below + side)]
    return total


@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("shape", [(5,), (1,), (4, 6), (3, 1, 4)])
def test_map_coordinates_reads_an_endless_array(mode, order, shape):
    x = rng.random(shape)
    places = rng.uniform(-20, 25, (len(shape), 40))
    places[:, :8] = np.arange(-3, 5)  # where the elements are
    got = ops.image.map_coordinates(x, places.reshape(-1, 5, 8), order, mode, 0.7)
    assert got.shape == (5, 8)
    want = read(x, places, order, mode, 0.7)
    np.testing.assert_allclose(got.numpy().ravel(), want, rtol=1e-12, atol=1e-12)


def test_halves_are_rounded_away_from_zero():
    x = np.arange(1.0, 5.0)
    got = ops.image.map_coordinates(x, [[-0.5, 0.5, 1.5, 2.5, 3.5]], 0)
    assert got.tolist() == [0, 2, 3, 4, 0]


def test_places_that_are_no_numbers_or_far_away():
    x = np.arange(1.0, 5.0).astype("float32")
    far = [[np.nan, np.inf, -np.inf, 3e38, -3e38, 1e12]]
    for mode in FILL_MODES:
        nearest = ops.image.map_coordinates(x, far, 0, mode, 9.0).numpy()
        linear = ops.image.map_coordinates(x, far, 1, mode, 9.0).numpy()
        assert np.isnan(linear[0])
        if mode == "constant":
            assert (nearest == 9).all() and (linear[1:] == 9).all()
        else:
            assert ((nearest >= 1) & (nearest <= 4)).all()
            assert ((linear[3:] >= 1) & (linear[3:] <= 4)).all()


@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_affine_transform_is_its_formula(mode, interpolation):
    transform = IDENTITY + rng.normal(size=(3, 8)) * [0.4, 0.4, 3, 0.4, 0.4, 3, 0.02, 0.02]
    got = ops.image.affine_transform(IMAGES, transform, interpolation, mode, 0.7).numpy()
    y, x = np.mgrid[:6, :7].reshape(2, -1)
    for image, result, (a0, a1, a2, b0, b1, b2, c0, c1) in zip(IMAGES, got, transform):
        k = c0 * x + c1 * y + 1
        places = np.stack([(b0 * x + b1 * y + b2) / k, (a0 * x + a1 * y + a2) / k])
        for channel in range(2):
            order = int(interpolation == "bilinear")
            want = read(image[..., channel], places, order, mode, 0.7, by=120)
            np.testing.assert_allclose(result[..., channel].ravel(), want, rtol=1e-9, atol=1e-9)
    first = np.moveaxis(IMAGES, -1, 1)
    swapped = ops.image.affine_transform(
        first, transform, interpolation, mode, 0.7, data_format="channels_first"
    )
    np.testing.assert_array_equal(np.moveaxis(swapped, 1, -1), got)
    one = ops.image.affine_transform(IMAGES[1], transform[1], interpolation, mode, 0.7)
    np.testing.assert_array_equal(one, got[1])


def test_the_identity_keeps_the_bits():
    x = IMAGES.astype("float32")
    for mode in FILL_MODES:
        for interpolation in INTERPOLATIONS:
            same = ops.image.affine_transform(x, [IDENTITY] * 3, interpolation, mode)
            np.testing.assert_array_equal(same, x)


def test_pad_and_crop():
    image = ops.image
    want = np.pad(IMAGES, ((0, 0), (1, 2), (3, 0), (0, 0)))
    for arguments in (
        {"top_padding": 1, "bottom_padding": 2, "left_padding": 3, "right_padding": 0},
        {"top_padding": 1, "target_height": 9, "left_padding": 3, "target_width": 10},
        {"bottom_padding": 2, "target_height": 9, "right_padding": 0, "target_width": 10},
    ):
        np.testing.assert_array_equal(image.pad_images(IMAGES, **arguments), want)
        cropping = {name.replace("padding", "cropping"): n for name, n in arguments.items()}
        if "target_height" in cropping:
            cropping |= {"target_height": 6, "target_width": 7}
        np.testing.assert_array_equal(image.crop_images(want, **cropping), IMAGES)
    first = np.moveaxis(IMAGES, -1, 1)
    padded = image.pad_images(first, 1, 3, 2, 0, data_format="channels_first")
    np.testing.assert_array_equal(np.moveaxis(padded, 1, -1), want)
    np.testing.assert_array_equal(image.pad_images(IMAGES[0], 1, 3, 2, 0), want[0])


def test_rgb_to_grayscale():
    x = rng.random((2, 3, 4, 3))
    want = (x @ [0.2989, 0.587, 0.114])[..., None]
    np.testing.assert_allclose(ops.image.rgb_to_grayscale(x), want, rtol=1e-12)
    first = ops.image.rgb_to_grayscale(np.moveaxis(x, -1, 1), "channels_first")
    np.testing.assert_allclose(first, np.moveaxis(want, -1, 1), rtol=1e-12)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda i: i.affine_transform(IMAGES, np.zeros((2, 8))), r"expected \(3, 8\)"),
        (lambda i: i.affine_transform(IMAGES, IDENTITY), r"transform has shape \(8,\)"),
        (lambda i: i.affine_transform(IMAGES[0, 0], IDENTITY), "expected 3 or 4 axes"),
        (lambda i: i.affine_transform(IMAGES, IDENTITY, "cubic"), "interpolation is 'cubic'"),
        (lambda i: i.affine_transform(IMAGES, IDENTITY, fill_mode="edge"), "fill_mode is 'edge'"),
        (lambda i: i.map_coordinates(IMAGES, np.zeros((2, 5)), 1), "a first axis of as many"),
        (lambda i: i.map_coordinates(IMAGES, np.zeros((4, 5)), 3), "order is 3, expected 0 or 1"),
        (lambda i: i.map_coordinates([], [[0.0]], 1), "nothing can be read"),
        (lambda i: i.pad_images(IMAGES, 1, 2), "pad_images: exactly two are needed of top_padding"),
        (lambda i: i.pad_images(IMAGES, 1, 2, 3, 4, 9), "exactly two"),
        (lambda i: i.pad_images(IMAGES, -1, 0, 1, 0), "do not fit an extent of 6"),
        (lambda i: i.pad_images(IMAGES, 0.5, 0, 1, 0), "expected integers"),
        (lambda i: i.crop_images(IMAGES, 3, 0, 3, 0), "crop_images: .* do not fit an extent of 6"),
        (lambda i: i.crop_images(IMAGES, 0, 0, None, 0, 7), "do not fit"),
        (lambda i: i.crop_images(IMAGES[0, 0], 0, 0, 0, 0), "expected 3 or 4 axes"),
        (lambda i: i.rgb_to_grayscale(IMAGES), "3 channels"),
        (lambda i: i.resize(IMAGES, 2, "nearest", False, True, True), "only one of"),
        (lambda i: i.resize(IMAGES, 2, fill_mode="edge"), "fill_mode is 'edge'"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call(ops.image)


@pytest.mark.parity
@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_affine_transform_as_keras(mode, interpolation):
    import keras

    x = rng.random((2, 8, 11, 3)).astype("float32")
    # c0 and c1 are 0: Keras on JAX does not read them.
    spread = np.array([0.4, 0.4, 5, 0.4, 0.4, 5, 0, 0])
    transform = (IDENTITY + rng.normal(size=(2, 8)) * spread).astype("float32")
    arguments = (interpolation, mode, 0.7)
    theirs = np.asarray(keras.ops.image.affine_transform(x, transform, *arguments))
    ours = ops.image.affine_transform(x, transform, *arguments)
    # Places of up to 20 are rounded in another order.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=20 * 2.0**-22)


@pytest.mark.parity
def test_resize_that_keeps_the_ratio_and_the_rest_as_keras():
    import keras

    ours, theirs = ops.image, keras.ops.image
    x = rng.random((2, 6, 9, 3)).astype("float32")
    for size in ((4, 9), (5, 3)):
        for options in ({"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}):
            want = np.asarray(theirs.resize(x, size, **options, fill_value=0.5))
            got = ours.resize(x, size, **options, fill_value=0.5)
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    places = rng.uniform(-9, 12, (3, 50)).astype("float32")
    want = np.asarray(theirs.map_coordinates(x[0], places, 1, "mirror"))
    np.testing.assert_allclose(ours.map_coordinates(x[0], places, 1, "mirror"), want, atol=1e-5)
    np.testing.assert_allclose(
        ours.rgb_to_grayscale(x), np.asarray(theirs.rgb_to_grayscale(x)), rtol=1e-5
    )
    padding = {"top_padding": 1, "target_height": 9, "left_padding": 2, "right_padding": 1}
    np.testing.assert_array_equal(
        ours.pad_images(x, **padding), np.asarray(theirs.pad_images(x, **padding))
    )
    cropping = {"bottom_cropping": 1, "target_height": 3, "left_cropping": 2, "target_width": 5}
    np.testing.assert_array_equal(
        ours.crop_images(x, **cropping), np.asarray(theirs.crop_images(x, **cropping))
    )
