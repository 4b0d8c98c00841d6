"""ReLU, LeakyReLU, PReLU, ELU, Softmax, Maxout: formulas, messages; Keras."""

import numpy as np
import pytest
from keras_on_torch import gradients, host, leaf

import fastnn as fn
from fastnn import layers

RNG = np.random.default_rng(0)
X = RNG.uniform(-3, 3, (4, 3, 5))
ALPHA = RNG.uniform(0.1, 2, (1, 5))


def softmax(x, axes):
    return np.exp(x) / np.exp(x).sum(axes, keepdims=True)


CASES = [
    (layers.ReLU, {}, lambda x: np.maximum(x, 0)),
    (
        layers.ReLU,
        {"max_value": 2, "negative_slope": 0.5, "threshold": 1.0},
        lambda x: np.where(x > 1, np.minimum(x, 2), 0.5 * (x - 1)),
    ),
    (layers.LeakyReLU, {}, lambda x: np.where(x > 0, x, 0.3 * x)),
    (layers.LeakyReLU, {"negative_slope": 0.1}, lambda x: np.where(x > 0, x, 0.1 * x)),
    (layers.ELU, {}, lambda x: np.where(x > 0, x, np.expm1(x))),
    (layers.ELU, {"alpha": 2.0}, lambda x: np.where(x > 0, x, 2 * np.expm1(x))),
    (layers.PReLU, {}, lambda x: np.maximum(x, 0)),
    (
        layers.PReLU,
        {"alpha_initializer": fn.initializers.Constant(0.5), "shared_axes": [1]},
        lambda x: np.where(x > 0, x, 0.5 * x),
    ),
    (layers.Softmax, {}, lambda x: softmax(x, -1)),
    (layers.Softmax, {"axis": [1, 2]}, lambda x: softmax(x, (1, 2))),
    (
        layers.Maxout,
        {"units": 2, "pieces": 3, "kernel_initializer": "ones"},
        lambda x: np.repeat(x.sum(-1, keepdims=True), 2, -1),
    ),
]


@pytest.mark.parametrize("kind, config, formula", CASES)
def test_values_gradient_shape_and_configuration(kind, config, formula):
    layer = kind(dtype="float64", **config)
    np.testing.assert_allclose(layer(X), formula(X), rtol=1e-12)
    assert fn.gradcheck(layer, (X,))
    again = kind.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(X), layer(X))
    symbolic = kind(**config)(fn.Input((3, 5)))
    assert symbolic.shape == (None, *formula(X).shape[1:])


def test_prelu_learns_a_slope_for_each_unshared_element():
    layer = layers.PReLU(shared_axes=1, dtype="float64")
    layer.build((None, 3, 5))
    assert [w.shape for w in layer.weights] == [(1, 5)]
    layer.set_weights([ALPHA])
    np.testing.assert_allclose(layer(X), np.where(X > 0, X, ALPHA * X), rtol=1e-12)
    layer(X).backward(np.ones(X.shape))
    np.testing.assert_allclose(layer.alpha.grad, np.minimum(X, 0).sum((0, 1))[None], rtol=1e-12)


@pytest.mark.parametrize("dtype", [bool, "float32"])
def test_softmax_with_a_mask_is_over_what_it_leaves(dtype):
    mask = RNG.random((4, 1, 5)) < 0.6
    mask[0] = False
    y = layers.Softmax(dtype="float64")(X, mask=mask.astype(dtype)).numpy()
    e = np.exp(X) * mask
    np.testing.assert_allclose(y, e / np.maximum(e.sum(-1, keepdims=True), 1e-300), rtol=1e-12)
    # In a graph too, and with gradients.
    x, m = fn.Input((3, 5)), fn.Input((1, 5), dtype="bool")
    model = fn.Model([x, m], layers.Softmax()(x, mask=m))
    np.testing.assert_allclose(model([X.astype("float32"), mask]), y, rtol=1e-5, atol=1e-7)
    assert fn.gradcheck(lambda x: layers.Softmax(dtype="float64")(x, mask=mask), (X,))


# ---- maxout


def maxout(units, pieces, kernel, bias=None):
    layer = layers.Maxout(units, pieces, use_bias=bias is not None, dtype="float64")
    layer.build((None, len(kernel)))
    layer.set_weights([kernel] if bias is None else [kernel, bias])
    return layer


def test_maxout_of_the_course():
    """Groups (5, 7) and (-1, 1) give 7 and 1; then (1, 2) and (4, 3) give 2 and 4."""
    first = maxout(2, 2, np.diag([5.0, 7.0, -1.0, 1.0]))
    hidden = first(np.ones((1, 4)))
    np.testing.assert_array_equal(hidden, [[7, 1]])
    second = maxout(2, 2, np.array([[0.0, 0.0, 1.0, 0.0], [1.0, 2.0, -3.0, 3.0]]))
    np.testing.assert_array_equal(second(hidden), [[2, 4]])


