"""Norms against finite differences and fn.grad; the model stays what it was."""

import numpy as np
import pytest
from kept_model import X, Y, model_with_state, unchanged

import fastnn as fn
from fastnn import layers
from fastnn.plots import gradient_norms

pytest.importorskip("matplotlib", reason="drawing needs matplotlib (extra: demo)")


def test_against_finite_differences():
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((6,), dtype="float64")])
    for units, activation in ((4, "tanh"), (3, "softmax")):
        options = {"kernel_regularizer": "l2", "dtype": "float64"}
        model.add(layers.Dense(units, activation=activation, **options))
    model.compile("sgd", "sparse_categorical_crossentropy")
    weights, floatx = model.get_weights(), fn.config.floatx()
    fn.config.set_floatx("float64")  # of the data
    try:
        norms = gradient_norms(model, X, Y).values

        def loss(values):
            model.set_weights(values)
            return model.evaluate(X, Y, batch_size=len(X), verbose=0)

        squares = []
        for i, weight in enumerate(weights):
            total = 0.0
            for place in np.ndindex(weight.shape):
                ends = []
                for step in (1e-5, -1e-5):
                    shifted = [w.copy() for w in weights]
                    shifted[i][place] += step
                    ends.append(loss(shifted))
                total += ((ends[0] - ends[1]) / 2e-5) ** 2
            squares.append(total)
    finally:
        fn.config.set_floatx(floatx)
    expected = np.sqrt([squares[0] + squares[1], squares[2] + squares[3]])
    assert list(norms) == [layer.name for layer in model.layers]
    np.testing.assert_allclose(list(norms.values()), expected, rtol=1e-6)


def test_it_is_the_gradient_of_the_next_training_step():
    """Dropout and batch normalization as in training: SGD with rate 1 moves by the gradient."""
    model = model_with_state()
    with unchanged(model):
        norms = gradient_norms(model, X, Y).values
    before = {layer.name: [v.numpy().copy() for v in layer.trainable_variables] for layer in
              model.layers}  # fmt: skip
    model.compile(fn.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    model.train_on_batch(X, Y)
    moved = {
        layer.name: np.sqrt(sum(np.sum(np.square(a - b.numpy(), dtype="f8")) for a, b in pairs))
        for layer in model.layers
        if (pairs := list(zip(before[layer.name], layer.trainable_variables)))
    }
    assert list(norms) == list(moved)
    # float32 weights near 1 are rounded to 6e-8 each
    np.testing.assert_allclose(list(norms.values()), list(moved.values()), rtol=1e-4)


def test_layers_that_hold_others_and_tables():
    model = fn.Sequential([fn.Input((5,), dtype="int32"), layers.Embedding(7, 3)])
    model.add(layers.Bidirectional(layers.LSTM(2)))
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    ids, y = np.arange(20).reshape(4, 5) % 7, np.ones((4, 1))
    norms = gradient_norms(model, ids, y).values
    weights = model.trainable_variables
    loss = lambda _: fn.ops.mean(fn.ops.square(model(ids, training=True) - y))  # noqa: E731
    squares = [float(np.sum(g.numpy() ** 2)) for g in fn.grad(loss)(weights)]
    expected = np.sqrt([squares[0], sum(squares[1:7]), sum(squares[7:])])
    np.testing.assert_allclose(list(norms.values()), expected, rtol=1e-5)


def test_frozen_layers_are_left_out_and_zeros_are_written():
    model = fn.Sequential([fn.Input((6,)), layers.Dense(4, activation="relu"), layers.Dense(3)])
    model.layers[1].trainable = False
    model.layers[0].bias.assign(np.full(4, -100))  # dead
    model.compile("sgd", "mse")
    drawing = gradient_norms(model, X, np.zeros((40, 3)))
    assert list(drawing.values.values()) == [0.0]
    assert [text.get_text() for text in drawing.figure.axes[0].texts] == ["0"]


def test_the_model_is_kept_when_the_loss_raises():
    model = model_with_state()
    with unchanged(model), pytest.raises(ValueError, match="label"):
        gradient_norms(model, X, Y + 5)


def test_bad_input():
    model = fn.Sequential([layers.Dense(2)])
    with pytest.raises(ValueError, match="gradient_norms: model must be compiled"):
        gradient_norms(model, X, Y)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"gradient_norms: sequential.* has no weights yet"):
        gradient_norms(model, X, Y)
    with pytest.raises(ValueError, match="x must be one batch, got 2"):
        gradient_norms(model_with_state(), iter([(X, Y), (X, Y)]))
