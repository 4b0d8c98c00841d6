"""Activations by name: against formulas in float64, and values and gradients as Keras's."""

import inspect

import numpy as np
import pytest
from keras_on_torch import gradients, host, leaf

import fastnn as fn
from fastnn import activations

# No kink of any function lies on it: there libraries choose different slopes.
X = np.random.default_rng(0).uniform(-8, 8, (5, 24))


def relu(x, slope, limit, threshold):
    return np.where(x > threshold, np.minimum(x, limit), slope * (x - threshold))


@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize("limit", [None, 4.0])
@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_relu_with_constants(slope, limit, threshold):
    def ours(x):
        return activations.relu(x, slope, limit, threshold)

    want = relu(X, slope, np.inf if limit is None else limit, threshold)
    np.testing.assert_allclose(ours(X), want, rtol=1e-15)
    assert fn.gradcheck(ours, (X,))


@pytest.mark.parametrize("axis", [-1, 0])
def test_sparsemax_is_the_nearest_point_of_the_simplex(axis):
    x = X / 4
    y = np.moveaxis(activations.sparsemax(x, axis).numpy(), axis, -1)
    x = np.moveaxis(x, axis, -1)
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-14)
    assert (y >= 0).all() and ((y > 0).sum(-1) > 1).any()
    # What makes it nearest: x - y is one number where y > 0, and no larger elsewhere.
    shift = np.max(x - y, axis=-1, keepdims=True)
    np.testing.assert_allclose(np.where(y > 0, x - y, shift), np.broadcast_to(shift, x.shape))
    assert fn.gradcheck(lambda x: activations.sparsemax(x, axis), (X / 4,))


@pytest.mark.parametrize("name", ["celu", "squareplus", "tanh_shrink", "sparse_plus"])
def test_a_layer_with_an_activation_of_any_name_is_configured_and_trained(name):
    layer = fn.layers.Activation(name)
    config = layer.get_config()
    assert config["activation"] == name
    x = X.astype("float32")
    again = fn.layers.Activation.from_config(config)
    np.testing.assert_array_equal(again(x), getattr(activations, name)(x))
    model = fn.Sequential([fn.Input((24,)), fn.layers.Dense(8), again, fn.layers.Dense(1)])
    model.compile("adam", "mse")
    losses = model.fit(x, x[:, 0], epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


NAMES = [
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh", "tanh_shrink",
]  # fmt: skip
CASES = [(name, {}) for name in NAMES] + [
    ("threshold", {"threshold": 1.0, "default_value": 9.0}),
    ("relu", {"max_value": 4.0}),
    ("relu", {"max_value": 6.0, "threshold": 1.0, "negative_slope": 0.25}),
    ("relu", {"max_value": 4.0, "threshold": -1.0}),
    ("relu", {"negative_slope": 0.1, "threshold": -1.0}),
    ("elu", {"alpha": 2.0}),
    ("celu", {"alpha": 2.0}),
    ("gelu", {"approximate": True}),
    ("leaky_relu", {"negative_slope": 0.5}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {"axis": 0}),
    ("glu", {"axis": 1}),
    ("squareplus", {"b": 1}),
]


@pytest.mark.parity
def test_all_names_and_arguments_of_keras():
    import keras

    theirs = {
        name: function
        for name, function in vars(keras.activations).items()
        if inspect.isfunction(function) and name not in ("deserialize", "get", "serialize")
    }
    assert set(theirs) == {*NAMES, "threshold", "sparsemax"}
    for name, function in theirs.items():
        ours = inspect.signature(activations.get(name)).parameters.values()
        given = inspect.signature(function).parameters.values()
        assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in given], name


@pytest.mark.parity
@pytest.mark.parametrize("name, arguments", CASES)
def test_values_and_gradients_as_keras(name, arguments):
    """Not sparsemax: Keras 3.15's on JAX sums to less than 1 where several results are positive."""
    import keras

    x = X.astype("float32")
    theirs = getattr(keras.activations, name)
    given = leaf(x)
    want = theirs(given, **arguments)
    dy = np.random.default_rng(1).standard_normal(tuple(want.shape)).astype("float32")
    tensor = fn.Variable(x)
    y = activations.get(name)(tensor, **arguments)
    np.testing.assert_allclose(y, host(want), rtol=1e-5, atol=1e-6)
    y.backward(dy)
    (dx,) = gradients([want], [dy], [given])
    assert np.abs(tensor.grad - dx).max() <= 1e-5 * np.abs(dx).max()


@pytest.mark.parametrize("value", [None, "0.5", object()])
def test_constants_that_are_no_numbers(value):
    x = np.ones(3, np.float32)
    for call, what in [
        (lambda: activations.leaky_relu(x, value), "leaky_relu: negative_slope"),
        (lambda: activations.elu(x, value), "elu: alpha"),
        (lambda: activations.celu(x, value), "celu: alpha"),
        (lambda: activations.hard_shrink(x, value), "hard_shrink: threshold"),
        (lambda: activations.soft_shrink(x, value), "soft_shrink: threshold"),
        (lambda: activations.squareplus(x, value), "squareplus: b"),
        (lambda: activations.threshold(x, value, 0.0), "threshold: threshold"),
        (lambda: activations.threshold(x, 0.0, value), "threshold: default_value"),
        (lambda: activations.relu(x, negative_slope=value), "relu: negative_slope"),
        (lambda: activations.relu(x, 0.1, threshold=value), "relu: threshold"),
        (lambda: fn.layers.ELU(value), "ELU: alpha"),
    ]:
        with pytest.raises(TypeError, match=f"^{what} must be .*, got "):
            call()
    with pytest.raises(TypeError, match=r"^relu: max_value must be .*, got str"):
        activations.relu(x, max_value="6")
