"""evaluate and predict."""

import numpy as np
import pytest

import fastnn as fn

X = np.arange(20, dtype=np.float32).reshape(10, 2)


def linear():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_figures_are_means_over_all_samples():
    model, y = linear(), np.zeros((10, 1))
    sums = X.sum(-1)
    for batch_size in (3, 10, 32):
        loss, mae = model.evaluate(X, y, batch_size=batch_size, verbose=0)
        assert loss == pytest.approx((sums**2).mean(), rel=1e-6)
        assert mae == pytest.approx(sums.mean(), rel=1e-6)
    named = model.evaluate(X, y, verbose=0, return_dict=True)
    assert list(named) == ["loss", "mae"]
    model.compile("sgd", "mse")
    assert type(model.evaluate(X, y, verbose=0)) is float


def test_evaluate_changes_nothing():
    model = linear()
    before = model.get_weights()
    model.evaluate(X, np.zeros((10, 1)), verbose=0)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert int(model.optimizer.iterations) == 0


def test_dropout_is_off():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dropout(0.9)])
    model.compile("sgd", "mse")
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)
    assert model.evaluate(X, X, verbose=0) == 0


def test_steps_and_iterables():
    model, y = linear(), np.zeros((10, 1))
    first = model.evaluate(X[:6], y[:6], verbose=0)
    assert model.evaluate(X, y, batch_size=3, steps=2, verbose=0) == pytest.approx(first)
    batches = [(X[:3], y[:3]), (X[3:6], y[3:6])]
    assert model.evaluate(iter(batches), verbose=0) == pytest.approx(first)
    got = model.predict((b for b, _ in batches), verbose=0)
    np.testing.assert_array_equal(got, model.predict(X[:6], verbose=0))


def test_predict_gives_arrays_in_the_structure_of_the_outputs():
    x = fn.Input((2,))
    a, b = fn.layers.Dense(3, name="a")(x), fn.layers.Dense(1, name="b")(x)
    several = fn.Model(x, [a, b])
    p, q = several.predict(X, batch_size=4, verbose=0)
    assert (p.shape, q.shape) == ((10, 3), (10, 1))
    np.testing.assert_allclose(p, X @ several.get_weights()[0], rtol=1e-5)
    named = fn.Model(x, {"one": a, "two": b}).predict(X, verbose=0)
    assert sorted(named) == ["one", "two"]
    one = several.predict_on_batch(X)
    np.testing.assert_array_equal(one[0], several.predict(X, verbose=0)[0])
    one[0][0] = 1  # a copy of one's own


def test_predict_needs_no_compile():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    assert model.predict(X, verbose=0).shape == (10, 1)


def test_a_line_is_shown(capsys):
    linear().evaluate(X, np.zeros((10, 1)))
    assert "loss: " in capsys.readouterr().out
