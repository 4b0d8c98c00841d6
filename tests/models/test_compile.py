"""compile: what names, classes, lists and dictionaries mean."""

import numpy as np
import pytest

import fastnn as fn


def two_outputs():
    x = fn.Input((4,))
    a = fn.layers.Dense(3, name="a")(x)
    b = fn.layers.Dense(1, name="b")(x)
    return fn.Model(x, [a, b])


X, Y = np.ones((6, 4)), [np.ones((6, 3)), np.zeros((6, 1))]


def fitted(model, x=X, y=Y, **options):
    return list(model.fit(x, y, verbose=0, **options).history)


@pytest.mark.parametrize(
    ("units", "activation", "y", "kind"),
    [
        (1, "sigmoid", np.array([0, 1, 1]), "BinaryAccuracy"),
        (3, "softmax", np.array([0, 2, 1]), "SparseCategoricalAccuracy"),
        (3, "softmax", np.array([[0], [2], [1]]), "SparseCategoricalAccuracy"),
        (3, "softmax", np.eye(3), "CategoricalAccuracy"),
    ],
)
def test_accuracy_and_crossentropy_fit_the_shapes(units, activation, y, kind):
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(units, activation=activation)])
    model.compile("sgd", "crossentropy", metrics=["accuracy", "ce"])
    logs = model.fit(np.ones((3, 2)), y, verbose=0).history
    assert list(logs) == ["loss", "accuracy", "ce"]
    assert type(model.metrics[1]).__name__ == kind
    assert logs["ce"][0] == pytest.approx(logs["loss"][0], rel=1e-5)


def test_one_loss_for_all_outputs():
    model = two_outputs()
    model.compile("sgd", "mse")
    assert fitted(model) == ["loss", "a_loss", "b_loss"]
    figures = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(figures["a_loss"] + figures["b_loss"], rel=1e-6)


def test_lists_and_dictionaries_of_losses_metrics_and_weights():
    model = two_outputs()
    model.compile("sgd", ["mse", "mae"], metrics=[["mae"], ["mse"]], loss_weights=[1.0, 2.0])
    assert fitted(model) == ["loss", "a_mae", "b_mse", "a_loss", "b_loss"]
    figures = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(figures["a_loss"] + 2 * figures["b_loss"], rel=1e-6)
    model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"b": ["mae"]}, loss_weights={"b": 3.0})
    y = {"a": Y[0], "b": Y[1]}
    assert fitted(model, y=y) == ["loss", "b_mae", "a_loss", "b_loss"]
    figures = model.evaluate(X, y, verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(figures["a_loss"] + 3 * figures["b_loss"], rel=1e-6)


def test_an_output_may_go_without_a_loss():
    model = two_outputs()
    model.compile("sgd", {"b": "mse"})
    with pytest.warns(UserWarning, match="no gradients for a/kernel, a/bias"):
        assert fitted(model, y=Y[1]) == ["loss"]


def test_lists_of_figures_have_the_losses_first():
    model = two_outputs()
    model.compile("sgd", "mse", metrics=[["mse"], ["mae"]])
    named = model.evaluate(X, Y, verbose=0, return_dict=True)
    order = ["loss", "a_loss", "b_loss", "a_mse", "b_mae"]
    assert sorted(named) == sorted(order)
    assert model.evaluate(X, Y, verbose=0) == [named[name] for name in order]
    assert model.test_on_batch(X, Y) == pytest.approx([named[name] for name in order], rel=1e-5)
    model.compile("sgd", ["mse", None], metrics=[[fn.metrics.MeanSquaredError("z")], ["mae"]])
    named = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert model.evaluate(X, Y, verbose=0) == [named[n] for n in ("loss", "a_z", "b_mae")]


def test_a_metric_without_a_name():
    model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3)])
    model.compile("sgd", "mse", metrics=[lambda a, b: fn.ops.mean(fn.ops.abs(a - b), axis=-1)])
    assert list(model.fit(X, Y[0], verbose=0).history) == ["loss", "lambda"]


def test_instances_classes_and_functions():
    model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3)])

    def mine(y_true, y_pred):
        return fn.ops.mean(fn.ops.abs(y_true - y_pred), axis=-1)

    model.compile(fn.optimizers.Adam, mine, metrics=[mine, fn.metrics.MeanAbsoluteError()])
    logs = model.fit(X, Y[0], verbose=0).history
    assert list(logs) == ["loss", "mine", "mean_absolute_error"]
    assert logs["mine"] == pytest.approx(logs["loss"], rel=1e-6)


def test_weighted_metrics_see_weights_and_others_do_not():
    model = fn.Sequential([fn.Input((1,)), fn.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(fn.optimizers.SGD(0.0), "mse", metrics=["mae"], weighted_metrics=["mae"])
    x, y = np.ones((2, 1)), np.array([[1.0], [3.0]])
    logs = model.evaluate(x, y, sample_weight=np.array([1.0, 0.0]), verbose=0, return_dict=True)
    assert logs == {"loss": 0.5, "mae": 2.0, "weighted_mae": 1.0}


def test_unknown_names_are_found_at_once():
    model = two_outputs()
    for arguments, kind in (
        ({"optimizer": "adamm"}, "optimizer"),
        ({"loss": "msee"}, "loss"),
        ({"loss": ["mse", "msee"]}, "loss"),
        ({"metrics": ["acuracy"]}, "metric"),
    ):
        with pytest.raises(ValueError, match=f"unknown {kind} '.*'; known are "):
            model.compile(**{"optimizer": "sgd", **arguments})


def test_what_does_not_match_the_outputs():
    for arguments, message in (
        ({"loss": ["mse"] * 3}, "loss has 3 entries for 2 outputs"),
        ({"loss": {"c": "mse"}}, r"loss names \['c'\], but the outputs are \['a', 'b'\]"),
        ({"loss": "mse", "metrics": ["mae"]}, "metrics has 1 entries for 2 outputs"),
        ({"loss": "mse", "loss_weights": [1.0]}, "loss_weights has 1 entries for 2 outputs"),
    ):
        model = two_outputs()
        model.compile("sgd", **arguments)
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="metrics must be a list"):
        model.compile("sgd", "mse", metrics="mae")
    with pytest.raises(ValueError, match="loss_weights must be numbers"):
        model.compile("sgd", "mse", loss_weights="heavy")


def test_the_configuration_makes_an_equal_compilation():
    model = two_outputs()
    model.compile(fn.optimizers.Adam(0.01), ["mse", "mae"], metrics=[["mae"], [None]])
    config = model.get_compile_config()
    again = two_outputs()
    again.compile_from_config(config)
    assert again.optimizer.built
    assert again.get_compile_config() == config
    assert fn.Sequential().get_compile_config() is None


def test_trainable_counts_from_compile():
    model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3), fn.layers.Dense(3)])
    model.compile("sgd", "mse")
    model.layers[0].trainable = False
    before = model.get_weights()
    with pytest.warns(UserWarning, match="`trainable` was changed after compile"):
        model.fit(X, Y[0], verbose=0)
    model.compile("sgd", "mse")
    frozen = model.get_weights()
    assert not np.array_equal(frozen[0], before[0])
    model.fit(X, Y[0], verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], frozen[0])
    assert not np.array_equal(model.get_weights()[2], frozen[2])
