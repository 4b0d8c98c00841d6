"""Recurrent layers: the native call and the loop over a cell agree; models, states, messages.

tests/layers/test_recurrent_peers.py compares them with Keras and PyTorch, test_recurrent_papers.py
those that Keras lacks with formulas.
"""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6, 3)).astype("float32")
MASK = RNG.random((4, 6)) < 0.5
KINDS = (layers.SimpleRNN, layers.LSTM, layers.GRU)


@pytest.fixture(autouse=True)
def seeded():
    fn.utils.set_random_seed(0)


@fn.saving.register_keras_serializable("test")
def slow_tanh(x):
    """tanh by another name, so that no native call knows it."""
    return fn.activations.tanh(x)


MADE = {
    "SimpleRNN": lambda **o: layers.SimpleRNN(5, **o),
    "LSTM": lambda **o: layers.LSTM(5, **o),
    "GRU": lambda **o: layers.GRU(5, **o),
    "GRU, reset before": lambda **o: layers.GRU(5, reset_after=False, **o),
    "LSTM, step by step": lambda **o: layers.LSTM(5, activation="softsign", **o),
    "RNN": lambda dtype="float32", **o: layers.RNN(
        [layers.LSTMCell(4, dtype=dtype), layers.GRUCell(5, dtype=dtype)], **o
    ),
    "Bidirectional": lambda **o: layers.Bidirectional(layers.LSTM(5, **o)),
    "Bidirectional, two calls": lambda **o: layers.Bidirectional(
        layers.GRU(5, **o), backward_layer=layers.LSTM(5, go_backwards=True, **o)
    ),
    "PeepholeLSTM": lambda **o: layers.PeepholeLSTM(5, **o),
    "IRNN": lambda **o: layers.IRNN(5, gain=0.5, **o),
    "SCRN": lambda **o: layers.SCRN(5, 3, **o),
    "ClockworkRNN": lambda **o: layers.ClockworkRNN(6, (1, 2), **o),
}
every = pytest.mark.parametrize("make", MADE.values(), ids=MADE.keys())


