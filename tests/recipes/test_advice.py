"""Advice from a training's record."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.cli import main
from fastnn.recipes.advice import advise, read_log


def record(loss, accuracy, val_accuracy=None, val_loss=None):
    logs = {"loss": loss, "accuracy": accuracy}
    for name, values in (("val_accuracy", val_accuracy), ("val_loss", val_loss)):
        if values is not None:
            logs[name] = values
    return logs


def test_good_on_both():
    advice = advise(record([1.0, 0.1], [0.7, 0.97], [0.7, 0.95]))
    assert advice.fails is None and not advice.tips and "Good on training data, good" in str(advice)


def test_overfitted_names_the_epoch_to_stop_at():
    advice = advise(record([1, 0.4, 0.1], [0.7, 0.9, 1], [0.7, 0.8, 0.8], [1.0, 0.8, 1.3]))
    assert advice.fails == "testing" and any("after epoch 2" in tip for tip in advice.tips)


def test_falling_flat_rising_and_lost():
    falling = advise(record([2.0, 1.8, 1.6, 1.4], [0.2, 0.3, 0.4, 0.5]))
    flat = advise(record([2.0, 1.2, 1.2, 1.2], [0.2, 0.5, 0.5, 0.5]))
    rising = advise(record([2.0, 1.2, 1.9, 2.5], [0.2, 0.5, 0.3, 0.2]))
    lost = advise(record([2.0, float("nan")], [0.2, 0.1]))
    assert "Raise the learning rate" in falling.tips[0] and "more neurons" in flat.tips[0]
    assert "Lower the learning rate" in rising.tips[0] and "no longer a number" in lost.tips[0]
    assert {a.fails for a in (falling, flat, rising, lost)} == {"training"}


def test_a_history_brings_its_model():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "mse", metrics=["accuracy"])
    x, y = np.zeros((4, 2)), np.eye(2)[[0, 1, 0, 1]]
    assert "proper loss" in advise(model.fit(x, y, verbose=0)).tips[0]


def test_the_command(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("epoch,accuracy,loss,val_accuracy\n0,0.5,1.0,NA\n1,0.99,0.1,0.7\n")
    assert main(["advise", str(path)]) == 0
    assert "it overfits" in capsys.readouterr().out
    assert read_log(path)["accuracy"] == [0.5, 0.99] and np.isnan(read_log(path)["val_accuracy"][0])


def test_what_is_not_known_is_not_praised():
    silent = advise(record([1.0, 0.1], [0.7, 0.97]))
    assert silent.fails is None and "nothing is known of testing data" in str(silent)
    late = record([1.0, 0.2, 0.1], [0.7, 0.97, 0.99], [float("nan"), 0.7, float("nan")])
    assert advise(late).fails == "testing"
    assert "more than one epoch" in advise(record([2.0], [0.2])).tips[0]
    with pytest.raises(ValueError, match="expected loss and accuracy"):
        advise(record([1.0], [float("nan")]))
    assert advise({"loss": [1, 0.1], "acc": [0.5, 0.99], "val_acc": [0.5, 0.6]}).fails == "testing"


def test_other_separators(tmp_path):
    path = tmp_path / "log.csv"
    log = fn.callbacks.CSVLogger(path, separator=";")
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["accuracy"])
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[log])
    assert {"accuracy", "loss"} <= set(read_log(path))


@pytest.mark.parametrize(
    "text", ["epoch,loss\n0,high\n", "not a log", "", "\x00\xff", "epoch,a\n0," + "9" * 200_000]
)
def test_bad_logs(text, tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text(text)
    assert main(["advise", str(path)]) == 1
    assert "advise:" in capsys.readouterr().err


def test_a_log_that_cannot_be_read_is_named(tmp_path, capsys):
    for path in (tmp_path / "none.csv", tmp_path):
        assert main(["advise", str(path)]) == 1
        assert f"fastnn: advise: {path} cannot be read: " in capsys.readouterr().err
