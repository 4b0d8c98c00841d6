"""Evaluation with averaged weights; the trained ones are never lost."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.callbacks import Callback, EarlyStopping, ModelCheckpoint, SwapEMAWeights

X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = X @ np.float32([[1], [-2], [0.5]])
OPTIONS = {"epochs": 3, "verbose": 0, "validation_data": (X, Y)}


class Trained(Callback):
    """Notes the weights after each step, and those before each epoch."""

    def __init__(self):
        super().__init__()
        self.steps, self.begins = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(self.model.get_weights()[0])

    def on_epoch_begin(self, epoch, logs=None):
        self.begins.append(self.model.get_weights()[0])


def make_model(**options):
    fn.utils.set_random_seed(2)
    model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(1, use_bias=False)])
    model.compile(fn.optimizers.SGD(0.1, **{"use_ema": True, "ema_momentum": 0.5} | options), "mse")
    return model


def averages(steps):
    """The moving average after each step, in float64."""
    average = np.float64(steps[0])
    found = [average]
    for weights in steps[1:]:
        average = 0.5 * average + 0.5 * weights
        found.append(average)
    return found


def loss(kernel):
    return np.mean((X @ np.float64(kernel) - Y) ** 2)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_validation_sees_averages_and_training_goes_on_with_weights(swap_on_epoch):
    plain, swapped = Trained(), Trained()
    make_model().fit(X, Y, 8, **OPTIONS, callbacks=[plain])
    model = make_model()
    history = model.fit(X, Y, 8, **OPTIONS, callbacks=[SwapEMAWeights(swap_on_epoch), swapped])
    np.testing.assert_array_equal(plain.steps, swapped.steps)
    np.testing.assert_array_equal(swapped.begins, plain.begins)
    means = averages(plain.steps)
    expected = [loss(means[step]) for step in (2, 5, 8)]
    np.testing.assert_allclose(history.history["val_loss"], expected, rtol=1e-5)  # of float32
    np.testing.assert_allclose(model.get_weights()[0], means[-1], rtol=1e-5)


def test_evaluate_and_predict():
    model, swap = make_model(), SwapEMAWeights()
    notes = Trained()
    with pytest.raises(KeyboardInterrupt):  # fit, without its end: the weights stay as trained
        model.fit(X, Y, 8, verbose=0, callbacks=[notes, Interrupt()])
    own, mean = model.get_weights()[0], averages(notes.steps)[-1]
    np.testing.assert_allclose(
        model.predict(X, verbose=0, callbacks=[swap]), X @ mean, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_array_equal(model.get_weights()[0], own)
    found = model.evaluate(X, Y, verbose=0, callbacks=[swap])
    assert found == pytest.approx(loss(mean), rel=1e-5)
    np.testing.assert_array_equal(model.get_weights()[0], own)


class Interrupt(Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt


def test_other_callbacks_see_averages_between_epochs(tmp_path):
    path = str(tmp_path / "{epoch}")
    model, notes = make_model(), Trained()
    callbacks = [notes, SwapEMAWeights(swap_on_epoch=True), ModelCheckpoint(path)]
    model.fit(X, Y, 8, **OPTIONS, callbacks=callbacks)
    means = averages(notes.steps)
    for epoch in (1, 2, 3):
        saved = fn.models.load_model(tmp_path / str(epoch)).get_weights()[0]
        np.testing.assert_allclose(saved, means[3 * epoch - 1], rtol=1e-5)


def test_the_averages_remain_after_an_early_stop():
    model, notes = make_model(), Trained()
    stop = EarlyStopping("loss", mode="max")  # the loss falls: after two epochs
    model.fit(X, Y, 8, **OPTIONS, callbacks=[notes, SwapEMAWeights(swap_on_epoch=True), stop])
    assert len(notes.steps) == 6
    np.testing.assert_allclose(model.get_weights()[0], averages(notes.steps)[-1], rtol=1e-5)


@pytest.mark.parametrize("hook", ["on_test_batch_end", "on_epoch_end"])
def test_an_error_leaves_the_trained_weights(hook):
    def broken(*_):
        raise RuntimeError("mine")

    model, notes = make_model(), Trained()
    callbacks = [notes, SwapEMAWeights(True), fn.callbacks.LambdaCallback(**{hook: broken})]
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, Y, 8, **OPTIONS, callbacks=callbacks)
    np.testing.assert_array_equal(model.get_weights()[0], notes.steps[-1])


def test_an_evaluation_between_epochs_loses_nothing():
    plain, swapped = Trained(), Trained()
    make_model().fit(X, Y, 8, **OPTIONS, callbacks=[plain])
    model, swap = make_model(), SwapEMAWeights(swap_on_epoch=True)

    def look(epoch, logs):
        model.evaluate(X, Y, verbose=0, callbacks=[swap])

    callbacks = [swapped, swap, fn.callbacks.LambdaCallback(on_epoch_end=look)]
    model.fit(X, Y, 8, **OPTIONS, callbacks=callbacks)
    np.testing.assert_array_equal(plain.steps, swapped.steps)


def test_an_optimizer_without_averages():
    with pytest.raises(ValueError, match="SwapEMAWeights: the optimizer must be made with use_ema"):
        make_model(use_ema=False).evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])


def test_before_the_first_step_there_are_none():
    model = make_model()
    expected = loss(model.get_weights()[0])
    found = model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()])
    assert found == pytest.approx(expected, rel=1e-5)
