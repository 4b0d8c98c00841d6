"""The layers one by one: values against NumPy, shapes, messages; and against Keras."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

# Of NumPy 2, about Keras's variables.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

generator = np.random.default_rng(0)


def data(*shape):
    return generator.standard_normal(shape).astype("float32")


ACTIVATIONS = {
    None: lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "silu": lambda z: z / (1 + np.exp(-z)),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_values_and_gradient(activation, shape, use_bias):
    layer = layers.Dense(3, activation=activation, use_bias=use_bias, dtype="float64")
    x = data(*shape).astype("float64")
    layer.build(x.shape)
    layer.set_weights([data(*v.shape) for v in layer.weights])
    kernel, *bias = (w.astype("float64") for w in layer.get_weights())
    want = ACTIVATIONS[activation](x @ kernel + (bias[0] if bias else 0))
    np.testing.assert_allclose(layer(x), want, rtol=1e-12)
    assert fn.gradcheck(layer, (x,))
    y = layer(x)
    if activation in ("sigmoid", "softmax"):
        np.testing.assert_allclose(y._logits, x @ kernel + (bias[0] if bias else 0), rtol=1e-12)
    y.backward(np.ones(y.shape))
    assert [v.grad.shape for v in layer.weights] == [v.shape for v in layer.weights]


def test_dense_messages():
    layer = layers.Dense(2)
    layer(data(3, 4))
    with pytest.raises(
        ValueError, match=r"kernel has shape \(4, 2\) but the input's last axis is 5"
    ):
        layer(data(3, 5))
    with pytest.raises(
        ValueError, match=r"kernel has shape \(4, 2\) but the input's last axis is 5"
    ):
        layer(layers.Input((5,)))
    for units in (0, -1, 2.5, "3", True, None):
        with pytest.raises(ValueError, match="units must be a positive integer"):
            layers.Dense(units)
    with pytest.raises(ValueError, match="two axes or more"):
        layers.Dense(2)(data(4))
    with pytest.raises(ValueError, match=r"unknown activation 'rellu'; known are .*relu"):
        layers.Dense(2, activation="rellu")


def test_dropout():
    layer = layers.Dropout(0.25, seed=3)
    x = np.ones((400, 500), "float32")
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True).numpy()
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.75], rtol=1e-6)
    assert abs((y == 0).mean() - 0.25) < 0.01
    assert not np.array_equal(y, layer(x, training=True))  # its own state moves on
    np.testing.assert_array_equal(y, layers.Dropout(0.25, seed=3)(x, training=True))
    rows = layers.Dropout(0.5, noise_shape=(None, 1), seed=1)(x, training=True).numpy()
    assert {tuple(np.unique(row)) for row in rows} == {(0.0,), (2.0,)}
    np.testing.assert_array_equal(layers.Dropout(1.0)(x, training=True), 0 * x)
    assert [v.shape for v in layer.variables] == [(2,)]
    assert layer.weights == []
    with pytest.raises(ValueError, match=r"rate must be a number from 0 to 1, got 1\.5"):
        layers.Dropout(1.5)
    with pytest.raises(ValueError, match="as many entries"):
        layers.Dropout(0.5, noise_shape=(1,))(x, training=True)


def test_dropout_seeds_follow_set_random_seed():
    drawn = []
    for _ in range(2):
        fn.utils.set_random_seed(5)
        drawn.append(layers.Dropout(0.5)(np.ones((4, 50)), training=True).numpy())
    np.testing.assert_array_equal(drawn[0], drawn[1])


def test_flatten_and_reshape():
    x = data(2, 3, 4)
    np.testing.assert_array_equal(layers.Flatten()(x), x.reshape(2, 12))
    np.testing.assert_array_equal(layers.Flatten()(x[:, 0, 0]), x[:, :1, 0])
    first = layers.Flatten(data_format="channels_first")(x)
    np.testing.assert_array_equal(first, x.transpose(0, 2, 1).reshape(2, 12))
    np.testing.assert_array_equal(layers.Reshape((4, -1))(x), x.reshape(2, 4, 3))
    assert layers.Reshape((-1,)).compute_output_shape((None, 3, 4)) == (None, 12)
    assert layers.Flatten().compute_output_shape((None, None, 4)) == (None, None)
    with pytest.raises(ValueError, match=r"12 elements, which do not fit target_shape \(5,\)"):
        layers.Reshape((5,))(x)
    with pytest.raises(ValueError, match="at most one -1"):
        layers.Reshape((-1, -1))


@pytest.mark.parametrize(
    "layer, function",
    [
        (layers.Add, lambda a, b: a + b),
        (layers.Subtract, lambda a, b: a - b),
        (layers.Multiply, lambda a, b: a * b),
        (layers.Maximum, np.maximum),
        (layers.Minimum, np.minimum),
        (layers.Average, lambda a, b: (a + b) / 2),
    ],
)
def test_merging(layer, function):
    a, b = data(2, 3), data(2, 1)
    np.testing.assert_allclose(layer()([a, b]), function(a, b), rtol=1e-6)
    assert layer().compute_output_shape([(None, 3), (None, 1)]) == (None, 3)
    with pytest.raises(ValueError, match="do not broadcast"):
        layer()([data(2, 3), data(2, 4)])
    with pytest.raises(ValueError, match="batch sizes differ"):
        layer()([data(2, 3), data(3, 3)])
    with pytest.raises(ValueError, match="a list of inputs is needed"):
        layer()(data(2, 3))


def test_concatenate():
    a, b = data(2, 3, 4), data(2, 5, 4)
    np.testing.assert_array_equal(layers.Concatenate(axis=1)([a, b]), np.concatenate([a, b], 1))
    assert layers.Concatenate().compute_output_shape([(None, 3), (None, 4)]) == (None, 7)
    assert layers.Concatenate().compute_output_shape([(None, None), (2, 4)]) == (2, None)
    with pytest.raises(ValueError, match="differ outside axis -1"):
        layers.Concatenate()([a, b])


def test_input():
    x = layers.Input((3, None), dtype="int32", name="ids")
    assert (x.shape, x.dtype, x.name) == ((None, 3, None), "int32", "ids")
    assert layers.Input(batch_shape=(2, 3)).shape == (2, 3)
    assert layers.Input((3,), batch_size=5).shape == (5, 3)
    with pytest.raises(ValueError, match="a shape is needed"):
        layers.Input()
    with pytest.raises(ValueError, match="expected a tuple of integers"):
        layers.Input(3)


KERAS_CASES = [
    ("Dense", {"units": 5, "activation": name}, [(7, 4)])
    for name in (
        None, "relu", "tanh", "sigmoid", "softmax", "elu", "selu", "gelu", "silu", "softplus",
        "softsign", "leaky_relu", "hard_sigmoid", "exponential", "mish", "log_softmax", "relu6",
    )
] + [
    ("Dense", {"units": 5, "use_bias": False}, [(2, 3, 4)]),
    ("Activation", {"activation": "swish"}, [(3, 4)]),
    ("Dropout", {"rate": 0.5}, [(3, 4)]),
    ("Flatten", {}, [(3, 4, 5)]),
    ("Flatten", {"data_format": "channels_first"}, [(3, 4, 5, 2)]),
    ("Reshape", {"target_shape": (5, -1)}, [(3, 4, 5)]),
    ("Add", {}, [(3, 4), (3, 4), (3, 1)]),
    ("Subtract", {}, [(3, 4), (3, 4)]),
    ("Multiply", {}, [(3, 4), (3, 4)]),
    ("Maximum", {}, [(3, 4), (3, 4)]),
    ("Minimum", {}, [(3, 4), (3, 4)]),
    ("Average", {}, [(3, 4), (3, 4), (3, 4)]),
    ("Concatenate", {"axis": 1}, [(3, 4, 2), (3, 5, 2)]),
    ("LayerNormalization", {}, [(3, 4)]),
    ("LayerNormalization", {"axis": [1, 2]}, [(3, 4, 5)]),
    ("LayerNormalization", {"axis": 1, "center": False}, [(3, 4, 5)]),
    ("RMSNormalization", {}, [(3, 4)]),
    ("GroupNormalization", {"groups": 2}, [(3, 5, 4)]),
    ("GroupNormalization", {"groups": 2, "axis": 1}, [(3, 4, 5)]),
]  # fmt: skip


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize("name, config, shapes", KERAS_CASES)
def test_as_keras(name, config, shapes):
    import keras

    ours, theirs = getattr(layers, name)(**config), getattr(keras.layers, name)(**config)
    x = [data(*shape) for shape in shapes]
    x = x[0] if len(x) == 1 else x
    theirs(x)
    ours(x)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    ours.set_weights([data(*w.shape) for w in theirs.get_weights()])
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5, atol=1e-6)
    batches = [(None, *shape[1:]) for shape in shapes]
    batches = batches[0] if len(batches) == 1 else batches
    assert ours.compute_output_shape(batches) == theirs.compute_output_shape(batches)
    same = {k: v for k, v in theirs.get_config().items() if not isinstance(v, dict)}
    same.pop("quantization_config", None)
    same["name"] = ours.name
    assert {k: v for k, v in ours.get_config().items() if k in same} == same


@pytest.mark.parametrize(
    ("kind", "masked", "expected"),
    [
        (layers.Multiply, (True, True), [10, 4, 3, 0]),
        (layers.Multiply, (True, False), [10, 4, 18, 7]),
        (layers.Multiply, (False, True), [10, 8, 3, 4]),
        (layers.Maximum, (True, True), [5, 4, 3, 4]),
        (layers.Maximum, (True, False), [5, 4, 6, 7]),
        (layers.Minimum, (True, True), [2, 4, 3, 4]),
        (layers.Minimum, (False, True), [2, 2, 3, 4]),
    ],
)
def test_masked_inputs_of_merging_layers(kind, masked, expected):
    """By Keras's rules; `test_masked_inputs_as_in_keras` asks it."""
    values, given = np.array([[2, 2, 3, 4], [5, 4, 6, 7]], np.float32), []
    kept = np.array([[1, 0, 1, 0], [1, 1, 0, 0]], bool)
    for i, has_mask in enumerate(masked):
        x = fn.tensor(values[i].reshape(1, 4, 1))
        if has_mask:
            fn.layers.masks.set_mask(x, fn.tensor(kept[i].reshape(1, 4)))
        given.append(x)
    found = kind()(given)
    assert found.numpy().ravel().tolist() == expected
    assert (found._mask is not None) == all(masked)


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize("name", ["Multiply", "Maximum", "Minimum"])
@pytest.mark.parametrize("masked", [(0, 1), (0,), (1,), (0, 2), (0, 1, 2)])
def test_masked_inputs_as_in_keras(name, masked):
    import keras

    random = np.random.default_rng(0)
    values = random.standard_normal((3, 2, 5, 3)).astype("float32")
    kept = random.random((3, 2, 5)) < 0.5
    ours = [fn.tensor(x) for x in values]
    theirs = [keras.ops.convert_to_tensor(x) for x in values]
    for i in masked:
        fn.layers.masks.set_mask(ours[i], fn.tensor(kept[i]))
        theirs[i]._keras_mask = keras.ops.convert_to_tensor(kept[i])
    expected = getattr(keras.layers, name)()(theirs)
    np.testing.assert_array_equal(getattr(layers, name)()(ours), np.asarray(expected))
