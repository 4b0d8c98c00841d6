"""BatchNormalization: training, inference, moving statistics, masks, models."""

import numpy as np
import pytest
from keras_on_torch import gradients, host, leaf

import fastnn as fn
from fastnn import layers

rng = np.random.default_rng(0)
X = rng.normal(size=(6, 5, 4)) * 2 + 3


def built(axis=-1, **config):
    layer = layers.BatchNormalization(axis, dtype="float64", **config)
    layer.build(X.shape)
    channels = X.shape[axis]
    values = [rng.uniform(0.5, 2, channels) for _ in layer.weights]
    layer.set_weights(values)
    return layer, values


def shaped(value, axis):
    return np.expand_dims(value, [i for i in range(3) if i != axis % 3])


@pytest.mark.parametrize("axis", [-1, 1])
def test_training_and_inference(axis):
    layer, (gamma, beta, mean, variance) = built(axis, momentum=0.9)
    other = tuple(i for i in range(3) if i != axis % 3)
    own = X.mean(other, keepdims=True), X.var(other, keepdims=True)

    def formula(mean, variance):
        return (X - mean) / np.sqrt(variance + 1e-3) * shaped(gamma, axis) + shaped(beta, axis)

    expected = formula(shaped(mean, axis), shaped(variance, axis))
    np.testing.assert_allclose(layer(X), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer(X, training=True), formula(*own), rtol=1e-12, atol=1e-12)
    moved = [0.9 * old + 0.1 * new.ravel() for old, new in zip((mean, variance), own, strict=True)]
    np.testing.assert_allclose(layer.moving_mean, moved[0], rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance, moved[1], rtol=1e-12)
    layer.trainable = False
    frozen = formula(*(shaped(value, axis) for value in moved))
    np.testing.assert_allclose(layer(X, training=True), frozen, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.moving_mean, moved[0], rtol=1e-12)


@pytest.mark.parametrize("config", [{}, {"center": False}, {"scale": False}])
@pytest.mark.parametrize("training", [True, False])
def test_gradient_and_configuration(config, training):
    layer, _ = built(**config)
    assert fn.gradcheck(lambda x: layer(x, training=training), (X,))
    twin = layers.BatchNormalization.from_config(layer.get_config())
    twin.build(X.shape)
    assert [w.shape for w in twin.weights] == [w.shape for w in layer.weights]
    assert twin.get_config() == layer.get_config()
    names = [w.name for w in layer.weights]
    assert names[-2:] == ["moving_mean", "moving_variance"]
    assert len(layer.trainable_weights) == len(names) - 2


def test_masked_elements_do_not_count():
    layer, (gamma, beta, mean, _) = built(momentum=0.5)
    mask = rng.random(X.shape[:2]) < 0.6
    y = layer(X, training=True, mask=fn.tensor(mask))
    kept = X[mask]
    expected = (X - kept.mean(0)) / np.sqrt(kept.var(0) + 1e-3) * gamma + beta
    np.testing.assert_allclose(y, expected, rtol=1e-6)  # Keras adds 1e-7 to the count
    np.testing.assert_allclose(layer.moving_mean, 0.5 * (mean + kept.mean(0)), rtol=1e-6)
    with pytest.raises(ValueError, match=r"mask has shape \(6,\), expected \(6, 5\)"):
        layer(X, training=True, mask=fn.tensor(mask[:, 0]))


def model_of(**compiled):
    fn.utils.set_random_seed(4)
    model = fn.Sequential(
        [
            layers.Dense(16),
            layers.BatchNormalization(momentum=0.8),
            layers.Activation("relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer=fn.optimizers.Adam(0.01), loss="binary_crossentropy", **compiled)
    return model


def test_a_model_learns_replays_and_is_saved(tmp_path):
    x = rng.normal(size=(70, 8)).astype("float32") * 3 + 5
    y = (x[:, :1] > 5).astype("float32")
    model = model_of()
    losses = model.fit(x, y, epochs=15, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    eager = model_of(run_eagerly=True)
    eager.fit(x, y, epochs=15, batch_size=16, verbose=0)
    for a, b in zip(model.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (model.layers[1].moving_mean.numpy() != 0).all()
    before = model.layers[1].get_weights()
    prediction = model.predict(x, verbose=0)
    for a, b in zip(before, model.layers[1].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.save(tmp_path / "model.safetensors")
    again = fn.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(x, verbose=0), prediction)


def test_momentum_may_change_between_fits():
    x = rng.normal(size=(64, 3)).astype("float32") + 2
    model = fn.Sequential([layers.BatchNormalization(momentum=1.0), layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, x[:, :1], epochs=3, batch_size=32, verbose=0)
    assert model.layers[0].moving_mean.tolist() == [0, 0, 0]
    model.layers[0].momentum = 0.0
    model.fit(x, x[:, :1], epochs=1, batch_size=64, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.layers[0].moving_mean, x.mean(0), rtol=1e-5)


def test_messages():
    with pytest.raises(ValueError, match="renorm and synchronized are not available"):
        layers.BatchNormalization(renorm=True)
    with pytest.raises(ValueError, match="axis 3 is outside an input of shape"):
        layers.BatchNormalization(3)(X)


@pytest.mark.parity
@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_as_keras(axis, training, masked):
    import keras

    x, dy = X.astype("float32"), rng.normal(size=X.shape).astype("float32")
    mask = rng.random(X.shape[:2]) < 0.6 if masked else None
    theirs, ours = (m.layers.BatchNormalization(axis) for m in (keras, fn))
    theirs.build(x.shape)
    ours.build(x.shape)
    values = [rng.uniform(0.5, 2, x.shape[axis]).astype("float32") for _ in range(4)]
    ours.set_weights(values)
    theirs.set_weights(values)
    given = leaf(x)
    y = theirs(given, training=training, mask=mask)
    grads = gradients([y], [dy], [given, *(w.value for w in theirs.weights[:2])])
    tensor = fn.tensor(x, requires_grad=True)
    result = ours(tensor, training=training, mask=None if mask is None else fn.tensor(mask))
    result.backward(dy)
    results = [result, *ours.weights[2:], tensor.grad, *(w.grad for w in ours.weights[:2])]
    expected = [host(y), *(host(w.value) for w in theirs.weights[2:]), *grads]
    for a, b in zip(results, expected, strict=True):
        assert np.abs(np.asarray(a) - b).max() <= 1e-5 * np.abs(b).max()
