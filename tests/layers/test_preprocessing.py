"""Resizing, CenterCrop, Rescaling, Normalization, CategoryEncoding, Discretization."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

rng = np.random.default_rng(0)
TABLE = rng.normal(3, 2, (50, 4)).astype("float32")
IMAGES = rng.random((2, 6, 9, 3)).astype("float32")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "name, config",
    [
        ("Resizing", {"height": 4, "width": 5}),
        ("Resizing", {"height": 4, "width": 5, "crop_to_aspect_ratio": True}),
        ("Resizing", {"height": 4, "width": 5, "pad_to_aspect_ratio": True, "fill_value": 1.0}),
        ("CenterCrop", {"height": 3, "width": 4}),
        ("CenterCrop", {"height": 8, "width": 4}),
    ],
)
def test_sizes(name, config, data_format):
    x = IMAGES if data_format == "channels_last" else np.moveaxis(IMAGES, -1, 1)
    layer = getattr(layers, name)(**config, data_format=data_format)
    y = layer(x)
    assert layer.compute_output_shape(x.shape) == y.shape
    assert layer.compute_output_shape((None, None, None, None))[0] is None
    np.testing.assert_array_equal(layer(x, training=True), y)
    np.testing.assert_allclose(layer(x[1]), y[1], rtol=1e-6)
    twin = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(twin(x), y)
    last = getattr(layers, name)(**config, data_format="channels_last")(IMAGES)
    np.testing.assert_array_equal(y if x is IMAGES else np.moveaxis(y, 1, -1), last)
    if name == "CenterCrop" and config["height"] == 3:
        np.testing.assert_array_equal(last, IMAGES[:, 1:4, 2:6])


def test_rescaling():
    x = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_allclose(layers.Rescaling(1 / 127.5, -1)(x), [[-1, -0.6, 1]], rtol=1e-6)
    layer = layers.Rescaling([1.0, 2.0, 4.0], offset=np.ones(3))
    assert layer(x).tolist() == [[1.0, 103.0, 1021.0]]
    assert layer.compute_output_shape((None, 3)) == (None, 3)
    twin = layers.Rescaling.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()


# ---- Normalization


@pytest.mark.parametrize("axis", [-1, 1, 0, (1, 2), (-1, 1), None])
def test_normalization_measures_its_features(axis):
    x = rng.normal(3, 2, (6, 5, 4)).astype("float32")
    layer = layers.Normalization(axis)
    layer.adapt(x)
    kept = () if axis is None else np.atleast_1d(axis) % 3
    others = tuple(i for i in range(3) if i not in kept)
    mean, variance = (f(x.astype("float64"), others, keepdims=True) for f in (np.mean, np.var))
    np.testing.assert_allclose(layer.mean, mean.squeeze(others), rtol=1e-6)
    np.testing.assert_allclose(layer.variance, variance.squeeze(others), rtol=1e-6)
    want = (x - mean) / np.sqrt(variance)
    np.testing.assert_allclose(layer(x), want, rtol=1e-4, atol=1e-5)
    assert [v.name for v in layer.weights] == ["mean", "variance", "count"]
    assert not layer.trainable_weights
    back = layers.Normalization(axis, invert=True)
    back.adapt(x)
    np.testing.assert_allclose(back(layer(x)), x, rtol=1e-4, atol=1e-5)


def test_normalization_adapts_to_batches_as_to_all_data_at_once():
    # A mean far above the deviation, in float32: sums of squares would lose the variance.
    x = (rng.normal(1e4, 1, (1000, 3))).astype("float32")
    whole, parts = layers.Normalization(), layers.Normalization()
    whole.adapt(x)
    parts.adapt((x[i : i + 70], None) for i in range(0, 1000, 70))
    for a, b in zip(whole.weights, parts.weights):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    np.testing.assert_allclose(parts.variance, x.astype("float64").var(0), rtol=1e-6)
    whole.adapt(x[:10])
    np.testing.assert_allclose(whole.mean, x[:10].astype("float64").mean(0), rtol=1e-6)
    whole.adapt([[1.0, 2.0, 3.0]])
    assert whole(np.array([[1.0, 2.0, 4.0]])).tolist()[0][:2] == [0.0, 0.0]  # deviation 0


def test_normalization_by_given_numbers():
    layer = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0])
    assert layer(np.array([[3.0, 5.0]])).tolist() == [[1.0, 1.0]] and layer.weights == []
    twin = layers.Normalization.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    np.testing.assert_array_equal(layers.Normalization()(TABLE), TABLE)
    with pytest.raises(ValueError, match="was given its mean"):
        layer.adapt(TABLE)


def test_given_numbers_belong_to_the_features():
    zeros = np.zeros((1, 2, 3))
    for axis, mean, want in (
        (1, [1.0, 2.0], [[1, 1, 1], [2, 2, 2]]),
        (-1, [1.0, 2.0, 3.0], [[1, 2, 3], [1, 2, 3]]),
        ((2, 1), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1, 2, 3], [4, 5, 6]]),
        ((1, 2), [[1.0], [2.0]], [[1, 1, 1], [2, 2, 2]]),
        (None, 3.0, [[3, 3, 3], [3, 3, 3]]),
    ):
        layer = layers.Normalization(axis, mean, np.full(np.shape(mean), 4.0))
        np.testing.assert_array_equal(layer(zeros)[0], np.divide(want, -2.0))
        twin = layers.Normalization.from_config(layer.get_config())
        np.testing.assert_array_equal(twin(zeros), layer(zeros))


def given(axis, mean, variance=1.0):
    return layers.Normalization(axis, mean, variance, name="n")


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: given(1, [0.0, 1.0])(IMAGES),
            r"n: mean has shape \(2,\), expected .* broadcasts to \(6,\), .* axis \(1,\)",
        ),
        (lambda: given(1, 0.0, [1.0, 2.0])(IMAGES), r"n: variance has shape \(2,\), expected"),
        (lambda: given(None, [1.0])(TABLE), r"n: mean has shape \(1,\), expected .* axis None"),
        (lambda: given(-1, "a"), "Normalization: mean must be a number or an array of numbers"),
        (lambda: given(-1, 0.0, [[1], [2, 3]]), "variance must be .* rows of equal length"),
        (lambda: given("a", 0.0), "axis must be an integer or several, got 'a'"),
        (lambda: layers.Normalization().adapt([[1.0], [2.0, 3.0]]), "adapt: data must be .* rows"),
        (lambda: layers.Normalization().adapt(np.array(["a"])), "adapt: data must be a number or"),
        (lambda: layers.Discretization(num_bins=2).adapt(["a"]), "adapt: data must be a number or"),
        (
            lambda: layers.CategoryEncoding(3, "count", name="c")(
                np.array([[1]]), count_weights=[[1], [2, 3]]
            ),
            "c: count_weights is a ragged list",
        ),
        (lambda: layers.Normalization(mean=1.0), "both or not at all"),
        (lambda: layers.Normalization(mean=1.0, variance=-1.0), "must not be negative"),
        (lambda: layers.Normalization(3).adapt(TABLE), "outside an input of 2 axes"),
        (lambda: layers.Normalization((1, -1)).adapt(TABLE), "given twice"),
        (lambda: layers.Normalization().build((None, None)), "must have a known extent"),
        (lambda: layers.Normalization().adapt(TABLE[:0]), "there is no data"),
        (lambda: layers.Normalization().adapt(iter([])), "there is no data"),
        (lambda: layers.Rescaling("a"), "scale must be a number"),
        (lambda: layers.Resizing(0, 3), "height must be a positive integer"),
        (lambda: layers.Resizing(3, 3, "cubic"), "interpolation is 'cubic'"),
        (lambda: layers.Resizing(3, 3, antialias=True), "antialias is not available"),
        (lambda: layers.Resizing(3, 3, "nearest", True, True), "only one of"),
        (lambda: layers.CenterCrop(3, 3)(TABLE), "must have 3 or 4 axes"),
        (lambda: layers.CategoryEncoding(), "num_tokens must be a positive integer"),
        (lambda: layers.CategoryEncoding(3, "int"), "output_mode is 'int'"),
        (lambda: layers.CategoryEncoding(3, sparse=True), "not available"),
        (
            lambda: layers.CategoryEncoding(3)(np.array([[1]]), count_weights=np.array([[1.0]])),
            "count_weights need output_mode 'count'",
        ),
        (lambda: layers.Discretization(), "one of bin_boundaries and num_bins"),
        (lambda: layers.Discretization([2.0, 1.0]), "must be ascending"),
        (lambda: layers.Discretization([1.0]).adapt(TABLE), "was given its bin_boundaries"),
        (lambda: layers.Discretization(num_bins=2).adapt([]), "there is no data"),
        (lambda: layers.Discretization(num_bins=0), "num_bins must be a positive integer"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_adapt_refuses_other_features_than_the_layer_has():
    layer = layers.Normalization()
    layer.adapt(TABLE)
    with pytest.raises(ValueError, match=r"has features \(3,\), the layer has \(4,\)"):
        layer.adapt(TABLE[:, :3])


# ---- classes


def test_nan_is_in_no_class():
    ids = np.array([[1.0, np.nan, 2.0, 1.0]])
    one = [[[0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0]]]
    for mode, expected in (("one_hot", one), ("multi_hot", [[0, 1, 1]]), ("count", [[0, 2, 1]])):
        assert layers.CategoryEncoding(3, mode)(ids).tolist() == expected


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("ids", [[0, 2], [[0, 2], [1, 1]], [[0], [2]], [[[0], [1]]]])
def test_category_encoding(mode, ids):
    ids = np.array(ids)
    layer = layers.CategoryEncoding(3, mode)
    one = np.eye(3)[ids]
    if mode == "one_hot":
        want = one[..., 0, :] if ids.ndim > 1 and ids.shape[-1] == 1 else one
    else:
        want = one.max(-2) if mode == "multi_hot" else one.sum(-2)
    y = layer(ids)
    assert y.dtype == "float32" and layer.compute_output_shape(ids.shape) == y.shape
    np.testing.assert_array_equal(y, want)
    assert (
        layers.CategoryEncoding.from_config(layer.get_config()).get_config() == layer.get_config()
    )


def test_counts_may_have_weights():
    layer = layers.CategoryEncoding(3, "count")
    for weights in ([[0.5, 2.0, 1.0]], np.array([[0.5, 2.0, 1.0]])):
        y = layer(np.array([[0, 1, 1]]), count_weights=weights)
        assert y.tolist() == [[0.5, 3.0, 0.0]]
    assert layer(np.array([[-1, 3, 1]])).tolist() == [[0.0, 1.0, 0.0]]


def test_discretization():
    x = np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, np.nan]])
    layer = layers.Discretization([0.0, 1.0, 2.0])
    assert layer(x).tolist() == [[0, 2, 3, 1], [1, 3, 2, 3]] and layer(x).dtype == "int32"
    for mode, shape in (("one_hot", (2, 4, 4)), ("multi_hot", (2, 4)), ("count", (2, 4))):
        vectors = layers.Discretization([0.0, 1.0, 2.0], output_mode=mode)
        other = layers.CategoryEncoding(4, mode)(layer(x))
        np.testing.assert_array_equal(vectors(x), other)
        assert vectors.compute_output_shape((2, 4)) == shape == other.shape


def test_discretization_chooses_bins_of_equal_numbers():
    layer = layers.Discretization(num_bins=4)
    with pytest.raises(RuntimeError, match="adapt"):
        layer(TABLE)
    # The example of Keras's documentation.
    layer.adapt(np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]))
    x = np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]])
    assert layer(x).tolist() == [[0, 2, 3, 1], [1, 3, 2, 1]]
    layer.adapt(np.append(TABLE, np.nan))
    counts = np.bincount(layer(TABLE).numpy().ravel())
    assert counts.tolist() == [50, 50, 50, 50]
    twin = layers.Discretization.from_config(layer.get_config())
    np.testing.assert_array_equal(twin(TABLE), layer(TABLE))
    assert twin.get_config() == layer.get_config()
    assert twin.num_bins == 4
    twin.adapt(TABLE * 2)  # also after it was read from a configuration
    np.testing.assert_allclose(twin.bin_boundaries, np.multiply(layer.bin_boundaries, 2))


def test_files_keep_what_was_adapted(tmp_path):
    scale, bins = layers.Normalization(), layers.Discretization(num_bins=5, output_mode="count")
    scale.adapt(TABLE)
    bins.adapt(TABLE)
    x = fn.Input((4,))
    y = layers.Concatenate()([scale(x), bins(x)])
    model = fn.Model(x, layers.Dense(1)(layers.Dense(3)(y)))
    model.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    np.testing.assert_array_equal(again.predict(TABLE, verbose=0), model.predict(TABLE, verbose=0))
    assert again.get_config() == model.get_config()


def test_a_recorded_step_follows_adapt():
    layer = layers.Normalization()
    layer.build((None, 4))
    step = fn.capture(lambda x: layer(x))
    for _ in range(5):
        np.testing.assert_array_equal(step(TABLE), TABLE)
    assert " replays " in step.explain()
    layer.adapt(TABLE)
    np.testing.assert_array_equal(step(TABLE), layer(TABLE))
    assert abs(float(step(TABLE).numpy().mean())) < 1e-5


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize(
    "name, config, x",
    [
        ("Resizing", {"height": 4, "width": 5, "crop_to_aspect_ratio": True}, IMAGES),
        ("CenterCrop", {"height": 3, "width": 4}, IMAGES),
        ("CenterCrop", {"height": 8, "width": 4}, IMAGES),
        ("Rescaling", {"scale": [1.0, 2.0, 0.5], "offset": -1}, IMAGES),
        ("Normalization", {}, TABLE),
        ("Normalization", {"axis": 1, "invert": True}, IMAGES),
        ("Normalization", {"mean": 3.0, "variance": 2.0}, TABLE),
        ("Normalization", {"axis": 2, "mean": [1.0] * 9, "variance": list(range(1, 10))}, IMAGES),
        ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, np.array([[0, 3, 3]])),
        ("Discretization", {"bin_boundaries": [0.0, 2.0, 4.0]}, TABLE),
    ],
)
def test_as_keras(name, config, x):
    import keras

    ours, theirs = getattr(layers, name)(**config), getattr(keras.layers, name)(**config)
    if name == "Normalization" and "mean" not in config:
        ours.adapt(x)
        theirs.adapt(x)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5, atol=1e-5)
    shape = (None, *x.shape[1:])
    assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))
    same = {k: v for k, v in theirs.get_config().items() if k not in ("name", "dtype", "sparse")}
    assert {k: ours.get_config()[k] for k in same} == same
