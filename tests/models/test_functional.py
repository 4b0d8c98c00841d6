"""Functional models: graphs of all kinds, operators, messages; and against Keras."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers, ops

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


def data(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def dense(layer, x):
    kernel, bias = layer.get_weights()
    return x @ kernel + bias


def test_one_input_and_output():
    x = fn.Input((4,), name="x")
    first, second = layers.Dense(3), layers.Dense(2)
    model = fn.Model(x, second(first(x)), name="m")
    a = data(5, 4)
    np.testing.assert_allclose(model(a), dense(second, dense(first, a)), rtol=1e-5)
    assert [layer.name for layer in model.layers] == ["x", first.name, second.name]
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert model.output_names == [second.name]
    assert model.input_names == ["x"]
    assert model.get_layer(first.name) is first
    assert model.get_layer(index=1) is first
    with pytest.raises(ValueError, match="no layer is named 'nope'; there are x, "):
        model.get_layer("nope")


def test_structures_of_inputs_and_outputs():
    a, b = fn.Input((3,), name="a"), fn.Input((3,), name="b")
    layer = layers.Dense(2)
    outputs = {"left": layer(a), "both": [layers.Add()([a, b]), layer(b)]}
    model = fn.Model({"first": a, "second": b}, outputs)
    x, y = data(4, 3), data(4, 3, seed=2)
    result = model({"first": x, "second": y})
    assert set(result) == {"left", "both"}
    np.testing.assert_allclose(result["left"], dense(layer, x), rtol=1e-5)
    np.testing.assert_allclose(result["both"][0], x + y, rtol=1e-6)
    np.testing.assert_allclose(result["both"][1], dense(layer, y), rtol=1e-5)

    listed = fn.Model([a, b], layer(a) - layer(b))
    by_list = listed([x, y])
    np.testing.assert_array_equal(by_list, listed((x, y)))
    np.testing.assert_array_equal(by_list, listed({"a": x, "b": y}))  # by the Inputs' names
    np.testing.assert_allclose(by_list, dense(layer, x) - dense(layer, y), rtol=1e-4, atol=1e-6)


def test_shared_layers_and_nested_models():
    x = fn.Input((3,))
    shared = layers.Dense(3)
    inner = fn.Model(x, shared(shared(x)), name="inner")
    y = fn.Input((3,))
    outer = fn.Model(y, [inner(y), inner(inner(y))], name="outer")
    a = data(2, 3)
    once = dense(shared, dense(shared, a))
    np.testing.assert_allclose(outer(a)[0], once, rtol=1e-4)
    np.testing.assert_allclose(outer(a)[1], dense(shared, dense(shared, once)), rtol=1e-4)
    assert len(outer.weights) == 2
    loss = ops.sum(outer(a)[1])
    loss.backward()
    assert shared.kernel.grad is not None


def test_training_reaches_layers():
    x = fn.Input((50,))
    model = fn.Model(x, [layers.Dropout(0.5)(x), layers.Dropout(0.5)(x, training=True)])
    a = np.ones((1, 50), "float32")
    off, forced = model(a)
    np.testing.assert_array_equal(off, a)
    assert not np.array_equal(forced, a)
    assert not np.array_equal(model(a, training=True)[0], a)


def test_intermediate_values_as_inputs():
    x = fn.Input((3,))
    h = layers.Dense(4)(x)
    last = layers.Dense(2)
    model = fn.Model(h, last(h))
    a = data(2, 4)
    np.testing.assert_allclose(model(a), dense(last, a), rtol=1e-5)
    assert model.weights == last.weights
    again = fn.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(a), model(a))


def test_unused_input_is_kept():
    a, b = fn.Input((3,), name="a"), fn.Input((2,), name="b")
    model = fn.Model([a, b], layers.Dense(1)(a))
    assert model([data(2, 3), data(2, 2)]).shape == (2, 1)
    assert "b" in [layer.name for layer in model.layers]


def test_layer_with_several_results():
    class Halves(layers.Layer):
        def call(self, x):
            return ops.split(x, 2, axis=-1)

    x = fn.Input((6,))
    left, right = Halves()(x)
    assert left.shape == (None, 3)
    model = fn.Model(x, right - left)
    a = data(2, 6)
    np.testing.assert_allclose(model(a), a[:, 3:] - a[:, :3], rtol=1e-6)


def test_layer_with_several_arguments():
    class Mix(layers.Layer):
        def call(self, left, right=None, factor=1.0):
            return left + factor * right

    a, b = fn.Input((3,)), fn.Input((3,))
    model = fn.Model([a, b], Mix()(a, right=b, factor=2.0))
    x, y = data(2, 3), data(2, 3, seed=2)
    np.testing.assert_allclose(model([x, y]), x + 2 * y, rtol=1e-6)


OPERATORS = {
    "add": lambda x: x + 1,
    "rsub": lambda x: 1 - x,
    "array": lambda x: np.arange(4, dtype="float32") * x,
    "negative": lambda x: -x,
    "power": lambda x: x**2,
    "divide": lambda x: x / 3,
    "matmul": lambda x: x @ np.ones((4, 2), "float32"),
    "compare": lambda x: x > 0,
    "getitem": lambda x: x[:, 0, 1:3],
    "ellipsis": lambda x: x[..., -1],
    "mean": lambda x: ops.mean(x, axis=-1),
    "reshape": lambda x: ops.reshape(x, (-1, 12)),
    "concatenate": lambda x: ops.concatenate([x, x * 2], axis=-1),
    "where": lambda x: ops.where(x > 0, x, 0.0),
    "einsum": lambda x: ops.einsum("bij,bkj->bik", x, x),
    "split": lambda x: ops.split(x, 2, axis=-1),
    "softmax": lambda x: fn.activations.softmax(x),
    "cast": lambda x: ops.cast(x, "float64"),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operations_on_symbolic_values(name):
    x = fn.Input((3, 4))
    symbolic = OPERATORS[name](x)
    model = fn.Model(x, symbolic)
    a = data(5, 3, 4)
    want = OPERATORS[name](fn.tensor(a))
    for each in (model, fn.models.model_from_json(model.to_json())):
        for got, value, symbol in zip(*map(fn.utils.tree.flatten, (each(a), want, symbolic))):
            np.testing.assert_array_equal(got, value)
            assert symbol.shape == (None, *value.shape[1:])
            assert symbol.dtype == value.dtype


def test_symbolic_values_have_no_value():
    x = fn.Input((3,), name="x")
    for use in (bool, float, np.asarray, list):
        with pytest.raises(TypeError, match="name=x> has no value"):
            use(x)


def test_disconnected():
    a, b = fn.Input((3,), name="a"), fn.Input((3,), name="b")
    y = layers.Dense(2)(layers.Add()([a, b]))
    with pytest.raises(ValueError, match="depends on 'b', which is not among the inputs"):
        fn.Model(a, y)
    with pytest.raises(ValueError, match="outputs must be symbolic values"):
        fn.Model(a, data(2, 3))
    with pytest.raises(ValueError, match="outputs is needed too"):
        fn.Model(a)
    with pytest.raises(ValueError, match="given twice"):
        fn.Model([a, a], layers.Dense(1)(a))
    with pytest.raises(ValueError, match="the name 'same' is used 2 times"):
        fn.Model(a, layers.Dense(2, name="same")(layers.Dense(2, name="same")(a)))


def test_cycles():
    x = fn.Input((3,))
    first, second = layers.Dense(3, name="p"), layers.Dense(3, name="q")
    y = first(x)
    z = second(y)
    first._inbound_nodes[0].inputs[0] = z  # only possible by force
    with pytest.raises(ValueError, match="the graph has a cycle through"):
        fn.Model(x, z)


def test_cycle_in_a_configuration():
    x = fn.Input((3,), name="x")
    model = fn.Model(x, layers.Dense(3, name="q")(layers.Dense(3, name="p")(x)))
    config = model.get_config()
    p = next(entry for entry in config["layers"] if entry["name"] == "p")
    p["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["q", 0, 0]
    with pytest.raises(ValueError, match="form a cycle: p, q"):
        fn.Model.from_config(config)


def test_wrong_data():
    a, b = fn.Input((3,), name="a"), fn.Input((2,), name="b")
    model = fn.Model({"a": a, "b": b}, layers.Concatenate()([a, b]), name="m")
    with pytest.raises(ValueError, match="m: the data lacks input 'b'; there is 'a'"):
        model({"a": data(1, 3)})
    with pytest.raises(ValueError, match=r"m: 2 inputs are needed \(a, b\), got 1"):
        model([data(1, 3)])
    with pytest.raises(ValueError, match=r"m: input 'b' has shape \(1, 3\), expected \(None, 2\)"):
        model({"a": data(1, 3), "b": data(1, 3)})


def test_optional_input():
    class Sum(layers.Layer):
        def call(self, x, y=None):
            return x if y is None else x + y

    x, y = layers.Input((2,), name="x"), layers.Input((2,), name="y", optional=True)
    model = fn.Model([x, y], Sum()(x, y))
    one = np.ones((1, 2), np.float32)
    assert model([one, one]).tolist() == [[2.0, 2.0]]
    assert model([one, None]).tolist() == [[1.0, 1.0]]
    assert model({"x": one, "y": None}).tolist() == [[1.0, 1.0]]
    with pytest.raises(ValueError, match="input 'x' must be an array or tensor, got None"):
        model([None, one])


def test_fixed_batch_size():
    x = fn.Input(batch_shape=(2, 3))
    model = fn.Model(x, layers.Dense(1)(x))
    assert model(data(2, 3)).shape == (2, 1)
    with pytest.raises(ValueError, match=r"expected \(2, 3\)"):
        model(data(4, 3))


def test_integer_input_is_cast_to_the_input_dtype():
    x = fn.Input((3,))
    model = fn.Model(x, x * 1.5)
    np.testing.assert_array_equal(
        model(np.arange(6).reshape(2, 3)), np.arange(6).reshape(2, 3) * 1.5
    )


def test_subclass():
    class Net(fn.Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.hidden = [layers.Dense(units, activation="relu") for _ in range(2)]
            self.out = layers.Dense(1)

        def call(self, x, training=None):
            for layer in self.hidden:
                x = layer(x)
            return self.out(x)

    net = Net(4, name="net")
    assert not net.built
    assert net(data(5, 3)).shape == (5, 1)
    assert len(net.weights) == 6
    assert net.layers == [*net.hidden, net.out]
    assert net.count_params() == 3 * 4 + 4 + 4 * 4 + 4 + 4 + 1
    x = fn.Input((3,))
    outer = fn.Model(x, Net(4)(x))  # shapes found by trying it out
    assert outer.output_shape == (None, 1)
    with pytest.raises(AttributeError, match="it is not functional"):
        net.outputs  # noqa: B018
    with pytest.raises(NotImplementedError, match="defines no call method"):
        fn.Model()(data(1, 1))


def test_functional_subclass():
    class Net(fn.Model):
        def __init__(self):
            x = fn.Input((3,))
            super().__init__(x, layers.Dense(2)(x))

    assert Net()(data(4, 3)).shape == (4, 2)


def test_compute_output_shape():
    x = fn.Input((None, 4))
    model = fn.Model(x, layers.Dense(2)(x))
    assert model.compute_output_shape((None, 7, 4)) == (None, 7, 2)


# ---- against Keras


def _branches(k):
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    d1, d2, d3, d4 = (k.layers.Dense(3, name=f"d{i}") for i in range(1, 5))
    x, y = d4(a), d2(d1(b))
    w = d3(k.layers.Add(name="sum")([y, x]))
    return k.Model({"a": a, "b": b}, [w, d1(w), x])


def _skips(k):
    x = k.Input((3,), name="x")
    h = x
    for i in range(4):
        y = k.layers.Dense(3, activation="relu", name=f"p{i}")(h)
        y = k.layers.Dense(3, name=f"q{i}")(y)
        h = k.layers.Add(name=f"s{i}")([h, y])
    return k.Model(x, [k.layers.Dense(2, name="head")(h), k.layers.Dense(1, name="side")(x)])


def _siamese(k):
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    x = k.Input((3,), name="inner_x")
    inner = k.Model(x, k.layers.Dense(4, name="emb")(k.layers.Dense(5, name="pre")(x)), name="enc")
    both = k.layers.Concatenate(name="cat")([inner(b), inner(a), k.layers.Dense(2, name="d")(a)])
    return k.Model([b, a], k.layers.Dense(1, name="top")(both))


def _operators(k):
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    h = k.layers.Dense(3, name="d")(a)
    return k.Model([a, b], k.ops.mean(h * b + 2.0 - a / 3.0, axis=-1, keepdims=True))


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize("make", [_branches, _skips, _siamese, _operators])
def test_as_keras(make):
    import keras

    ours, theirs = make(fn), make(keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    shapes = [w.shape for w in theirs.get_weights()]
    assert [w.shape for w in ours.get_weights()] == shapes
    ours.set_weights([data(*shape, seed=i) for i, shape in enumerate(shapes)])
    theirs.set_weights(ours.get_weights())
    names = [x.name for x in theirs.inputs]
    values = {name: data(4, 3, seed=i) for i, name in enumerate(names)}
    x = values if make is _branches else list(values.values())
    x = x[0] if isinstance(x, list) and len(x) == 1 else x
    for got, want in zip(*map(fn.utils.tree.flatten, (ours(x), theirs(x)))):
        want = np.asarray(want)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * np.abs(want).max())
    assert ours.count_params() == theirs.count_params()
