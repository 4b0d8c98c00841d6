"""Regularizers: formulas, gradients, configurations, and what they do to a model's training."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers, regularizers

X = np.random.default_rng(0).standard_normal((4, 3))


def orthogonal(x, factor):
    """The mean over pairs of rows, one by one."""
    rows = [row / np.linalg.norm(row) for row in x]
    pairs = [abs(a @ b) for i, a in enumerate(rows) for b in rows[:i]]
    return factor * np.mean(pairs)


FORMULAS = {
    "l1": (regularizers.L1(0.3), lambda x: 0.3 * np.abs(x).sum()),
    "l2": (regularizers.L2(0.2), lambda x: 0.2 * (x**2).sum()),
    "l1_l2": (
        regularizers.L1L2(l1=0.3, l2=0.2),
        lambda x: 0.3 * np.abs(x).sum() + 0.2 * (x**2).sum(),
    ),
    "l1_l2 of nothing": (regularizers.L1L2(), lambda x: 0.0),
    "rows": (regularizers.OrthogonalRegularizer(0.5), lambda x: orthogonal(x, 0.5)),
    "columns": (
        regularizers.OrthogonalRegularizer(0.5, "columns"),
        lambda x: orthogonal(x.T, 0.5),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_values(name):
    regularizer, formula = FORMULAS[name]
    penalty = regularizer(X)
    assert penalty.shape == () and penalty.dtype == "float64"
    np.testing.assert_allclose(penalty, formula(X), rtol=1e-12)
    assert regularizer(X.astype("float32")).dtype == "float32"
    again = regularizers.get(regularizers.serialize(regularizer))
    assert again.get_config() == regularizer.get_config() and type(again) is type(regularizer)


@pytest.mark.parametrize("name", [name for name in FORMULAS if "nothing" not in name])
def test_gradients(name):
    assert fn.gradcheck(FORMULAS[name][0], fn.tensor(X))


def test_a_single_row_is_orthogonal():
    assert regularizers.OrthogonalRegularizer()(X[:1]).item() == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regularizers.L1(-1.0), "L1: l1 must be a number that is not negative, got -1.0"),
        (lambda: regularizers.L2(np.nan), "L2: l2 must be .* got nan"),
        (lambda: regularizers.L1L2(l2="0.1"), "L1L2: l2 must be .* got '0.1'"),
        (lambda: regularizers.OrthogonalRegularizer(mode="row"), "'rows' or 'columns', got 'row'"),
        (lambda: regularizers.OrthogonalRegularizer()(X[0]), r"a matrix, its shape is \(3,\)"),
        (lambda: regularizers.get("l3"), "unknown regularizer 'l3'; known are .*l1_l2"),
        (lambda: layers.Dense(2, kernel_regularizer="l3"), "unknown regularizer 'l3'"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", ["regularizer", "constraint", "loss", "metric"])
def test_a_dictionary_that_is_no_configuration_is_refused(kind):
    get = getattr(fn, "losses" if kind == "loss" else f"{kind}s").get
    with pytest.raises(TypeError, match=rf"{kind}: expected a name, .* got {{'l2': 0\.1}}"):
        get({"l2": 0.1})


def test_names():
    for name, kind in {
        "l1": regularizers.L1, "L2": regularizers.L2, "l1_l2": regularizers.L1L2,
        "orthogonal_regularizer": regularizers.OrthogonalRegularizer,
    }.items():  # fmt: skip
        assert type(regularizers.get(name)) is kind and type(regularizers.get(kind)) is kind
    assert regularizers.l2 is regularizers.L2 and regularizers.get(None) is None
    assert regularizers.get(np.sum) is np.sum


def model(activity=None):
    dense = layers.Dense(
        2,
        kernel_regularizer=regularizers.L2(0.1),
        bias_regularizer="l1",
        activity_regularizer=activity,
        bias_initializer=fn.initializers.Constant([1.0, -2.0]),
    )
    net = fn.Sequential([fn.Input((3,)), dense])
    net.compile(fn.optimizers.SGD(0.5), "mse")
    return net


@pytest.mark.parametrize("activity", [None, regularizers.L2(0.3)])
def test_losses_of_a_layer_and_training(activity):
    """The loss that fit reports, and a step against the gradient by hand."""
    net = model(activity)
    x, y = X.astype("float32"), np.zeros((4, 2), "float32")
    w, b = (value.astype(np.float64) for value in net.get_weights())
    out = X @ w + b
    penalties = [0.1 * (w**2).sum(), 0.01 * np.abs(b).sum()]
    mean_square = (out**2).mean()
    share = 0.0 if activity is None else 0.3 * (out**2).sum() / 4
    net(x)
    losses = [loss.item() for loss in net.losses]
    assert losses == pytest.approx(([share] if activity else []) + penalties, rel=1e-6)
    d_out = out / 4 + (0.0 if activity is None else 0.6 * out / 4)
    step_w, step_b = X.T @ d_out + 0.2 * w, d_out.sum(0) + 0.01 * np.sign(b)
    total = mean_square + share + sum(penalties)
    assert net.evaluate(x, y, verbose=0) == pytest.approx(total, rel=1e-6)
    history = net.fit(x, y, batch_size=4, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx([total], rel=1e-6)
    new_w, new_b = net.get_weights()
    np.testing.assert_allclose(new_w, w - 0.5 * step_w, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(new_b, b - 0.5 * step_b, rtol=1e-5, atol=1e-6)


def test_frozen_weights_have_no_penalty():
    net = model()
    net.layers[0].trainable = False
    assert net.losses == []


def test_saved_and_loaded(tmp_path):
    net = model(regularizers.L1(0.5))
    net.save(tmp_path / "model.fastnn")
    again = fn.saving.load_model(tmp_path / "model.fastnn")
    dense = again.layers[0]
    assert dense.kernel_regularizer.get_config() == {"l2": 0.1}
    assert dense.bias.regularizer.get_config() == {"l1": 0.01}
    assert dense.activity_regularizer.get_config() == {"l1": 0.5}
    x, y = X.astype("float32"), np.ones((4, 2), "float32")
    assert again.evaluate(x, y, verbose=0) == net.evaluate(x, y, verbose=0)


@pytest.mark.parity
@pytest.mark.parametrize("name", FORMULAS)
def test_against_keras(name):
    keras = pytest.importorskip("keras")
    ours = FORMULAS[name][0]
    theirs = getattr(keras.regularizers, type(ours).__name__)(**ours.get_config())
    x = X.astype("float32")
    # Sums of a dozen float32 numbers.
    np.testing.assert_allclose(
        ours(x), np.asarray(theirs(keras.ops.convert_to_tensor(x))), rtol=1e-6
    )
    assert regularizers.get(keras.regularizers.serialize(theirs)).get_config().keys() == (
        theirs.get_config().keys()
    )


@pytest.mark.jax
@pytest.mark.parity
def test_training_against_keras():
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(1).standard_normal((32, 3)).astype("float32")
    y = np.random.default_rng(2).standard_normal((32, 2)).astype("float32")

    def trained(library):
        dense = library.layers.Dense(
            2, kernel_regularizer=library.regularizers.L1L2(0.01, 0.1), bias_regularizer="l2",
            activity_regularizer=library.regularizers.L1(0.05),
            kernel_constraint=library.constraints.MaxNorm(0.8), bias_constraint="non_neg",
            kernel_initializer="ones",
        )  # fmt: skip
        net = library.Sequential([library.Input((3,)), dense])
        net.compile(library.optimizers.SGD(0.1), "mse")
        history = net.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
        return history["loss"], [np.asarray(v.value) for v in net.weights]

    (loss, weights), (their_loss, their_weights) = trained(fn), trained(keras)
    np.testing.assert_allclose(loss, their_loss, rtol=1e-5)
    for mine, theirs in zip(weights, their_weights):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)  # twelve float32 steps
