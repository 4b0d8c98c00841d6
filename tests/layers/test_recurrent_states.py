"""Recurrent layers: stateful ones, first states, and those of stacked cells."""

import numpy as np
import pytest
from recurrent_layers import MADE, X, every, replays, slow_tanh

import fastnn as fn
from fastnn import layers

pytestmark = pytest.mark.usefixtures("seeded")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", [name for name in MADE if "Bidirectional" not in name])
def test_stateful_batches_continue(name):
    make = MADE[name]
    whole = make(return_sequences=True)
    split = make(return_sequences=True, stateful=True)
    split.build(X.shape)
    whole.build(X.shape)
    split.set_weights(whole.get_weights())
    parts = [split(X[:, :2]), split(X[:, 2:])]  # 2: a whole turn of the clock
    np.testing.assert_allclose(np.concatenate(parts, 1), whole(X), rtol=1e-6, atol=1e-7)
    split.reset_state()
    np.testing.assert_array_equal(split(X[:, :2]), parts[0])
    assert not set(map(id, split.states)) & set(map(id, split.weights))


@every
def test_stateful_steps_are_replayed(make):
    x = RNG.standard_normal((32, 6, 3)).astype("float32")
    y = RNG.standard_normal((32, 1)).astype("float32")

    def trained(eager):
        fn.utils.set_random_seed(3)
        inputs = fn.Input(batch_shape=(4, 6, 3))
        model = fn.Sequential([inputs, make(stateful=True), layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=eager)
        options = {"batch_size": 4, "shuffle": False, "verbose": 0}
        losses = model.fit(x, y, epochs=2, **options).history["loss"]
        return model, losses, model.predict(x, batch_size=4, verbose=0)

    (model, *results), (eager, *expected) = trained(False), trained(True)
    assert results[0] == expected[0]
    np.testing.assert_array_equal(results[1], expected[1])
    assert replays(model) == 2
    for a, b in zip(fn.utils.tree.flatten(model.layers[0].states),
                    fn.utils.tree.flatten(eager.layers[0].states), strict=True):  # fmt: skip
        np.testing.assert_array_equal(a, b)
    plain = fn.Sequential([fn.Input(batch_shape=(4, 6, 3)), make(), layers.Dense(1)])
    plain.set_weights(model.get_weights())
    model.layers[0].reset_state()
    found = model.predict(x[:4], batch_size=4, verbose=0)
    np.testing.assert_array_equal(found, plain.predict(x[:4], batch_size=4, verbose=0))


def test_gradients_of_a_stateful_step_are_those_by_its_first_states():
    for activation in ("tanh", slow_tanh):
        layer = layers.GRU(3, activation=activation, stateful=True)
        twin = layers.GRU(3, activation=activation)
        layer(X)
        twin.build(X.shape)
        twin.set_weights(layer.get_weights())
        states = [fn.tensor(s.numpy().copy()) for s in layer.states]
        fn.ops.sum(layer(X) ** 2).backward()
        fn.ops.sum(twin(X, initial_state=states) ** 2).backward()
        for a, b in zip(layer.weights, twin.weights, strict=True):
            np.testing.assert_array_equal(a.grad, b.grad)


def test_symbolic_initial_states_and_an_encoder_with_a_decoder():
    source, target = fn.Input((None, 3)), fn.Input((None, 2))
    _, h, c = layers.LSTM(5, return_state=True)(source)
    y = layers.LSTM(5, return_sequences=True)(target, initial_state=[h, c])
    model = fn.Model([source, target], layers.Dense(1)(y))
    z = RNG.standard_normal((4, 2, 2)).astype("float32")
    encoder, decoder = (layer for layer in model.layers if isinstance(layer, layers.LSTM))
    _, h, c = encoder(X)
    expected = model.layers[-1](decoder(z, initial_state=[h, c]))
    np.testing.assert_array_equal(model([X, z]), expected)


def test_states_of_stacked_cells():
    layer = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_state=True)
    y, (h, c), g = layer(X)
    expected = layer(X[:, ::-1], initial_state=[[h, c], g])
    for a, b in zip(expected, layer(X[:, ::-1], initial_state=[h, c, g])):
        for left, right in zip(fn.utils.tree.flatten(a), fn.utils.tree.flatten(b), strict=True):
            np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(y, g)
    slow = layers.RNN([layers.LSTMCell(3, activation=slow_tanh), layers.GRUCell(2)])
    slow.build(X.shape)
    slow.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        slow(X[:, ::-1], initial_state=[[h, c], g]), expected[0], rtol=1e-5, atol=1e-6
    )


def test_a_stateful_layer_refuses_a_batch_of_another_size():
    layer = layers.LSTM(3, stateful=True, name="mine")
    layer(X)
    with pytest.raises(ValueError, match=r"mine: a stateful layer .* expected 4 rows, got 2"):
        layer(X[:2])
    model = fn.Sequential([fn.Input(batch_shape=(4, 6, 3)), layers.LSTM(3, stateful=True)])
    with pytest.raises(ValueError, match="4"):
        model.predict(np.concatenate([X, X[:2]]), batch_size=4, verbose=0)
