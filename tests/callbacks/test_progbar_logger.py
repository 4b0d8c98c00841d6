"""ProgbarLogger shows what the loops show without it, once."""

import re

import numpy as np
import pytest

import fastnn as fn
from fastnn.callbacks import LambdaCallback, ProgbarLogger

X, Y = np.ones((6, 2), np.float32), np.ones((6, 1), np.float32)


def shown(capsys, loop, callbacks):
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(fn.optimizers.SGD(0.0), "mse")
    loop(model, callbacks)
    return re.sub(r"[\d.]+(us|ms|s)", "TIME", capsys.readouterr().out)


LOOPS = {
    "fit": lambda m, c: m.fit(
        X, Y, 2, epochs=2, verbose=2, callbacks=c, validation_data=(X, Y), initial_epoch=0
    ),
    "evaluate": lambda m, c: m.evaluate(X, Y, 2, verbose=1, callbacks=c),
    "predict": lambda m, c: m.predict(X, 2, verbose=1, callbacks=c),
    "silent": lambda m, c: m.fit(X, Y, 2, verbose=0, callbacks=c),
}


@pytest.mark.parametrize("name", LOOPS)
def test_it_shows_what_is_shown_without_it(name, capsys):
    expected = shown(capsys, LOOPS[name], [])
    assert shown(capsys, LOOPS[name], [ProgbarLogger()]) == expected
    assert bool(expected) == (name != "silent")


def test_the_bar_ends_with_an_error(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    bar = ProgbarLogger()

    def broken(batch, logs):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        shown_bar(bar, broken)
    assert bar._display.live
    assert bar._display._progress is None


def shown_bar(bar, hook):
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, 2, verbose=1, callbacks=[bar, LambdaCallback(on_train_batch_end=hook)])