def test_relu_is_maxout_whose_second_piece_is_zero():
    weights, bias = RNG.standard_normal((5, 4)), RNG.standard_normal(4)
    kernel, biases = np.zeros((5, 8)), np.zeros(8)
    kernel[:, ::2], biases[::2] = weights, bias
    relu = layers.Dense(4, activation="relu", dtype="float64")
    relu.build((None, 5))
    relu.set_weights([weights, bias])
    layer = maxout(4, 2, kernel, biases)
    np.testing.assert_allclose(layer(X), relu(X), rtol=1e-14)


def test_maxout_learns_a_convex_function():
    """|x| needs two linear pieces, so that one unit of two can learn it, and no other one can."""
    x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((1,)), layers.Maxout(1, 2)])
    model.compile(fn.optimizers.Adam(0.05), "mse")
    model.fit(x, np.abs(x), epochs=60, verbose=0)
    assert model.evaluate(x, np.abs(x), verbose=0) < 1e-3  # 0.08 for the best straight line


def test_a_numpy_number_is_saved(tmp_path):
    model = fn.Sequential([fn.Input((2,)), layers.ELU(np.float32(0.5))])
    model.save(tmp_path / "elu.keras")
    (loaded,) = fn.models.load_model(tmp_path / "elu.keras").layers
    assert loaded(np.array([-100.0])).tolist() == [-0.5]


# ---- messages; Keras


def test_messages():
    for name in ("max_value", "negative_slope", "threshold"):
        with pytest.raises(ValueError, match=f"ReLU: {name} must be .*not negative, got -1"):
            layers.ReLU(**{name: -1})
    with pytest.raises(TypeError, match=r"negative_slope must be a number .*got None"):
        layers.LeakyReLU(None)
    with pytest.raises(ValueError, match=r"shared_axes are \[3\], expected axes from 1 to 2"):
        layers.PReLU(shared_axes=3)(X)
    with pytest.raises(ValueError, match=r"must have known extents.*\(None, None, 5\)"):
        layers.PReLU()(fn.Input((None, 5)))
    prelu = layers.PReLU(shared_axes=[1])
    prelu(X)
    with pytest.raises(ValueError, match="axis 2 of the input must be 5"):
        prelu(np.ones((4, 3, 6)))
    with pytest.raises(ValueError, match=r"mask's shape is \(4, 3\), expected one that broad"):
        layers.Softmax()(X, mask=np.ones((4, 3), bool))
    with pytest.raises(ValueError, match="pieces must be a positive integer, got 0"):
        layers.Maxout(2, 0)
    with pytest.raises(ValueError, match=r"units must be a positive integer, got 2\.5"):
        layers.Maxout(2.5)


KERAS_CASES = [
    ("ReLU", {}),
    ("ReLU", {"max_value": 2, "negative_slope": 0.5, "threshold": 1.0}),
    ("ReLU", {"max_value": 6.0}),
    ("LeakyReLU", {}),
    ("ELU", {}),
    ("ELU", {"alpha": 2.0}),
    ("PReLU", {}),
    ("PReLU", {"shared_axes": [1]}),
    ("Softmax", {}),
    ("Softmax", {"axis": [1, 2]}),
]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:__array__ implementation", "ignore:You passed")
@pytest.mark.parametrize("name, config", KERAS_CASES)
def test_as_keras(name, config):
    import keras

    x = X.astype("float32")
    ours, theirs = getattr(layers, name)(**config), getattr(keras.layers, name)(**config)
    theirs.build(x.shape)
    ours(x)
    assert [(w.name, w.shape) for w in ours.weights] == [(w.name, w.shape) for w in theirs.weights]
    values = [RNG.uniform(0.1, 2, w.shape).astype("float32") for w in ours.weights]
    ours.set_weights(values)
    dy = RNG.standard_normal(x.shape).astype("float32")

    theirs.set_weights(values)
    given = leaf(x)
    want = theirs(given)
    expected = gradients([want], [dy], [given, *(w.value for w in theirs.weights)])
    tensor = fn.Variable(x)
    y = ours(tensor)
    np.testing.assert_allclose(y, host(want), rtol=1e-5, atol=1e-6)
    y.backward(dy)
    for a, b in zip([tensor.grad, *(w.grad for w in ours.weights)], expected, strict=True):
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()
    same = {k: v for k, v in theirs.get_config().items() if not isinstance(v, dict)}
    same.pop("quantization_config", None)
    same["name"] = ours.name
    assert {k: v for k, v in ours.get_config().items() if k in same} == same


@pytest.mark.parity
def test_masked_softmax_as_keras():
    import keras

    x, mask = X.astype("float32"), RNG.random(X.shape) < 0.5
    mask[0, 0] = False
    want = keras.layers.Softmax()(x, mask=keras.ops.convert_to_tensor(mask))
    np.testing.assert_allclose(layers.Softmax()(x, mask=mask), want, rtol=1e-5, atol=1e-7)
