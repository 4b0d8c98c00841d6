"""What is drawn of a training is what the history holds, over the epochs that it belongs to."""

import numpy as np
import pytest

import fastnn as fn

pytest.importorskip("matplotlib", reason="drawing needs matplotlib (extra: demo)")

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((24, 3)), RNG.standard_normal((24, 1))


def trained(**options):
    model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model.fit(X, Y, verbose=0, validation_data=(X[:8], Y[:8]), **options)


def test_panels(tmp_path):
    history = trained(epochs=4)
    drawing = history.plot(tmp_path / "training.png")
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    assert [ax.get_ylabel() for ax in drawing.figure.axes] == ["loss", "mae"]
    assert sorted(drawing.values) == ["loss", "mae", "val_loss", "val_mae"]
    for name, (epochs, values) in drawing.values.items():
        np.testing.assert_array_equal(epochs, [1, 2, 3, 4])
        np.testing.assert_array_equal(values, history.history[name])
    training, validation = drawing.figure.axes[1].lines
    np.testing.assert_array_equal(training.get_ydata(), history.history["mae"])
    np.testing.assert_array_equal(validation.get_ydata(), history.history["val_mae"])
    assert (training.get_label(), validation.get_label()) == ("training", "validation")


def test_values_stand_at_their_epochs():
    values = trained(epochs=7, validation_freq=3).plot().values
    np.testing.assert_array_equal(values["val_loss"][0], [3, 6])
    np.testing.assert_array_equal(values["loss"][0], range(1, 8))
    values = trained(epochs=7, initial_epoch=4).plot().values
    np.testing.assert_array_equal(values["loss"][0], [5, 6, 7])


def test_a_history_that_goes_on():
    history = fn.callbacks.History()
    for _ in range(2):
        trained(epochs=2, callbacks=[history])
    np.testing.assert_array_equal(history.plot().values["loss"][0], [1, 2, 3, 4])


def test_a_single_epoch_can_be_seen():
    (ax,) = fn.plots.history({"loss": [1.0]}).figure.axes
    assert ax.lines[0].get_marker() == "o"
    assert ax.get_legend() is None


def test_a_metric_of_several_figures():
    (ax,) = fn.plots.history({"f1_score": [[0.1, 0.2], [0.3, 0.4]]}).figure.axes
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.1, 0.3], [0.2, 0.4]]


def test_curves_of_several_trainings():
    first, second = trained(epochs=2), {"loss": [1.0, 2.0, 3.0]}
    drawing = fn.plots.curves({"a": first, "b": second})
    assert list(drawing.values) == ["a, training", "a, test", "b, training"]
    np.testing.assert_array_equal(drawing.values["a, test"][1], first.history["val_loss"])
    colors = [line.get_color() for line in drawing.figure.axes[0].lines]
    assert colors[0] == colors[1] != colors[2]


def test_bad_input():
    with pytest.raises(ValueError, match="history: there are no figures: nothing was trained"):
        fn.callbacks.History().plot()
    with pytest.raises(
        ValueError, match="curves: the history of 'a' has no 'acc'; there is 'loss'"
    ):
        fn.plots.curves({"a": {"loss": [1]}}, "acc")
    with pytest.raises(ValueError, match="curves: histories is empty"):
        fn.plots.curves({})