@pytest.mark.parametrize("kind", [*KINDS, layers.PeepholeLSTM])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("flags", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}])
def test_the_native_call_and_the_loop_agree(kind, masked, flags):
    options = {"return_sequences": True, "return_state": True, "dtype": "float64", **flags}
    fast = kind(5, **options)
    slow = kind(5, activation=slow_tanh, **options)
    fast.build(X.shape)
    slow.build(X.shape)
    slow.set_weights(fast.get_weights())
    assert fast.cell.rule_for(False) and not slow.cell.rule_for(False)
    x = [fn.tensor(X.astype("float64"), requires_grad=True) for _ in range(2)]
    mask = MASK if masked else None
    results = [layer(x, mask=mask) for layer, x in zip((fast, slow), x)]
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    for result in results:
        sum(fn.ops.sum(y**2) for y in result).backward()
    pairs = [(x[0], x[1]), *zip(fast.weights, slow.weights)]
    for a, b in pairs:
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("back_first", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_both_directions_by_one_call_and_by_two_agree(kind, back_first, sequences):
    options = {"return_sequences": sequences, "return_state": True, "dtype": "float64"}

    def made(activation):
        first, second = (
            kind(5, activation=activation, go_backwards=back, **options)
            for back in (back_first, not back_first)
        )
        layer = layers.Bidirectional(first, None, backward_layer=second)
        layer.build(X.shape)
        return layer

    fast, slow = made("tanh"), made(slow_tanh)
    slow.set_weights(fast.get_weights())
    count = 4 if kind is layers.LSTM else 2
    states = [np.full((4, 5), 0.1 * (i + 1)) for i in range(count)]
    pairs = zip(fast(X, initial_state=states, mask=MASK), slow(X, initial_state=states, mask=MASK))
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    if sequences:
        mask = MASK[:, ::-1] if back_first else MASK
        for y in fast(X, initial_state=states, mask=MASK)[:2]:
            assert not y.numpy()[~mask].any() and y.numpy()[mask].all()


def test_a_call_is_one_primitive():
    """What a recorded prediction replays."""
    for layer in (layers.LSTM(5), layers.Bidirectional(layers.GRU(5, return_sequences=True))):
        step = fn.capture(lambda x, layer=layer: layer(x).detach())
        for _ in range(4):
            step(X)
        assert " replays 1 calls" in step.explain()


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_configuration(make, dtype):
    for flags in ({}, {"return_sequences": True}, {"return_state": True}):
        layer = make(dtype=dtype, **flags)
        outputs = fn.utils.tree.flatten(layer(X.astype(dtype), initial_state=None))
        symbols = fn.utils.tree.flatten(layer(fn.Input((None, 3), batch_size=4, dtype=dtype)))
        assert [tuple(6 if n is None else n for n in s.shape) for s in symbols] == [
            y.shape for y in outputs
        ]
        assert {y.dtype for y in outputs} == {s.dtype for s in symbols} == {dtype}
        twin = type(layer).from_config(layer.get_config())
        twin.build_from_config(layer.get_build_config())
        assert twin.get_config() == layer.get_config()
        twin.set_weights(layer.get_weights())
        for a, b in zip(fn.utils.tree.flatten(twin(X.astype(dtype))), outputs, strict=True):
            np.testing.assert_array_equal(a, b)


def replays(model):
    return sum(step.explain().count(" replays ") for _, step in model._records.steps.values())


@every
def test_fit_replays_its_steps_with_the_bits_of_eager_ones(make, tmp_path):
    x = RNG.standard_normal((64, 6, 3)).astype("float32")
    y = (x.sum(axis=(1, 2)) > 0).astype("int64")

    def trained(eager):
        fn.utils.set_random_seed(3)
        model = fn.Sequential([fn.Input((6, 3)), make(), layers.Dense(2, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
        return model, model.fit(x, y, batch_size=16, epochs=6, verbose=0).history["loss"]

    (model, losses), (eager, expected) = trained(False), trained(True)
    assert losses == expected and losses[-1] < losses[0]
    for a, b in zip(model.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    predictions = model.predict(x, batch_size=16, verbose=0)
    assert replays(model) == 2
    np.testing.assert_array_equal(model.predict(x, batch_size=16, verbose=0), predictions)
    np.testing.assert_array_equal(eager.predict(x, batch_size=16, verbose=0), predictions)
    model.save(tmp_path / "model.safetensors")
    again = fn.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(x, batch_size=16, verbose=0), predictions)
    lines = []
    again.summary(print_fn=lines.append)
    assert type(model.layers[0]).__name__ in "\n".join(map(str, lines))


@pytest.mark.parametrize("rates", [{"dropout": 0.3}, {"dropout": 0.3, "recurrent_dropout": 0.2}])
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_drawn_anew_in_replays(kind, rates):
    x = np.ones((40, 5, 3), "float32")

    def trained(eager):
        fn.utils.set_random_seed(3)
        model = fn.Sequential([fn.Input((5, 3)), kind(4, **rates), layers.Dense(1)])
        model.compile(fn.optimizers.SGD(0.0), "mse", run_eagerly=eager)
        history = model.fit(x, np.ones(40), batch_size=40, epochs=6, verbose=0).history
        return model, history["loss"]

    (model, losses), (_, expected) = trained(False), trained(True)
    assert losses == expected and len(set(losses)) == 6
    assert replays(model) == 1


def test_dropout_draws_anew_for_every_batch_and_not_in_inference():
    for kind in KINDS:
        for rates in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}):
            layer = kind(8, seed=1, **rates)
            first, second = layer(X, training=True), layer(X, training=True)
            assert not np.array_equal(first, second)
            np.testing.assert_array_equal(layer(X), layer(X, training=False))


def test_dropout_takes_the_same_features_at_all_steps():
    layer = layers.SimpleRNN(
        50, activation="linear", dropout=0.5, seed=1, return_sequences=True,
        kernel_initializer="identity", recurrent_initializer="zeros",
    )  # fmt: skip
    y = layer(np.ones((2, 6, 50), "float32"), training=True).numpy()
    assert {0.0, 2.0} == set(y.ravel().tolist())
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], 6, axis=1))
    assert not np.array_equal(y[0], y[1])


