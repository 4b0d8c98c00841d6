"""When training ends, and which weights it ends with."""

import numpy as np
import pytest
from stand_in_model import Model, train

import fastnn as fn
from fastnn.callbacks import Callback, EarlyStopping


def epochs(callback, values, name="loss", model=None):
    model = model or Model()
    return train(callback, model, [{name: value} for value in values])


CASES = {  # arguments, values, epochs taken, best epoch
    "no patience": ({}, [3, 2, 2, 1], 3, 1),
    "patience": ({"patience": 2}, [3, 2, 2, 2, 1], 4, 1),
    "the first epoch never stops": ({"mode": "max", "baseline": 9}, [1, 1, 1], 2, 0),
    "wait starts anew": ({"patience": 2}, [3, 3, 2, 2, 1, 1, 1, 0], 7, 4),
    "min_delta": ({"min_delta": 0.5}, [3, 2.6, 2, 1], 2, 0),
    "min_delta is exceeded": ({"min_delta": -0.5, "patience": 2}, [3, 2.6, 2.4, 2.4, 2, 1], 5, 2),
    "max": ({"mode": "max"}, [1, 2, 3, 3, 4], 4, 2),
    "baseline": ({"baseline": 1, "patience": 3}, [5, 4, 3, 2, 2, 0], 5, 3),
    "baseline is beaten": ({"baseline": 4, "patience": 3}, [5, 3, 3, 3, 3, 0], 5, 1),
    "start_from_epoch": ({"start_from_epoch": 3}, [1, 2, 2, 5, 4, 4, 1], 6, 4),
    "NaN is no improvement": ({"patience": 2}, [3, np.nan, np.nan, 1], 3, 0),
    "digits beyond float32": ({"patience": 2}, [1, 1 - 1e-9, 1 - 2e-9, 0], 3, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_when_it_stops(name):
    arguments, values, taken, best = CASES[name]
    callback = EarlyStopping("loss", **arguments)
    for _ in range(2):  # every training starts anew
        assert epochs(callback, values) == taken
        assert callback.best_epoch == best
        assert callback.stopped_epoch == (taken - 1 if taken < len(values) else 0)


@pytest.mark.parametrize("values", [[3, 2, 2, 2, 1], [3, 2, 2.5]], ids=["stops", "does not stop"])
def test_the_best_weights_come_back(values):
    model = Model()
    epochs(EarlyStopping("loss", patience=2, restore_best_weights=True), values, model=model)
    assert model.weights == 1
    epochs(EarlyStopping("loss", patience=2), values, model=model)
    assert model.weights > 1


def test_messages(capsys):
    stop = EarlyStopping("loss", patience=1, verbose=1, restore_best_weights=True)
    epochs(stop, [3, 2, 2, 1])
    assert capsys.readouterr().out.splitlines() == [
        "EarlyStopping: stopped after epoch 3",
        "EarlyStopping: the weights of epoch 2 are back",
    ]


def test_without_the_figure_it_warns_and_goes_on():
    with pytest.warns(UserWarning, match="EarlyStopping: the logs have no 'val_loss'; .*: loss"):
        assert epochs(EarlyStopping(), [1, 1, 1]) == 3


def test_an_unknown_mode_means_auto():
    with pytest.warns(UserWarning, match="EarlyStopping: mode must be .* got 'down'"):
        assert epochs(EarlyStopping("val_loss", mode="down"), [1, 2, 3], "val_loss") == 2


DIRECTIONS = {"accuracy": 1, "sparse_categorical_accuracy": 1, "mae": -1, "mse": -1, "rmse": -1}


@pytest.mark.parametrize("metric", DIRECTIONS)
def test_auto_asks_the_metric(metric):
    metrics = [fn.metrics.get(metric)] if metric != "accuracy" else [fn.metrics.BinaryAccuracy()]
    name = metrics[0].name
    rising = DIRECTIONS[metric] > 0
    callback = EarlyStopping(f"val_{name}")
    values = [1, 2, 3, 3, 3] if rising else [3, 2, 1, 1, 1]
    assert epochs(callback, values, f"val_{name}", Model(metrics=metrics)) == 4


def test_auto_does_not_guess():
    model = Model(metrics=[fn.metrics.Mean("speed")])
    for name in ("speed", "unheard_of"):
        with pytest.raises(ValueError, match=f"EarlyStopping: mode='auto' .* '{name}'"):
            epochs(EarlyStopping(name), [1, 2], name, model)


class Script(Callback):
    """Gives each epoch weights and a figure of its own."""

    def __init__(self, values):
        super().__init__()
        self.values = values
        self.weights = {}

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.values[epoch]
        self.weights[epoch] = self.model.get_weights()


def test_in_fit():
    """The weights that come back are those that a recorded step reads."""
    model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(4, activation="tanh")])
    model.compile(fn.optimizers.SGD(0.1), "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
    script = Script([5.0, 4.0, 4.5, 4.5, 1.0])
    stop = EarlyStopping(patience=2, restore_best_weights=True)
    history = model.fit(x, x @ np.ones((3, 4)), epochs=5, verbose=0, callbacks=[script, stop])
    assert history.epoch == [0, 1, 2, 3]
    for mine, best, last in zip(model.get_weights(), script.weights[1], script.weights[3]):
        np.testing.assert_array_equal(mine, best)
        assert (best != last).any()
    kernel, bias = script.weights[1]
    np.testing.assert_allclose(model.predict(x, verbose=0), np.tanh(x @ kernel + bias), atol=1e-6)


def test_auto_in_a_model_of_two_outputs():
    """Names with the output's name before them, and "accuracy", which shapes decide."""
    x = fn.Input((2,))
    outputs = {name: fn.layers.Dense(1, name=name)(x) for name in ("a", "b")}
    model = fn.Model(x, outputs)
    model.compile(
        fn.optimizers.SGD(0.0),
        {"a": "mse", "b": "mse"},
        metrics={"a": ["accuracy"], "b": ["mae"]},
    )
    data, targets = np.ones((4, 2)), {"a": np.ones((4, 1)), "b": np.ones((4, 1))}
    for name, sign in (("val_a_accuracy", 1), ("val_b_mae", -1)):
        stop = EarlyStopping(name)
        options = {"validation_data": (data, targets), "verbose": 0, "callbacks": [stop]}
        assert model.fit(data, targets, epochs=5, **options).epoch == [0, 1]
        assert stop._sign == sign
