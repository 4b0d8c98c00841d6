"""Identity, Lambda, ActivityRegularization, Dot, Wrapper, aliases, functions."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

rng = np.random.default_rng(5)
X, Y = rng.normal(size=(2, 3, 4)).astype("float32"), rng.normal(size=(2, 5, 4)).astype("float32")


@fn.saving.register_keras_serializable("small_layers")
def halved(x, by=2.0):
    return x / by


class Doubled(layers.Wrapper):
    def call(self, inputs):
        return self.layer(inputs) * 2.0


MADE = {
    "identity": (lambda m: m.Identity(), X),
    "activity": (lambda m: m.ActivityRegularization(l1=0.1, l2=0.02), X),
    "dot": (lambda m: m.Dot(axes=2), [X, Y]),
    "dot cosine": (lambda m: m.Dot(axes=(1, -2), normalize=True), [X, X[:, :, :2]]),
    "dot vectors": (lambda m: m.Dot(axes=1), [X[:, 0], Y[:, 0]]),
}


def test_formulas():
    np.testing.assert_array_equal(layers.Identity()(X), X)
    np.testing.assert_allclose(
        layers.Dot(axes=2)([X, Y]), np.einsum("bik,bjk->bij", X, Y), rtol=1e-5, atol=1e-6
    )
    lengths = np.linalg.norm(X[:, 0], axis=1) * np.linalg.norm(Y[:, 0], axis=1)
    cosines = (X[:, 0] * Y[:, 0]).sum(1) / lengths
    found = layers.dot([X[:, 0], Y[:, 0]], normalize=True)
    np.testing.assert_allclose(found, cosines[:, None], rtol=1e-5)


def test_a_penalty_on_outputs():
    layer = layers.ActivityRegularization(l1=0.1, l2=0.02)
    np.testing.assert_array_equal(layer(X), X)
    penalty = (0.1 * abs(X).sum() + 0.02 * (X**2).sum()) / 2
    np.testing.assert_allclose(layer.losses[0], penalty, rtol=1e-6)


def test_functions_are_layers():
    for name in ("add", "subtract", "multiply", "maximum", "minimum", "average"):
        cls = getattr(layers, name.capitalize())
        np.testing.assert_array_equal(getattr(layers, name)([X, X[::-1]]), cls()([X, X[::-1]]))
    a, b = fn.Input((3,)), fn.Input((3,))
    model = fn.Model([a, b], layers.add([a, b], name="sum"))
    assert model.layers[-1].name == "sum"
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D
    made = layers.deserialize(layers.serialize(layers.Dense(3, name="d")))
    assert isinstance(made, layers.Dense) and made.name == "d"


@pytest.mark.parametrize("name", MADE)
def test_in_models(name):
    make, x = MADE[name]
    several = isinstance(x, list)
    inputs = [fn.Input(part.shape[1:]) for part in (x if several else [x])]
    layer = make(layers)
    model = fn.Model(inputs, layer(inputs if several else inputs[0]))
    found = model.predict(x, verbose=0)
    assert found.shape[1:] == model.output_shape[1:]
    np.testing.assert_array_equal(found, layer(x))
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(x), found)


def test_operations_and_their_namespaces_take_symbolic_values(tmp_path):
    x = fn.Input((3, 3))
    y = fn.ops.nn.relu(fn.ops.numpy.logaddexp(x, 0.5))
    model = fn.Model(x, fn.ops.trace(y, axis1=1, axis2=2) + fn.ops.linalg.det(x))
    values = X[:, :, :3]
    wanted = np.trace(np.logaddexp(values, 0.5), axis1=1, axis2=2) + np.linalg.det(values)
    found = model.predict(values, verbose=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    model.save(tmp_path / "model.safetensors")
    loaded = fn.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(values, verbose=0), found)


def test_lambda(tmp_path):
    def flipped(x, training=False):
        return x if training else -x

    layer = layers.Lambda(flipped)
    assert layer(X, training=True).tolist() == X.tolist() and layer(X).tolist() == (-X).tolist()
    model = fn.Sequential([fn.Input((4,)), layers.Lambda(halved, arguments={"by": 4.0})])
    assert model.output_shape == (None, 4)
    model.save(tmp_path / "model.safetensors")
    loaded = fn.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(X[0], verbose=0), X[0] / 4)
    shaped = layers.Lambda(lambda x: x[:, :2], output_shape=(2,))
    assert shaped.compute_output_shape((None, 7)) == (None, 2)
    with pytest.raises(ValueError, match="a lambda cannot be saved"):
        shaped.get_config()
    with pytest.raises(TypeError, match="Lambda: function must be a function, got 3"):
        layers.Lambda(3)


def test_a_wrapper():
    layer = Doubled(layers.Dense(2))
    y = layer(X[:, 0])
    np.testing.assert_allclose(y, layer.layer(X[:, 0]) * 2.0)
    assert len(layer.trainable_weights) == 2
    with fn.saving.custom_object_scope({"Doubled": Doubled}):
        again = layers.deserialize(layers.serialize(layer))
    assert isinstance(again, Doubled) and again.layer.units == 2
    with pytest.raises(TypeError, match="Doubled: layer must be a layer, got 3"):
        Doubled(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.Dot(axes=(1, 2, 3)), "axes must be an integer or a pair"),
        (lambda: layers.Dot(axes=0)([X, Y]), "axis 0 is not one behind the batch"),
        (lambda: layers.Dot(axes=3)([X, Y]), "axis 3 is not one behind the batch"),
        (lambda: layers.Dot(axes=1)([X, Y]), "differ along the axes"),
        (lambda: layers.Dot(axes=1)([X]), "a list of two inputs is needed"),
        (lambda: layers.ActivityRegularization(l1=-1), "must be a number that is not negative"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parity
@pytest.mark.parametrize("name", MADE)
def test_against_keras(name):
    keras = pytest.importorskip("keras")
    make, x = MADE[name]
    ours, theirs = make(layers), make(keras.layers)
    wanted = np.asarray(theirs(x))
    np.testing.assert_allclose(ours(x), wanted, rtol=1e-5, atol=1e-6)
    if theirs.losses:
        np.testing.assert_allclose(ours.losses[0], theirs.losses[0], rtol=1e-6)
    shapes = [part.shape for part in x] if isinstance(x, list) else x.shape
    assert tuple(ours.compute_output_shape(shapes)) == tuple(theirs.compute_output_shape(shapes))
