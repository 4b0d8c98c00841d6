"""Layer, RMS, group and unit normalization: weights, messages; Keras's gradients.

Values are compared with formulas in tests/ops/test_ops_normalization.py.
"""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers, ops

X = np.random.default_rng(0).standard_normal((3, 4, 6))
CASES = [
    (layers.LayerNormalization, {}, [(6,), (6,)]),
    (layers.LayerNormalization, {"axis": [2, 1]}, [(4, 6), (4, 6)]),
    (layers.LayerNormalization, {"axis": 1, "center": False}, [(4,)]),
    (layers.LayerNormalization, {"scale": False}, [(6,)]),
    (layers.LayerNormalization, {"rms_scaling": True}, [(6,)]),
    (layers.RMSNormalization, {}, [(6,)]),
    (layers.RMSNormalization, {"axis": [1, 2]}, [(4, 6)]),
    (layers.UnitNormalization, {}, []),
    (layers.UnitNormalization, {"axis": [2, 1]}, []),
    (layers.GroupNormalization, {"groups": 3}, [(6,), (6,)]),
    (layers.GroupNormalization, {"groups": 2, "axis": 1}, [(4,), (4,)]),
    (layers.GroupNormalization, {"groups": -1, "scale": False}, [(6,)]),
]


@pytest.mark.parametrize("kind, config, shapes", CASES)
def test_weights_gradient_and_configuration(kind, config, shapes):
    layer = kind(dtype="float64", **config)
    layer.build(X.shape)
    assert [w.shape for w in layer.weights] == shapes
    random = np.random.default_rng(1)
    layer.set_weights([random.uniform(0.5, 2, shape) for shape in shapes])
    assert fn.gradcheck(layer, (X,))
    twin = kind.from_config(layer.get_config())
    twin.build(X.shape)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(X), layer(X))
    assert layer.compute_output_shape((None, 4, 6)) == (None, 4, 6)


def test_defaults_are_those_of_keras():
    x = X.astype("float32")
    np.testing.assert_array_equal(
        layers.LayerNormalization()(x), ops.layer_normalization(x, epsilon=1e-3)
    )
    np.testing.assert_array_equal(
        layers.RMSNormalization()(x), ops.rms_normalization(x, epsilon=1e-6)
    )
    wide = np.random.default_rng(2).standard_normal((2, 64)).astype("float32")
    np.testing.assert_array_equal(
        layers.GroupNormalization()(wide), ops.group_normalization(wide, 32, epsilon=1e-3)
    )


@pytest.mark.parametrize("axis", [-1, 1, (0, 2)])
def test_unit_normalization(axis):
    expected = X / np.sqrt((X * X).sum(axis, keepdims=True))
    np.testing.assert_allclose(layers.UnitNormalization(axis, dtype="float64")(X), expected, 1e-12)
    assert not layers.UnitNormalization(axis)(np.zeros(X.shape)).numpy().any()


def test_a_model_with_normalization_learns_and_is_saved(tmp_path):
    x = np.random.default_rng(3).standard_normal((64, 8)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    model = fn.Sequential(
        [
            layers.Dense(16, activation="relu"),
            layers.LayerNormalization(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy")
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    model.save(tmp_path / "model.safetensors")
    again = fn.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_messages():
    with pytest.raises(TypeError, match="axis must be an integer or several, got '1'"):
        layers.LayerNormalization(axis="1")
    with pytest.raises(ValueError, match="axis 3 is outside an input of shape"):
        layers.LayerNormalization(axis=3)(X)
    with pytest.raises(ValueError, match="axis 1 of the input must have a known extent"):
        layers.RMSNormalization(axis=1)(layers.Input((None, 4)))
    with pytest.raises(ValueError, match="groups must be a positive integer or -1, got 0"):
        layers.GroupNormalization(0)
    with pytest.raises(ValueError, match="the input has 6 channels, expected a multiple of"):
        layers.GroupNormalization(4)(X)
    with pytest.raises(TypeError, match="axis must be an integer or several, got 'x'"):
        layers.UnitNormalization("x")
    with pytest.raises(ValueError, match="axis 3 is outside an input of shape"):
        layers.UnitNormalization(3)(X)
    layer = layers.GroupNormalization(2)
    layer(X)
    with pytest.raises(ValueError, match="axis -1 of the input must be 6"):
        layer(np.ones((3, 4, 5)))


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:__array__ implementation", "ignore:You passed")
@pytest.mark.parametrize("kind, config, shapes", CASES)
def test_gradients_as_keras(kind, config, shapes):
    import jax
    import keras

    x = X.astype("float32")
    dy = np.random.default_rng(4).standard_normal(X.shape).astype("float32")
    ours, theirs = kind(**config), getattr(keras.layers, kind.__name__)(**config)
    theirs.build(x.shape)
    ours.build(x.shape)
    random = np.random.default_rng(5)
    values = [random.uniform(0.5, 2, shape).astype("float32") for shape in shapes]
    ours.set_weights(values)

    def loss(values, x):
        return (theirs.stateless_call(values, [], x)[0] * dy).sum()

    expected, dx = jax.grad(loss, argnums=(0, 1))(values, x)
    tensor = fn.tensor(x, requires_grad=True)
    ours(tensor).backward(dy)
    pairs = [(tensor.grad, dx), *zip([w.grad for w in ours.weights], expected, strict=True)]
    for a, b in pairs:
        b = np.asarray(b)
        assert np.abs(np.asarray(a) - b).max() <= 1e-5 * np.abs(b).max()
