"""Sequential: building, adding and removing layers, messages; and against Keras."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


def data(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype("float32")


def net(module=fn, **options):
    return module.Sequential(
        [
            module.Input((4,)),
            module.layers.Dense(3, activation="relu"),
            module.layers.Dropout(0.5),
            module.layers.Dense(2, activation="softmax"),
        ],
        **options,
    )


def by_hand(model, x):
    w1, b1, w2, b2 = model.get_weights()
    z = np.maximum(x @ w1 + b1, 0) @ w2 + b2
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def test_values_and_training():
    model = net()
    x = data(6, 4)
    np.testing.assert_allclose(model(x), by_hand(model, x), rtol=1e-5)
    assert model(x)._logits is not None
    assert not np.allclose(model(x, training=True), model(x))
    np.testing.assert_array_equal(model(x), model(x, training=False))


def test_gradients_reach_all_weights():
    model = net()
    fn.ops.sum(model(data(6, 4)) ** 2).backward()
    assert all(v.grad is not None for v in model.weights)


def test_built_by_input():
    model = net()
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert [layer.name for layer in model.layers] == [x.name for x in model.layers]
    assert len(model.layers) == 3  # the Input is not among them
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2


@pytest.mark.parametrize("how", ["call", "build", "input_shape", "input_dim"])
def test_built_otherwise(how):
    first = {"input_shape": {"input_shape": (4,)}, "input_dim": {"input_dim": 4}}.get(how, {})
    model = fn.Sequential([layers.Dense(3, **first), layers.Dense(2)], name="late")
    if how in ("call", "build"):
        assert not model.built
        assert model.weights == []
        with pytest.raises(AttributeError, match="has no symbolic outputs yet"):
            model.outputs  # noqa: B018
        model(data(5, 4)) if how == "call" else model.build((None, 4))
    assert model.built
    assert model.output_shape == (None, 2)
    assert [v.path.split("/")[0] for v in model.weights] == ["late"] * 4
    assert model(data(7, 4)).shape == (7, 2)


def test_add_and_pop():
    model = fn.Sequential([fn.Input((4,))])
    model.add(layers.Dense(3))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    last = model.pop()
    assert last.units == 2
    assert model.output_shape == (None, 3)
    assert len(model.weights) == 2
    model.add(layers.Dense(5))
    assert model(data(1, 4)).shape == (1, 5)
    while model.layers:
        model.pop()
    with pytest.raises(ValueError, match="there is no layer"):
        model.pop()


def test_wrong_layers():
    dense = layers.Dense(2)
    with pytest.raises(ValueError, match="only layers can be added, got 3 of type int"):
        fn.Sequential([3])
    with pytest.raises(ValueError, match="a layer is named"):
        fn.Sequential([dense, dense])
    with pytest.raises(ValueError, match="an Input must be the first layer"):
        fn.Sequential([dense, fn.Input((2,))])
    with pytest.raises(ValueError, match="kernel has shape"):
        built = layers.Dense(2)
        built.build((None, 7))
        fn.Sequential([fn.Input((3,)), built])


def test_wrong_data():
    model = net(name="net")
    with pytest.raises(ValueError, match=r"net: input .* has shape \(2, 5\), expected \(None, 4\)"):
        model(data(2, 5))
    with pytest.raises(ValueError, match="has shape"):
        model(data(2, 4, 4))
    assert model(data(2, 4, 1)).shape == (2, 2)  # a last axis of 1 goes, as in Keras
    assert model(np.ones((2, 4), "int64")).shape == (2, 2)


def test_nested():
    inner = net()
    model = fn.Sequential([inner, layers.Dense(1)])
    assert model.built
    assert model.input_shape == (None, 4)
    assert len(model.weights) == 6
    x = data(3, 4)
    w, b = model.layers[1].get_weights()
    np.testing.assert_allclose(model(x), by_hand(inner, x) @ w + b, rtol=1e-5)
    assert not np.allclose(model(x, training=True), model(x))


def test_features_of_a_layer():
    model = net()
    features = fn.Model(model.inputs, model.layers[0].output)
    w, b = model.get_weights()[:2]
    x = data(3, 4)
    np.testing.assert_allclose(features(x), np.maximum(x @ w + b, 0), rtol=1e-5)


def test_trainable_false():
    model = net(trainable=False)
    assert model.trainable_weights == []
    model.trainable = True
    assert len(model.trainable_weights) == 4


def test_several_inputs_at_the_first_layer():
    model = fn.Sequential([layers.Add(), layers.Dense(2)])
    assert model([data(3, 4), data(3, 4)]).shape == (3, 2)


def test_config_round_trip():
    model = net(name="x")
    again = fn.Sequential.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(data(3, 4)), model(data(3, 4)))
    clone = fn.models.clone_model(model)
    assert [w.shape for w in clone.get_weights()] == [w.shape for w in model.get_weights()]
    again = fn.models.model_from_json(model.to_json())
    assert again.get_config() == model.get_config()
    unbuilt = fn.Sequential([layers.Dense(3)])
    assert not fn.Sequential.from_config(unbuilt.get_config()).built


@pytest.mark.jax
@pytest.mark.parity
def test_as_keras():
    import keras

    ours, theirs = net(), net(keras)
    ours.set_weights(theirs.get_weights())
    x = data(6, 4)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5)
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    assert len(ours.variables) == len(theirs.variables)
    assert [tuple(v.shape) for v in ours.variables] == [tuple(v.shape) for v in theirs.variables]
    assert ours.count_params() == theirs.count_params()
    assert len(ours.layers) == len(theirs.layers)


@pytest.mark.jax
@pytest.mark.parity
def test_reads_keras_configuration():
    import keras

    theirs = net(keras)
    ours = fn.models.model_from_json(theirs.to_json())
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(data(3, 4)), np.asarray(theirs(data(3, 4))), rtol=1e-5)


def test_a_model_cannot_be_a_layer_of_itself():
    inner = fn.Sequential([fn.Input((2,)), fn.layers.Dense(2)])
    outer = fn.Sequential([fn.Input((2,)), inner])
    for added in (inner, outer):
        with pytest.raises(ValueError, match="a model cannot be a layer of itself"):
            inner.add(added)
    assert inner.predict(np.ones((3, 2)), verbose=0).shape == (3, 2)
