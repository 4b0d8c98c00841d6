"""The surface against evaluate at shifted weights; the path; the model stays what it was."""

import numpy as np
import pytest
from kept_model import X, Y, model_with_state, state, unchanged

import fastnn as fn
from fastnn import layers
from fastnn.plots import WeightPath, loss_surface
from fastnn.plots.planes import principal_plane, random_plane

pytest.importorskip("matplotlib", reason="drawing needs matplotlib (extra: demo)")


def with_path():
    model, path = model_with_state(), WeightPath()
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[path])
    return model, path


def evaluated(model, directions, a, b):
    """The loss at weights + a * first + b * second, by evaluate; the weights come back."""
    weights = model.trainable_variables
    before = [w.numpy().copy() for w in weights]
    start = 0
    for weight in weights:
        first, second = directions[:, start : start + weight.size].reshape(2, *weight.shape)
        weight.assign(weight.numpy().astype("f8") + a * first + b * second)
        start += weight.size
    loss = model.evaluate(X, Y, verbose=0)[0]
    for weight, value in zip(weights, before):
        weight.assign(value)
    return loss


@pytest.mark.parametrize("kind", ["random", "pca"])
def test_values_are_evaluate_s(kind):
    model, path = with_path()
    with unchanged(model):
        found = loss_surface(model, X, Y, kind, path=path, points=5, batch_size=16, seed=2).values
    if kind == "random":
        directions = random_plane(model.trainable_variables, 2).directions
    else:
        points = [np.concatenate([w.ravel() for w in ws]) for ws in path.weights]
        directions = principal_plane(model.trainable_variables, np.array(points, "f8")).directions
    for i, j in np.ndindex(5, 5):
        expected = evaluated(model, directions, found.x[j], found.y[i])
        np.testing.assert_allclose(found.z[i, j], expected, rtol=1e-5)
    # The path ends where the model is.
    np.testing.assert_allclose(found.paths["path"][-1], [0, 0], atol=1e-6)
    assert len(found.paths["path"]) == 5


def test_two_weights():
    """A line fitted by least squares: the loss in w and b is a formula."""
    x = np.linspace(-1, 2, 30)[:, None]
    y = 0.7 * x - 0.2
    model = fn.Sequential([fn.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    dense, path = model.layers[0], WeightPath(frequency=1)
    model.fit(x, y, batch_size=10, epochs=2, verbose=0, callbacks=[path])
    chosen = [(dense.kernel, (0, 0)), (dense.bias, 0)]
    drawing = loss_surface(model, x, y, chosen, path=path, points=7, x_range=(-1, 2))
    found = drawing.values
    w, b = np.meshgrid(found.x, found.y)
    expected = np.mean((w[..., None] * x[:, 0] + b[..., None] - y[:, 0]) ** 2, axis=-1)
    np.testing.assert_allclose(found.z, expected, rtol=1e-5)
    assert (found.x[0], found.x[-1]) == (-1, 2)
    assert len(path.weights) == 7  # before the first of six batches, and after each
    steps = [(k[0, 0], b[0]) for k, b in path.weights]
    np.testing.assert_allclose(found.paths["path"], steps, rtol=1e-6)
    assert found.paths["path"][0].tolist() == [1, 0]
    ax = drawing.figure.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        f"{dense.name}/kernel[0, 0]",
        f"{dense.name}/bias[0]",
    )


def test_the_picture_holds_the_path():
    model, path = with_path()
    found = loss_surface(model, X, Y, "pca", path=path, points=3).values
    for axis, values in enumerate((found.x, found.y)):
        assert values[0] < found.paths["path"][:, axis].min()
        assert values[-1] > found.paths["path"][:, axis].max()


class Trouble(Exception):
    pass


@pytest.mark.parametrize("error", [Trouble, KeyboardInterrupt])
def test_the_model_is_kept_when_something_raises(error):
    calls = []

    def loss(y_true, y_pred):
        calls.append(1)
        if len(calls) > 30:
            raise error
        return fn.losses.sparse_categorical_crossentropy(y_true, y_pred)

    model = model_with_state(run_eagerly=True)
    model.compile("adam", loss, metrics=["accuracy"], run_eagerly=True)
    model.fit(X, Y, epochs=1, verbose=0)
    with unchanged(model), pytest.raises(error):
        loss_surface(model, X, Y, points=9)
    assert len(calls) == 31


def test_training_goes_on_as_if_nothing_had_been_drawn():
    plain, drawn = model_with_state(), model_with_state()
    loss_surface(drawn, X, Y, points=4)
    fn.plots.gradient_norms(drawn, X, Y)
    for model in (plain, drawn):
        model.fit(X, Y, epochs=2, verbose=0)
    assert state(plain) == state(drawn)


def test_several_outputs():
    """Their losses are tracked by metrics that the first batch makes."""
    inputs = fn.Input((6,))
    model = fn.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(2)(inputs)])
    model.compile("sgd", ["mse", "mae"], loss_weights=[1.0, 0.5])
    targets = [np.ones((40, 1)), np.zeros((40, 2))]
    z = loss_surface(model, X, targets, points=3).values.z
    assert not any(v.numpy().any() for v in model.metrics_variables)
    np.testing.assert_allclose(z[1, 1], model.evaluate(X, targets, verbose=0)[0], rtol=1e-5)


def test_sample_weights_and_batches_of_an_iterable():
    model, weight = model_with_state(), np.linspace(0, 1, 40)
    expected = model.evaluate(X, Y, sample_weight=weight, batch_size=20, verbose=0)[0]
    z = loss_surface(model, X, Y, points=3, sample_weight=weight, batch_size=20).values.z
    np.testing.assert_allclose(z[1, 1], expected, rtol=1e-6)
    batches = [(X[:25], Y[:25]), (X[25:], Y[25:])]
    z = loss_surface(model, iter(batches), points=3).values.z
    np.testing.assert_allclose(z[1, 1], model.evaluate(X, Y, verbose=0)[0], rtol=1e-5)


def test_a_path_begins_anew_with_each_training():
    model, path = with_path()
    first = len(path.weights)
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[path])
    assert (first, len(path.weights)) == (5, 2)
    now = [v.numpy().tobytes() for v in model.trainable_variables]
    assert [w.tobytes() for w in path.weights[-1]] == now
    with pytest.raises(ValueError, match="WeightPath: frequency must be 'epoch' or an integer"):
        WeightPath(0)


def test_a_model_without_input_has_its_first_point_after_an_epoch():
    model, path = fn.Sequential([layers.Dense(3, activation="softmax")]), WeightPath()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[path])
    assert len(path.weights) == 2


def test_bad_input():
    model = model_with_state()
    with unchanged(model):
        for options, message in (
            ({"directions": "up"}, "directions must be 'random', 'pca' or two pairs"),
            ({"directions": "pca"}, "directions 'pca' need a path"),
            ({"path": WeightPath()}, "path has no points"),
            ({"path": [[np.ones(3)]]}, "path: point 0 has weights of shapes"),
            ({"points": 1}, "points must be an integer from 2, got 1"),
            ({"x_range": (1, 1)}, r"x_range must be \(from, to\)"),
            ({"y_range": (0, np.nan)}, r"y_range must be \(from, to\)"),
        ):
            with pytest.raises(ValueError, match=f"loss_surface: {message}"):
                loss_surface(model, X, Y, **options)
        with pytest.raises(ValueError, match="label"):
            loss_surface(model, X, Y + 7, points=2)
    with pytest.raises(ValueError, match="loss_surface: model must be compiled"):
        loss_surface(fn.Sequential([fn.Input((6,)), layers.Dense(3)]), X, Y)
