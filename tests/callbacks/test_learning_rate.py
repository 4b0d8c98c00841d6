"""Learning rates that callbacks set: which, when, and that steps use them."""

import numpy as np
import pytest
from stand_in_model import Model, train

import fastnn as fn
from fastnn.callbacks import LearningRateScheduler, ReduceLROnPlateau

X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
Y = X @ np.float32([[1], [-2], [0.5], [3]])


def rates(callback, values, rate=1.0):
    logs = [{"loss": value} for value in values]
    train(callback, Model(fn.optimizers.SGD(rate)), logs)
    return [figures["learning_rate"] for figures in logs] + [callback.model.optimizer]


CASES = {  # arguments, values, the rate in the logs of each epoch, the rate after the last
    "patience": ({"patience": 2}, [3, 2, 2, 2, 2], [1, 1, 1, 1, 0.5], 0.5),
    "again and again": ({"patience": 1}, [1, 1, 1, 1], [1, 1, 0.5, 0.25], 0.125),
    "improvement": ({"patience": 2}, [3, 3, 2, 2, 1, 1], [1] * 6, 1),
    "min_delta": ({"patience": 1, "min_delta": 1}, [3, 2.5, 1], [1, 1, 0.5], 0.5),
    "cooldown": ({"patience": 1, "cooldown": 2}, [1] * 5, [1, 1, 0.5, 0.5, 0.25], 0.25),
    "min_lr": ({"patience": 1, "min_lr": 0.4}, [1] * 4, [1, 1, 0.5, 0.4], 0.4),
    "max": ({"patience": 1, "mode": "max"}, [1, 2, 2, 3], [1, 1, 1, 0.5], 0.5),
}


@pytest.mark.parametrize("name", CASES)
def test_when_it_is_reduced(name):
    arguments, values, expected, last = CASES[name]
    callback = ReduceLROnPlateau("loss", factor=0.5, **arguments)
    for _ in range(2):  # every training starts anew
        *seen, optimizer = rates(callback, values)
        assert seen == expected
        assert optimizer.learning_rate.item() == last


def test_a_reduction_is_printed(capsys):
    rates(ReduceLROnPlateau("loss", 0.5, 1, verbose=1), [1, 1])
    assert capsys.readouterr().out == "ReduceLROnPlateau: learning rate 0.5 after epoch 2\n"


def test_without_the_figure_it_warns():
    with pytest.warns(UserWarning, match="ReduceLROnPlateau: the logs have no 'val_loss'"):
        rates(ReduceLROnPlateau(patience=1), [1, 1])


def test_the_factor_must_reduce():
    with pytest.raises(ValueError, match="ReduceLROnPlateau: factor must be below 1, got 1"):
        ReduceLROnPlateau(factor=1.0)


def test_a_schedule_of_epoch_and_rate():
    halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    assert rates(halve, [1, 1, 1])[:3] == [0.5, 0.25, 0.125]
    assert rates(LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1)), [1, 1])[:2] == [0.1, 0.2]


def test_an_error_in_a_schedule_is_its_own():
    def broken(epoch, rate):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        rates(LearningRateScheduler(broken), [1])


def test_what_a_schedule_must_be():
    with pytest.raises(TypeError, match="LearningRateScheduler: schedule must be a function"):
        LearningRateScheduler(0.1)
    with pytest.raises(ValueError, match="schedule must return a float, got 1 for epoch 0"):
        rates(LearningRateScheduler(lambda epoch, rate: 1), [1])


@pytest.mark.parametrize("make", [ReduceLROnPlateau, LearningRateScheduler])
def test_an_optimizer_with_a_schedule_is_refused(make):
    schedule = fn.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5)
    callback = (
        ReduceLROnPlateau("loss", patience=1)
        if make is ReduceLROnPlateau
        else LearningRateScheduler(lambda epoch, rate: rate)
    )
    with pytest.raises(TypeError, match=f"{make.__name__}: .*cannot be set"):
        rates(callback, [1, 1], schedule)


def test_rates_are_printed(capsys):
    rates(LearningRateScheduler(lambda epoch, rate: 0.5, verbose=1), [1])
    assert capsys.readouterr().out == "LearningRateScheduler: epoch 1 has learning rate 0.5\n"


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_recorded_steps_use_the_new_rate(optimizer):
    """The same bits as steps in Python, and as training with each rate by hand."""
    per_epoch = [0.1, 0.01, 0.2, 0.0]
    results = []
    for way in ("recorded", "eager", "by hand"):
        fn.utils.set_random_seed(1)
        model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(1)])
        model.compile(getattr(fn.optimizers, optimizer)(9.0), "mse", run_eagerly=way == "eager")
        if way == "by hand":
            for epoch, rate in enumerate(per_epoch):
                model.optimizer.learning_rate = rate
                model.fit(X, Y, 8, epochs=epoch + 1, initial_epoch=epoch, verbose=0)
        else:
            scheduler = LearningRateScheduler(lambda epoch, rate: per_epoch[epoch])
            model.fit(X, Y, 8, epochs=4, verbose=0, callbacks=[scheduler])
        results.append(model.get_weights())
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)
    assert np.isfinite(results[0][0]).all()
