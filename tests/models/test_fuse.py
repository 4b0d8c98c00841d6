"""fuse: batch normalizations disappear into the layers before them; nothing else changes."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 9, 8, 3)).astype("float32")


def disturbed(model):
    """Weights that no initializer gives, variances positive."""
    model.set_weights([RNG.uniform(0.5, 1.5, w.shape).astype("float32") for w in model.weights])
    return model


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


CONVOLUTIONS = [
    lambda: layers.Conv2D(6, 3, groups=3),
    lambda: layers.Conv2D(6, 3, use_bias=False, padding="same"),
    lambda: layers.DepthwiseConv2D(3, depth_multiplier=2),
    lambda: layers.SeparableConv2D(5, 3),
    lambda: layers.Conv2DTranspose(5, 3, 2),
    lambda: layers.Dense(7),
]


@pytest.mark.parametrize("make", CONVOLUTIONS)
@pytest.mark.parametrize("scale", [True, False])
def test_results_stay(make, scale):
    steps = [
        layers.Input(X.shape[1:]),
        make(),
        layers.BatchNormalization(scale=scale, center=scale),
    ]
    model = disturbed(fn.Sequential([*steps, layers.Activation("tanh")]))
    before = [w.tobytes() for w in model.get_weights()]
    fused = fn.fuse(model)
    assert kinds(fused) == ["InputLayer", kinds(model)[0], "Activation"]
    expected = model.predict(X, verbose=0)
    np.testing.assert_allclose(fused.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-5)
    assert [w.tobytes() for w in model.get_weights()] == before
    assert kinds(model)[1] == "BatchNormalization"


def test_channels_first_is_folded_along_its_axis():
    steps = [
        layers.Input((3, 9, 8)),
        layers.Conv2D(6, 3, data_format="channels_first"),
        layers.BatchNormalization(axis=1),
    ]
    model, x = disturbed(fn.Sequential(steps)), np.moveaxis(X, -1, 1)
    fused = fn.fuse(model)
    assert kinds(fused) == ["InputLayer", "Conv2D"]
    np.testing.assert_allclose(fused(x), model(x), rtol=1e-5, atol=1e-5)


def test_what_cannot_be_folded_stays():
    image = layers.Input(X.shape[1:])
    shared = layers.Conv2D(3, 3, padding="same")
    active = layers.BatchNormalization()(
        layers.Conv2D(3, 3, padding="same", activation="relu")(image)
    )
    twice = layers.BatchNormalization()(shared(shared(image)))
    other_axis = layers.BatchNormalization(axis=1)(layers.Conv2D(3, 3, padding="same")(image))
    read_twice = layers.Conv2D(3, 3, padding="same")(image)
    normal = layers.BatchNormalization()(read_twice)
    y = layers.Add()([active, twice, other_axis, read_twice, normal, image])
    model = disturbed(fn.Model(image, [y, layers.BatchNormalization()(y)]))
    fused = fn.fuse(model)
    assert sorted(kinds(fused)) == sorted(kinds(model))
    for a, b in zip(fused(X), model(X), strict=True):
        np.testing.assert_array_equal(a, b)


class Doubled(layers.Conv2D):
    def call(self, inputs):
        return super().call(inputs) * super().call(inputs)


class Halved(layers.BatchNormalization):
    def call(self, inputs, training=False):
        return 0.5 * super().call(inputs, training=training)


def in_training(*layer):
    """A Sequential of them, called in training whatever the model around it does."""
    inner = fn.Sequential([*layer])
    return lambda x: inner(x, training=True)


@pytest.mark.parametrize(
    "steps",
    [
        [layers.Conv2D(3, 3), lambda x: layers.BatchNormalization()(x, training=True)],
        [in_training(layers.Conv2D(3, 3), layers.BatchNormalization())],
        [Doubled(3, 3), layers.BatchNormalization()],
        [layers.Conv2D(3, 3), Halved()],
        [layers.Maxout(3), layers.BatchNormalization()],
        [layers.Standout(3), layers.BatchNormalization()],
    ],
    ids=["training", "within", "convolution", "normalization", "maxout", "standout"],
)
def test_what_computes_something_else_is_not_folded(steps):
    y = image = layers.Input(X.shape[1:])
    for step in steps:
        y = step(y)
    model = disturbed(fn.Model(image, y))
    with fn.saving.custom_object_scope({"Doubled": Doubled, "Halved": Halved}):
        fused = fn.fuse(model)
    np.testing.assert_array_equal(fused(X), model(X))


def test_a_call_by_name_is_folded():
    image = layers.Input(X.shape[1:])
    y = layers.BatchNormalization()(inputs=layers.Conv2D(4, 3)(inputs=image), training=False)
    model = disturbed(fn.Model(image, y))
    fused = fn.fuse(model)
    assert kinds(fused) == ["InputLayer", "Conv2D"]
    np.testing.assert_allclose(fused(X), model(X), rtol=1e-5, atol=1e-5)


def test_branches_and_models_within_are_searched():
    image = layers.Input(X.shape[1:])
    block = fn.Sequential([layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization()])
    x = block(image)
    y = layers.BatchNormalization()(layers.Conv2D(3, 1)(x))
    model = disturbed(fn.Model(image, layers.Add()([x, y])))
    fused = fn.fuse(model)
    found = [type(layer).__name__ for layer in fused._flatten_layers()]
    assert "BatchNormalization" not in found and found.count("Conv2D") == 2
    np.testing.assert_allclose(fused(X), model(X), rtol=1e-5, atol=1e-4)


def test_a_model_that_cannot_be_taken_apart_is_refused():
    class Own(fn.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="must be a functional model or a built Sequential"):
        fn.fuse(Own())
    with pytest.raises(ValueError, match="must be a functional model or a built Sequential"):
        fn.fuse(fn.Sequential([layers.Dense(2)]))


def test_a_fused_model_is_saved(tmp_path):
    steps = [layers.Input(X.shape[1:]), layers.Conv2D(4, 3), layers.BatchNormalization()]
    fused = fn.fuse(disturbed(fn.Sequential(steps)))
    fused.save(tmp_path / "fused.fastnn")
    np.testing.assert_array_equal(fn.models.load_model(tmp_path / "fused.fastnn")(X), fused(X))