# ---- states


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
    before = model.predict(x[:4], batch_size=4, verbose=0)
    model.layers[0].reset_state()
    assert not np.array_equal(model.predict(x[:4], batch_size=4, verbose=0), before)


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


# ---- masks


def test_masks_travel():
    carried = fn.tensor(X)
    fn.layers.masks.set_mask(carried, fn.tensor(MASK))
    for layer in (layers.GRU(3), layers.Bidirectional(layers.LSTM(3)), layers.SCRN(3, 2)):
        np.testing.assert_array_equal(layer(carried), layer(X, mask=MASK))
    sequences = layers.LSTM(3, return_sequences=True, return_state=True)(carried)
    assert [y._mask is None for y in sequences] == [False, True, True]
    assert layers.LSTM(3)(carried)._mask is None
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode=None)(carried)
    assert all(y._mask is not None for y in both)
    dense = layers.Dense(2)(layers.GRU(3, return_sequences=True)(carried))
    np.testing.assert_array_equal(dense._mask, MASK)


class WithoutZeros(layers.Layer):
    """Masks the steps whose first feature is 0."""

    def compute_mask(self, inputs, previous_mask):
        return fn.ops.not_equal(inputs[:, :, 0], 0.0)

    def call(self, inputs):
        return inputs * 1.0


@every
def test_masks_in_fit(make):
    x = RNG.standard_normal((48, 6, 3)).astype("float32")
    x[:, :, 0] *= RNG.random((48, 6)) < 0.7
    y = x.sum(axis=(1, 2), keepdims=True)[:, 0]

    def trained(eager):
        fn.utils.set_random_seed(3)
        model = fn.Sequential(
            [fn.Input((6, 3)), WithoutZeros(), make(return_sequences=True), make(), layers.Dense(1)]
        )
        model.compile("adam", "mse", run_eagerly=eager)
        losses = model.fit(x, y, batch_size=16, epochs=4, verbose=0).history["loss"]
        return model, losses, model.predict(x, batch_size=16, verbose=0)

    (model, losses, found), (_, expected, eager) = trained(False), trained(True)
    assert losses == expected and replays(model) == 2
    np.testing.assert_array_equal(found, eager)
    moved = np.where(x[:, :, :1] == 0, x + 5.0 * (x != 0), x).astype("float32")
    assert not np.array_equal(moved, x)
    np.testing.assert_array_equal(model.predict(moved, batch_size=16, verbose=0), found)


def test_a_row_that_is_masked_throughout_has_zeros_as_output_and_keeps_its_state():
    mask = np.ones((4, 6), bool)
    mask[1] = False
    start = np.ones((4, 3), "float32")
    for activation in ("tanh", slow_tanh):
        y, h = layers.GRU(3, activation=activation, return_state=True)(
            X, initial_state=[start], mask=mask
        )
        assert not y.numpy()[1].any() and y.numpy()[0].any()
        np.testing.assert_array_equal(h.numpy()[1], start[1])
        np.testing.assert_array_equal(layers.GRU(3)(X, mask=mask.astype("int32")).numpy()[1], 0)


# ---- cells of one's own


