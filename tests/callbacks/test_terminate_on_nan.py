"""Training ends with the batch whose loss is no number."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.callbacks import Callback, TerminateOnNaN


class Ended(Callback):
    ended = False

    def on_train_end(self, logs=None):
        self.ended = True


def fit(value, *callbacks):
    model = fn.Sequential([fn.Input((1,)), fn.layers.Dense(1, kernel_initializer="ones")])
    model.compile(fn.optimizers.SGD(0.0), "mse")
    x = np.ones((6, 1), np.float32)
    y = np.array([[0], [0], [0], [value], [0], [0]], np.float32)
    model.fit(x, y, 1, epochs=3, shuffle=False, verbose=0, callbacks=callbacks)
    return model


@pytest.mark.parametrize("value", [1e30, -1e30])
def test_it_ends_after_that_batch(value, capsys):
    end = Ended()
    model = fit(value, TerminateOnNaN(), end)
    assert int(model.optimizer.iterations) == 4
    assert end.ended
    assert capsys.readouterr().out == (
        "TerminateOnNaN: the loss is inf after batch 3: training ends\n"
    )


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf, np.float32(np.nan)])
def test_what_is_no_number(loss, capsys):
    callback = TerminateOnNaN()
    callback.set_model(fn.Sequential())
    for finite in ({"loss": 1e38}, {}, None):
        callback.on_train_batch_end(0, finite)
    assert not callback.model.stop_training
    callback.on_train_batch_end(1, {"loss": loss})
    assert callback.model.stop_training


def test_finite_losses_pass():
    assert int(fit(0.0, TerminateOnNaN()).optimizer.iterations) == 18


def test_an_error_if_asked_for():
    end = Ended()
    with pytest.raises(RuntimeError, match="TerminateOnNaN: the loss is inf after batch 3"):
        fit(1e30, TerminateOnNaN(raise_error=True), end)
    assert not end.ended
