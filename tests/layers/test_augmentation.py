"""RandomRotation and the other layers that change images: draws, values, recording, files."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

RNG = np.random.default_rng(0)
IMAGES = (RNG.random((6, 7, 9, 3)) * 255).astype("float32")
RANDOM = {
    "RandomRotation": {"factor": 0.2},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": (-0.1, 0.4)},
    "RandomZoom": {"height_factor": 0.3},
    "RandomShear": {"x_factor": 0.3, "y_factor": (0.1, 0.2)},
    "RandomFlip": {},
    "RandomContrast": {"factor": 0.5},
    "RandomBrightness": {"factor": 0.3},
    "RandomGrayscale": {},
    "RandomCrop": {"height": 4, "width": 5},
}
CASES = [pytest.param(name, config, id=name) for name, config in RANDOM.items()]


def of(name, **more):
    return getattr(layers, name)(**RANDOM[name], **more)


@pytest.mark.parametrize("name, config", CASES)
def test_what_all_random_layers_do(name, config):
    layer = of(name, seed=3)
    out = (4, 5) if name == "RandomCrop" else (7, 9)
    first, second = (layer(IMAGES, training=True).numpy() for _ in range(2))
    assert first.shape == (6, *out, 3) and not np.array_equal(first, second)
    for twin in (of(name, seed=3), type(layer).from_config(layer.get_config())):
        np.testing.assert_array_equal(twin(IMAGES, training=True), first)
        assert {**twin.get_config(), "name": layer.name} == layer.get_config()
    np.testing.assert_array_equal(of(name, seed=3)(IMAGES), first)  # called alone it trains
    others = [of(name, seed=seed)(IMAGES).numpy() for seed in (4, 5, 6)]
    assert any(not np.array_equal(other, first) for other in others)
    if name != "RandomCrop":
        np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
        each = of(name, seed=3)(IMAGES[:1].repeat(6, 0)).numpy()
        assert len(np.unique(each.reshape(6, -1), axis=0)) > 1  # every image has its own draw
    swapped = of(name, seed=3, data_format="channels_first")
    moved = swapped(np.moveaxis(IMAGES, -1, 1), training=True).numpy()
    np.testing.assert_array_equal(np.moveaxis(moved, 1, -1), first)
    assert swapped.compute_output_shape((None, 3, 7, 9)) == (None, 3, *out)
    assert layer.compute_output_shape((None, 7, 9, 3)) == (None, *out, 3)
    one = of(name, seed=3)(IMAGES[0], training=True)
    np.testing.assert_array_equal(one, of(name, seed=3)(IMAGES[:1], training=True)[0])
    for training in (True, False):
        assert layer(IMAGES.astype("uint8"), training=training).dtype == "float32"
    assert layer(np.zeros((0, 7, 9, 3)), training=True).shape == (0, *out, 3)
    assert [v.shape for v in layer.variables] == [(2,)] and layer.weights == []
    with pytest.raises(ValueError, match="must have 3 or 4 axes, its shape is"):
        layer(IMAGES[0, 0])


def test_the_global_seed_repeats_the_draws():
    drawn = []
    for _ in range(2):
        fn.utils.set_random_seed(5)
        drawn.append(layers.RandomRotation(0.3)(IMAGES).numpy())
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("name, config", CASES)
def test_the_bits_do_not_depend_on_threads(name, config):
    results = []
    for threads in (1, 2, 3):
        with fn.num_threads(threads):
            results.append(of(name, seed=4)(IMAGES.repeat(20, 0), training=True).numpy())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("name, config", CASES)
def test_recorded_steps_draw_anew_with_the_bits_of_eager_ones(name, config):
    recorded, eager = of(name, seed=1), of(name, seed=1)
    recorded.build(IMAGES.shape)
    eager.build(IMAGES.shape)

    step = fn.capture(lambda x: recorded(x, training=True))
    seen = []
    for _ in range(7):
        seen.append(step(IMAGES).numpy())
        np.testing.assert_array_equal(seen[-1], eager(IMAGES, training=True))
    assert " replays " in step.explain()
    assert len({image.tobytes() for image in seen[3:]}) > 1


def augmented():
    return fn.Sequential(
        [
            fn.Input((8, 8, 3)),
            layers.Rescaling(2.0, -1.0),
            layers.RandomRotation(15 / 360, fill_mode="constant"),
            layers.RandomTranslation(0.1, 0.1),
            layers.RandomZoom(0.1, 0.2, fill_mode="nearest"),
            layers.RandomShear(0.1, (0.0, 0.1), fill_mode="wrap"),
            layers.RandomFlip("horizontal"),
            layers.RandomContrast(0.1, (-1, 1)),
            layers.RandomBrightness(0.1, (-1, 1)),
            layers.RandomGrayscale(0.2),
            layers.RandomCrop(6, 6),
            layers.CenterCrop(5, 5),
            layers.Resizing(4, 4),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )


def test_fit_replays_with_the_bits_of_eager_steps_and_files_keep_the_model(tmp_path):
    x = RNG.random((64, 8, 8, 3)).astype("float32")
    y = (x[:, :, :, 0].mean((1, 2)) > x[:, :, :, 1].mean((1, 2))).astype("int32")
    models = []
    for eager in (False, True):
        fn.utils.set_random_seed(1)
        model = augmented()
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
        model.fit(x, y, batch_size=16, epochs=4, verbose=0)
        models.append(model)
    for a, b in zip(models[0].variables, models[1].variables, strict=True):
        np.testing.assert_array_equal(a, b)
    steps = models[0]._records.steps.values()
    assert " replays " in "".join(step.explain() for _, step in steps)
    models[0].save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    want = models[0].predict(x, verbose=0)
    np.testing.assert_array_equal(models[0].predict(x, verbose=0), want)  # nothing is drawn
    np.testing.assert_array_equal(again.predict(x, verbose=0), want)
    configurations = [[layer.get_config() for layer in m.layers] for m in (again, models[0])]
    assert configurations[0] == configurations[1]
    np.testing.assert_array_equal(again(x, training=True), models[0](x, training=True))


# ---- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [1, 2, 3, -1])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_quarter_turns(turns, interpolation):
    share = turns / 4
    layer = layers.RandomRotation((share, share), "constant", interpolation, dtype="float64")
    for size in (8, 9):
        x = RNG.random((2, size, size, 2))
        got = layer(x).numpy()[:, 1:-1, 1:-1]
        np.testing.assert_allclose(got, np.rot90(x, turns, (1, 2))[:, 1:-1, 1:-1], atol=1e-12)


def ramp(height, width):
    """An image whose channels are its rows and columns: results tell where they are from."""
    return np.stack(np.mgrid[:height, :width].astype("float64"), -1)[None]


MANY = 4000
# The mean of n draws from a range is off by more than 5 of its deviations once in two million runs.
FIVE = 5 / np.sqrt(12 * MANY)


def is_uniform(draws, low, high):
    width = high - low
    assert low - 1e-9 <= draws.min() < low + 0.01 * width
    assert high - 0.01 * width < draws.max() <= high + 1e-9
    assert abs(draws.mean() - (low + high) / 2) < FIVE * width
    assert abs(np.median(draws) - (low + high) / 2) < 4 * FIVE * width


def drawn(layer, height=9, width=11):
    """Where the pixels around the middle of each result come from, [many, 3, 3, (row, column)]."""
    y = layer(ramp(height, width).repeat(MANY, 0)).numpy()
    return y[:, height // 2 - 1 : height // 2 + 2, width // 2 - 1 : width // 2 + 2]


def test_draws_of_angles():
    right = drawn(layers.RandomRotation((-0.1, 0.3), seed=1, dtype="float64"))[:, 1, 2] - [4, 5]
    is_uniform(np.arctan2(right[:, 0], right[:, 1]) / (2 * np.pi), -0.1, 0.3)
    np.testing.assert_allclose(np.hypot(*right.T), 1, rtol=1e-9)
    right = drawn(layers.RandomRotation(15 / 360, seed=1, dtype="float64"))[:, 1, 2] - [4, 5]
    is_uniform(np.degrees(np.arctan2(*right.T)), -15, 15)


def test_draws_of_shifts():
    middle = drawn(layers.RandomTranslation(0.2, (-0.25, 0.1), seed=1, dtype="float64"))[:, 1, 1]
    is_uniform((4 - middle[:, 0]) / 9, -0.2, 0.2)
    is_uniform((5 - middle[:, 1]) / 11, -0.25, 0.1)
    assert abs(np.corrcoef(middle.T)[0, 1]) < 5 / np.sqrt(MANY)


def test_draws_of_zooms():
    both = drawn(layers.RandomZoom((-0.5, 0.25), 0.1, seed=1, dtype="float64"))
    zoom = both[:, 2, 2] - both[:, 1, 1]
    is_uniform(zoom[:, 0], 0.5, 1.25)
    is_uniform(zoom[:, 1], 0.9, 1.1)
    assert abs(np.corrcoef(zoom.T)[0, 1]) < 5 / np.sqrt(MANY)
    same = drawn(layers.RandomZoom(0.5, seed=1, dtype="float64"))
    zoom = same[:, 2, 2] - same[:, 1, 1]
    np.testing.assert_allclose(zoom[:, 0], zoom[:, 1], atol=1e-9)
    np.testing.assert_allclose(same[:, 1, 1], np.full((MANY, 2), [4, 5]), atol=1e-9)


def test_draws_of_slants():
    places = drawn(layers.RandomShear(0.2, (0.05, 0.1), seed=1, dtype="float64"))
    is_uniform((places[:, 1, 1] - places[:, 0, 1])[:, 1], -0.2, 0.2)
    down = (places[:, 1, 1] - places[:, 1, 0])[:, 0]
    is_uniform(np.abs(down), 0.05, 0.1)
    assert abs((down > 0).mean() - 0.5) < 5 / np.sqrt(4 * MANY)


@pytest.mark.parametrize(
    "mode, axes", [("horizontal", 2), ("vertical", 1), ("horizontal_and_vertical", (1, 2))]
)
def test_flips_half_of_the_images(mode, axes):
    x = RNG.random((MANY, 2, 3, 1)).astype("float32")
    y = layers.RandomFlip(mode, seed=1)(x).numpy()
    flipped = (y == np.flip(x, axes)).all((1, 2, 3))
    np.testing.assert_array_equal(y[~flipped], x[~flipped])
    assert abs(flipped.mean() - 0.5) < 5 / np.sqrt(4 * MANY)


def test_colours():
    x = RNG.random((MANY, 3, 4, 3)) * 0.2 + 0.4
    y = layers.RandomContrast((0.2, 0.6), (0, 1), seed=1, dtype="float64")(x).numpy()
    mean = x.mean((1, 2), keepdims=True)
    factor = ((y - mean) / (x - mean)).reshape(MANY, -1)
    np.testing.assert_allclose(factor, factor[:, :1].repeat(36, 1), rtol=1e-6)
    is_uniform(factor[:, 0], 0.8, 1.6)
    y = layers.RandomContrast(0.5, (0, 1), seed=1, dtype="float64")(x).numpy()
    is_uniform(((y - mean) / (x - mean))[:, 0, 0, 0], 1, 1.5)  # of one number, as in Keras
    assert layers.RandomContrast((0.6, 0.2)).factor == (0.2, 0.6)
    y = layers.RandomBrightness((-0.1, 0.3), (0, 2), seed=1, dtype="float64")(x).numpy()
    added = (y - x).reshape(MANY, -1)
    np.testing.assert_allclose(added, added[:, :1].repeat(36, 1), atol=1e-12)
    is_uniform(added[:, 0], -0.2, 0.6)
    for layer in (layers.RandomContrast(1.0, (0.45, 0.5)), layers.RandomBrightness(1, (0.45, 0.5))):
        y = layer(x).numpy()
        assert y.min() == np.float32(0.45) and y.max() == 0.5
    y = layers.RandomGrayscale(0.3, seed=1, dtype="float64")(x).numpy()
    gray = (y != x).any((1, 2, 3))
    assert abs(gray.mean() - 0.3) < 5 * np.sqrt(0.21 / MANY)
    luminance = x[gray] @ [0.2989, 0.587, 0.114]
    np.testing.assert_allclose(y[gray], luminance[..., None].repeat(3, -1), rtol=1e-12)


def test_random_crop_is_a_window_and_every_window_comes():
    x = ramp(5, 7).repeat(3, 0)
    layer = layers.RandomCrop(3, 4, seed=1, dtype="float64")
    corners = set()
    for _ in range(200):
        y = layer(x).numpy()
        top, left = y[0, 0, 0].astype(int)
        corners.add((top, left))
        np.testing.assert_array_equal(y, x[:, top : top + 3, left : left + 4])
    assert corners == {(top, left) for top in range(3) for left in range(4)}
    middle = layers.Resizing(3, 4, crop_to_aspect_ratio=True, dtype="float64")
    np.testing.assert_array_equal(layer(x, training=False), middle(x))
    large = layers.RandomCrop(6, 8, dtype="float64")
    expected = layers.Resizing(6, 8, crop_to_aspect_ratio=True, dtype="float64")(x)
    np.testing.assert_array_equal(large(x, training=True), expected)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: layers.RandomRotation(2), "RandomRotation: factor must be a number from -1 to 1"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), r"or two of them, got \(0.1, 0.2, 0.3\)"),
        (lambda: layers.RandomRotation(float("nan")), "got nan"),
        (lambda: layers.RandomRotation("0.1"), "got '0.1'"),
        (lambda: layers.RandomRotation(None), "got None"),
        (lambda: layers.RandomRotation(0.1, "mirror"), "fill_mode is 'mirror', expected one of"),
        (lambda: layers.RandomRotation(0.1, interpolation="cubic"), "interpolation is 'cubic'"),
        (lambda: layers.RandomRotation(0.1, data_format="NHWC"), "data_format is 'NHWC'"),
        (lambda: layers.RandomTranslation(0, 1.5), "width_factor must be a number from -1 to 1"),
        (lambda: layers.RandomZoom((-1, 0)), "height_factor must be above -1"),
        (lambda: layers.RandomShear(-0.1), "x_factor must be a number from 0 to 1"),
        (lambda: layers.RandomFlip("both"), "mode is 'both'"),
        (lambda: layers.RandomContrast(-0.1), "factor must be a number from 0 to 1"),
        (lambda: layers.RandomBrightness(0.1, (1, 0)), "value_range must be two ascending"),
        (lambda: layers.RandomGrayscale(1.5), "factor must be a number from 0 to 1"),
        (lambda: layers.RandomGrayscale()(IMAGES[..., :2]), "3 channels"),
        (lambda: layers.RandomCrop(0, 3), "RandomCrop: height must be a positive integer"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- against Keras -------------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize(
    "name, arguments",
    [
        ("RandomRotation", {"factor": (0.07, 0.07)}),
        ("RandomRotation", {"factor": (-0.3, -0.3), "fill_mode": "wrap"}),
        ("RandomTranslation", {"height_factor": (0.15, 0.15), "width_factor": (-0.3, -0.3)}),
        ("RandomZoom", {"height_factor": (0.3, 0.3), "fill_mode": "constant", "fill_value": 7.0}),
        ("RandomZoom", {"height_factor": (-0.4, -0.4), "width_factor": (0.1, 0.1)}),
        ("RandomZoom", {"height_factor": (0.2, 0.2), "interpolation": "nearest"}),
        ("RandomBrightness", {"factor": (0.2, 0.2)}),
    ],
)
def test_as_keras_where_nothing_is_left_to_chance(name, arguments):
    import keras

    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    want = np.asarray(theirs(IMAGES, training=True))
    # Places are off by some rounding of numbers up to 9, colours differ by up to 255.
    np.testing.assert_allclose(ours(IMAGES, training=True), want, atol=255 * 9 * 2.0**-22)
    same = {k: v for k, v in theirs.get_config().items() if k not in ("name", "dtype")}
    assert {k: ours.get_config()[k] for k in same} == {
        k: tuple(v) if isinstance(v, list) else v for k, v in same.items()
    }


@pytest.mark.jax
@pytest.mark.parity
def test_contrast_as_keras_with_its_draws():
    import keras

    layer = keras.layers.RandomContrast(0.5, seed=1)
    draws = layer.get_random_transformation(IMAGES, training=True)
    theirs = np.asarray(layer.transform_images(IMAGES, draws))
    ours = layers.RandomContrast(0.5)
    ours._drawn = lambda limits, images: fn.tensor(np.ravel(draws["contrast_factor"]))
    np.testing.assert_allclose(ours(IMAGES), theirs, atol=1e-3, rtol=1e-5)