@fn.saving.register_keras_serializable("test")
class Sum(layers.Layer):
    """h' = h + Dense(x), with a layer inside that is built when it is called."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size = units, units
        self.inner = layers.Dense(units, use_bias=False)

    def call(self, inputs, states):
        h = states[0] + self.inner(inputs)
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Bare:
    """A cell that is no layer."""

    state_size = (3, 3)
    output_size = 3

    def call(self, inputs, states):
        return states[0] + states[1], [states[0] + inputs, states[1] * 0.0 + 1.0]


def test_cells_of_ones_own(tmp_path):
    layer = layers.RNN(Sum(2), return_sequences=True)
    model = fn.Sequential([fn.Input((6, 3)), layer])
    kernel = model.get_weights()[0]
    np.testing.assert_allclose(model(X), np.cumsum(X @ kernel, axis=1), rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "model.safetensors")
    again = fn.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again(X), model(X))
    y = layers.RNN(Bare(), return_sequences=True)(X)
    np.testing.assert_allclose(y.numpy()[:, 2], X[:, :2].sum(axis=1) + 1, rtol=1e-6)
    both = layers.Bidirectional(layers.RNN(Sum(2)), "sum")
    both.build(X.shape)
    both.set_weights([kernel, kernel])
    np.testing.assert_allclose(both(X), 2 * (X @ kernel).sum(axis=1), rtol=1e-5, atol=1e-6)


def test_a_subclass_of_a_cell_is_called():
    class Doubled(layers.LSTMCell):
        def call(self, inputs, states, training=False):
            h, states = super().call(inputs, states, training)
            return h * 2.0, states

    plain, doubled = layers.RNN(layers.LSTMCell(3)), layers.RNN(Doubled(3))
    plain.build(X.shape)
    doubled.build(X.shape)
    doubled.set_weights(plain.get_weights())
    np.testing.assert_allclose(doubled(X), 2 * plain(X).numpy(), rtol=1e-5, atol=1e-6)


def test_weights_that_bidirectional_begins_with():
    values = [RNG.standard_normal(s).astype("float32") for s in [(3, 2), (2, 2), (2,)] * 2]
    layer = layers.Bidirectional(layers.SimpleRNN(2), weights=values)
    layer(X)
    for a, b in zip(layer.get_weights(), values, strict=True):
        np.testing.assert_array_equal(a, b)
    paths = [w.path.split("/")[1] for w in layer.weights]
    assert [path.split("_")[0] for path in paths] == ["forward"] * 3 + ["backward"] * 3


def test_layers_on_sequences():
    dense = layers.Dense(2)
    y = dense(X).numpy()
    np.testing.assert_array_equal(y[:, 2], dense(X[:, 2]))
    np.testing.assert_array_equal(layers.TimeDistributed(dense)(X), y)
    inner = fn.Sequential([layers.Dense(4, activation="relu"), layers.Dense(2)])
    model = fn.Sequential([fn.Input((None, 3)), layers.TimeDistributed(inner)])
    np.testing.assert_allclose(model(X).numpy()[:, 3], inner(X[:, 3]), rtol=1e-6)
    assert model.output_shape == (None, None, 2)
    inner = fn.Sequential([layers.BatchNormalization()])  # has statistics of each step
    y = layers.TimeDistributed(inner)(X, training=True).numpy()
    np.testing.assert_allclose(y.mean(axis=0), np.zeros((6, 3)), atol=1e-6)


# ---- what is refused


def test_nan_stays_in_its_row():
    x = X.copy()
    x[2, 3, 1] = np.nan
    for make in MADE.values():
        y = make()(x).numpy()
        assert np.isnan(y[2]).any() and not np.isnan(y[[0, 1, 3]]).any()


@every
def test_bad_inputs(make):
    layer = make(name="mine")
    with pytest.raises(ValueError, match="mine: the input must have the axes batch, steps and fea"):
        layer(X[:, 0])
    with pytest.raises(ValueError, match=r"mine: the input must have the axes .*None"):
        layer(fn.Input((5, None)))
    layer(X)
    with pytest.raises(ValueError, match="axis 2 of the input must be 3, its shape is"):
        layer(X[:, :, :2])
    with pytest.raises(ValueError, match=r"the input must have 3 axes, its shape is \(4, 3\)"):
        layer(X[:, 0])
    with pytest.raises(ValueError, match=r"mine: mask has shape \(4, 5\), expected \(4, 6\)"):
        layer(X, mask=MASK[:, :5])
    with pytest.raises(TypeError, match="mine: mask must be bool or integer, it is float32"):
        layer(X, mask=MASK.astype("float32"))
    with pytest.raises(ValueError, match=r"mine: the input has no steps, its shape is \(4, 0, 3\)"):
        layer(X[:, :0])
    with pytest.raises(ValueError, match=r"mine: initial_state has shape\(s\) .*\(4, 9\)"):
        layer(X, initial_state=[np.ones((4, 9), "float32")] * 4)
    with pytest.raises(ValueError, match="initial_state has shape"):
        layer(X, initial_state=[np.ones((3, 5), "float32")] * 2)
    with pytest.raises(ValueError, match="initial_state has shape"):
        layer(X, initial_state=np.float32(3))
    assert layer(X[:0]).shape[0] == 0


def test_a_stateful_layer_refuses_a_batch_of_another_size():
    layer = layers.LSTM(3, stateful=True, name="mine")
    layer(X)
    with pytest.raises(ValueError, match=r"mine: a stateful layer .* expected 4 rows, got 2"):
        layer(X[:2])
    model = fn.Sequential([fn.Input(batch_shape=(4, 6, 3)), layers.LSTM(3, stateful=True)])
    with pytest.raises(ValueError, match="4"):
        model.predict(np.concatenate([X, X[:2]]), batch_size=4, verbose=0)


def test_bad_arguments():
    for kind in (*KINDS, layers.LSTMCell):
        for units in (0, -1, 2.5, True, "3"):
            with pytest.raises(ValueError, match="units must be a positive integer, got"):
                kind(units)
        with pytest.raises(ValueError, match="activation"):
            kind(3, activation="nothing")
        with pytest.raises(ValueError, match=r"dropout must be a number from 0 to 1, got 1.5"):
            kind(3, dropout=1.5)
        with pytest.raises(ValueError, match=r"unexpected argument\(s\) gates"):
            kind(3, gates=2)
    with pytest.raises(ValueError, match="use_cudnn must be"):
        layers.LSTM(3, use_cudnn="yes")
    with pytest.raises(AttributeError, match="LSTM has no attribute 'nothing'"):
        _ = layers.LSTM(3).nothing
    with pytest.raises(ValueError, match="RNN: the cell must have call, got 3"):
        layers.RNN(3)
    with pytest.raises(ValueError, match="the cell must have state_size"):
        layers.RNN(layers.Dense(3))
    with pytest.raises(ValueError, match="cells must be a list of cells"):
        layers.RNN([])
    with pytest.raises(ValueError, match="Bidirectional: layer must be a recurrent layer"):
        layers.Bidirectional(layers.Dense(3))
    with pytest.raises(ValueError, match=r"merge_mode must be one of .*, got 'max'"):
        layers.Bidirectional(layers.GRU(3), merge_mode="max")
    with pytest.raises(ValueError, match="one of the layers must go backwards"):
        layers.Bidirectional(layers.GRU(3), backward_layer=layers.GRU(3))
    with pytest.raises(ValueError, match="return_state is False in the forward layer, True in the"):
        back = layers.GRU(3, return_state=True, go_backwards=True)
        layers.Bidirectional(layers.GRU(3), backward_layer=back)
    with pytest.raises(ValueError, match=r"RNN: dtype is float64, that of gru_cell.* is float32"):
        layers.RNN(layers.GRUCell(3), dtype="float64")
    with pytest.raises(ValueError, match="TimeDistributed: layer must be a layer, got 3"):
        layers.TimeDistributed(3)
    with pytest.raises(ValueError, match="the input must have the axes batch, steps and one more"):
        layers.TimeDistributed(layers.Dense(3))(X[:, 0])
    with pytest.raises(ValueError, match=r"mask has shape \(4, 5\), which must begin with \(4, 6"):
        layers.TimeDistributed(layers.Dense(3))(X, mask=MASK[:, :5])


def test_arguments_of_the_cell_cannot_be_set():
    layer = layers.LSTM(3)
    for name in ("units", "dropout", "recurrent_activation"):
        with pytest.raises(AttributeError, match=f"LSTM: {name} cannot be set; make a new layer"):
            setattr(layer, name, getattr(layer, name))
    layer.trainable = False
    assert not layer.trainable


def test_sizes_from_numpy():
    """As from ids.max() + 1; the kernels and a saved configuration get plain integers."""
    for layer in (
        layers.LSTM(np.int64(3)),
        layers.Dense(np.int32(3)),
        layers.Embedding(np.int64(7), np.int64(3)),
        layers.RepeatVector(np.int64(3)),
    ):
        sizes = [v for k, v in layer.get_config().items() if k in ("units", "output_dim", "n")]
        assert sizes == [3] and type(sizes[0]) is int
    for units in (0, -1, True, 2.0, None, np.bool_(True)):
        with pytest.raises(ValueError, match=r"LSTM(Cell)?: units must be a positive integer"):
            layers.LSTM(units)
