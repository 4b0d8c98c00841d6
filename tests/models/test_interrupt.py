"""Ctrl-C during fit leaves the state of a whole number of steps."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import fastnn as fn
from fastnn.models.interrupt import InterruptGuard

X = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
LABELS = np.arange(64) % 3


@pytest.fixture(autouse=True)
def interrupts_are_heard():
    """A shell starts what runs in the background deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def make_model():
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def press():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("steps", [1, 3])
def test_a_step_is_finished_first(moment, steps, monkeypatch):
    model = make_model()
    optimizer = model.optimizer
    prepared = type(optimizer).prepared

    def pressing(self, variables):
        apply = prepared(self, variables)

        def step(gradients):
            last = int(self.iterations) + 1 == steps
            if moment == "before" and last:
                press()
            apply(gradients)
            if moment == "after" and last:
                press()

        return step

    monkeypatch.setattr(type(optimizer), "prepared", pressing)
    if moment == "during":
        original = fn._core.optimizer_step

        def slow(*arguments):
            if int(optimizer.iterations) + 1 == steps:
                press()
            return original(*arguments)

        monkeypatch.setattr(fn._core, "optimizer_step", slow)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, LABELS, batch_size=8, epochs=2, shuffle=False, verbose=0)
    assert signal.getsignal(signal.SIGINT) is handler
    assert int(optimizer.iterations) == steps
    assert model._loss_tracker.count.item() == 8 * steps
    monkeypatch.undo()
    other = make_model()
    other.fit(X[: 8 * steps], LABELS[: 8 * steps], batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)
    model.fit(X, LABELS, verbose=0)  # it goes on


def test_steps_that_nobody_watches_are_interrupted():
    model = make_model()
    x, labels = np.repeat(X, 10_000, 0), np.repeat(LABELS, 10_000)
    model.fit(X, LABELS, batch_size=1, verbose=0)
    before = int(model.optimizer.iterations)

    def press_in_the_middle():
        while int(model.optimizer.iterations) < before + 100:
            time.sleep(0.001)
        press()

    thread = threading.Thread(target=press_in_the_middle, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, labels, batch_size=1, verbose=0)
    thread.join()
    steps = int(model.optimizer.iterations) - before
    assert 100 <= steps < len(x)
    assert model._loss_tracker.count.item() == steps


def test_in_a_callback_it_acts_at_once():
    class Press(fn.callbacks.Callback):
        after = False

        def on_epoch_end(self, epoch, logs=None):
            press()
            self.after = True

    callback = Press()
    with pytest.raises(KeyboardInterrupt):
        make_model().fit(X, LABELS, verbose=0, callbacks=[callback])
    assert not callback.after


def test_a_second_one_does_not_wait():
    with pytest.raises(KeyboardInterrupt), InterruptGuard() as guard:
        guard.busy = True
        press()
        press()
        raise AssertionError("the second Ctrl-C was delayed")


def test_other_threads_train_without_the_signal():
    errors = []

    def train():
        try:
            make_model().fit(X, LABELS, verbose=0)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert not errors


def test_the_prepared_step_sees_changed_settings():
    class Change(fn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.optimizer.beta_1 = 0.5

    changed, plain = make_model(), make_model()
    changed.fit(X, LABELS, batch_size=16, shuffle=False, verbose=0, callbacks=[Change()])
    plain.fit(X[:16], LABELS[:16], shuffle=False, verbose=0)
    plain.optimizer.beta_1 = 0.5
    plain.fit(X[16:], LABELS[16:], batch_size=16, shuffle=False, verbose=0)
    for a, b in zip(changed.get_weights(), plain.get_weights()):
        np.testing.assert_array_equal(a, b)
