"""Layers over spatial axes: pooling, padding, cropping, upsampling, and those that move axes."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

rng = np.random.default_rng(0)
EXTENTS = (7, 6, 5)
CASES = [
    *(
        (f"{kind}Pooling{rank}D", {"pool_size": size, "strides": strides, "padding": padding})
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
        for size, strides, padding in ((2, None, "valid"), (3, 2, "same"))
    ),
    *(
        (f"Global{kind}Pooling{rank}D", {"keepdims": keepdims})
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
        for keepdims in (False, True)
    ),
    ("ZeroPadding1D", {"padding": (0, 2)}),
    ("ZeroPadding1D", {"padding": 2}),
    ("ZeroPadding2D", {"padding": (1, 2)}),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}),
    ("ZeroPadding3D", {}),
    ("Cropping1D", {"cropping": (1, 2)}),
    ("Cropping2D", {"cropping": 1}),
    ("Cropping2D", {"cropping": ((1, 0), (2, 0))}),
    ("Cropping3D", {}),
    ("UpSampling1D", {"size": 3}),
    ("UpSampling2D", {"size": (2, 3)}),
    ("UpSampling2D", {"interpolation": "bilinear"}),
    ("UpSampling3D", {}),
    ("Permute", {"dims": (2, 1)}),
    ("RepeatVector", {"n": 3}),
]
FIXED = ("Cropping1D", "UpSampling1D", "Permute", "RepeatVector")  # Keras: one data format
FORMATS = ("channels_last", "channels_first")


def rank_of(name):
    return {"Permute": 1, "RepeatVector": 0}.get(name) or (int(name[-2]) if name[-1] == "D" else 0)


def input_of(name, dtype="float64"):
    return rng.normal(size=(2, *EXTENTS[: rank_of(name)], 4)).astype(dtype)


def first(x):
    return np.moveaxis(x, -1, 1) if x.ndim > 2 else x


@pytest.mark.parametrize("name, config", CASES)
@pytest.mark.parametrize("data_format", FORMATS)
def test_shape_gradient_and_configuration(name, config, data_format):
    if data_format == "channels_first":
        if name in ("Permute", "RepeatVector"):
            pytest.skip("these know no channels")
        config = {**config, "data_format": data_format}
    kind = getattr(layers, name)
    layer, x = kind(dtype="float64", **config), input_of(name)
    expected = layer(x)
    if data_format == "channels_first":
        last = {**config, "data_format": "channels_last"}
        expected = first(np.asarray(kind(dtype="float64", **last)(x)))
        x = np.ascontiguousarray(first(x))
    y = layer(x)
    # Means of up to 210 numbers of size 1, added in another order.
    np.testing.assert_allclose(y, expected, rtol=0, atol=210 * 2.0**-53)
    assert layer.compute_output_shape(x.shape) == y.shape
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *y.shape[1:])
    assert fn.gradcheck(layer, (x,))
    twin = kind.from_config(layer.get_config())
    np.testing.assert_array_equal(twin(x), y)
    assert twin.get_config() == layer.get_config()


def test_values():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    assert layers.MaxPooling2D()(x).numpy().ravel().tolist() == [5, 7, 13, 15]
    assert layers.AveragePooling2D(2)(x).numpy().ravel().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert layers.GlobalAveragePooling2D()(x).tolist() == [[7.5]]
    padded = layers.ZeroPadding2D(((1, 0), (0, 2)))(x).numpy()[0, ..., 0]
    np.testing.assert_array_equal(padded, np.pad(x[0, ..., 0], ((1, 0), (0, 2))))
    cropped = layers.Cropping2D(((1, 0), (0, 2)))(x).numpy()[0, ..., 0]
    np.testing.assert_array_equal(cropped, x[0, 1:, :2, 0])
    doubled = layers.UpSampling2D()(x).numpy()[0, ..., 0]
    np.testing.assert_array_equal(doubled, x[0, ..., 0].repeat(2, 0).repeat(2, 1))


def test_unknown_extents_stay_unknown():
    x = fn.Input((None, 8, 3))
    y = layers.MaxPooling2D(3, 2, "same")(layers.ZeroPadding2D(1)(x))
    assert y.shape == (None, None, 5, 3)
    assert layers.UpSampling2D(2)(layers.Cropping2D(1)(y)).shape == (None, None, 6, 3)
    assert layers.GlobalMaxPooling2D()(y).shape == (None, 3)


def test_the_mean_of_steps_heeds_a_mask():
    x = rng.normal(size=(2, 3, 4))
    mask = np.array([[True, True, False], [False, True, False]])
    y = layers.GlobalAveragePooling1D()(x, mask=fn.tensor(mask))
    expected = np.stack([x[0, :2].mean(0), x[1, 1]]).astype("float32")
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("data_format", FORMATS)
def test_spatial_dropout_drops_whole_channels(rank, data_format):
    layer = getattr(layers, f"SpatialDropout{rank}D")(0.5, data_format=data_format, seed=3)
    x = np.ones((8, *EXTENTS[:rank], 16), "float32")
    x = x if data_format == "channels_last" else np.ascontiguousarray(first(x))
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True).numpy()
    y = y if data_format == "channels_last" else np.moveaxis(y, 1, -1)
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[(slice(None), *(slice(0, 1),) * rank)]).all()
    assert 0.3 < (y == 0).mean() < 0.7
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()


def test_noise():
    x = np.full((1000, 100), 3.0, "float32")
    for layer, mean, std in (
        (layers.GaussianNoise(0.5, seed=1), 3, 0.5),
        (layers.GaussianDropout(0.2, seed=1), 3, 3 * 0.5),
    ):
        np.testing.assert_array_equal(layer(x), x)
        y = layer(x, training=True).numpy()
        assert abs(y.mean() - mean) < 4 * std / 300  # of 100,000 draws
        assert abs(y.std() - std) < 4 * std / 440
        assert (layer(x, training=True).numpy() != y).any()
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: layers.MaxPooling2D((2, 2, 2)), r"MaxPooling2D: pool_size is \(2, 2, 2\)"),
        (lambda: layers.MaxPooling2D(2, 0), "MaxPooling2D: strides is 0, expected an integer of 1"),
        (lambda: layers.MaxPooling2D(padding="full"), "MaxPooling2D: padding is 'full'"),
        (lambda: layers.MaxPooling2D(data_format="NHWC"), "MaxPooling2D: data_format is 'NHWC'"),
        (
            lambda: layers.MaxPooling2D(name="p")(np.ones((1, 4, 3))),
            "p: the input must have 4 axes",
        ),
        (lambda: layers.MaxPooling2D(5, name="p")(np.ones((1, 4, 4, 3))), "a window covers"),
        (
            lambda: layers.MaxPooling2D(5, name="p")(fn.Input((4, 4, 3))),
            r"p: a window covers \(5, 5\) elements but the input has spatial shape \(4, 4\)",
        ),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), r"ZeroPadding2D: padding is \(1, 2, 3\)"),
        (
            lambda: layers.ZeroPadding2D(-1),
            "ZeroPadding2D: padding is -1, expected an integer of 0",
        ),
        (lambda: layers.Cropping1D((2, 2), name="c")(np.ones((1, 4, 1))), "c: cropping .* leaves"),
        (lambda: layers.UpSampling2D(interpolation="cubic"), "UpSampling2D: interpolation is"),
        (lambda: layers.MaxPooling2D(True), "MaxPooling2D: pool_size is True, expected an integer"),
        (
            lambda: layers.ZeroPadding1D(2**63),
            "ZeroPadding1D: padding is 9223372036854775808, .* and at most 1099511627776",
        ),
        (lambda: layers.MaxPooling2D(name="p")([]), r"p: inputs: expected arrays .*, got \[\]"),
        (lambda: layers.Permute((1, 3)), "Permute: dims must be the numbers 1 to 2"),
        (lambda: layers.Permute((2, 1), name="p")(np.ones((2, 3))), "needs an input of 3 axes"),
        (lambda: layers.RepeatVector(0), "RepeatVector: n must be a positive integer"),
        (lambda: layers.GaussianNoise(2), "GaussianNoise: stddev must be a number from 0 to 1"),
        (lambda: layers.GaussianDropout(1), "GaussianDropout: rate must be a number from 0"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize("name, config", CASES)
@pytest.mark.parametrize("data_format", FORMATS)
def test_as_keras(name, config, data_format):
    import keras

    x = input_of(name, "float32")
    if data_format == "channels_first":
        if name in FIXED:
            pytest.skip("Keras has no data_format there")
        config, x = {**config, "data_format": data_format}, np.ascontiguousarray(first(x))
    theirs, ours = (getattr(m, name)(**config) for m in (keras.layers, layers))
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5, atol=1e-6)
    assert ours.compute_output_shape(x.shape) == tuple(theirs.compute_output_shape(x.shape))
    own, other = ours.get_config(), theirs.get_config()
    for key in set(own) & set(other) - {"dtype", "name"}:
        assert np.array_equal(own[key], other[key]), key
