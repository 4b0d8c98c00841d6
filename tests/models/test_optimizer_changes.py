"""An optimizer that is replaced after compile, and a model without anything to train."""

import warnings

import numpy as np
import pytest

import fastnn as fn

X = np.random.default_rng(0).standard_normal((12, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def model(optimizer="adam"):
    fn.utils.set_random_seed(1)
    made = fn.Sequential([fn.Input((3,)), fn.layers.Dense(4), fn.layers.Dense(1)])
    made.compile(optimizer, "mse", metrics=["mae"])
    return made


@pytest.mark.parametrize(
    "replacement", [lambda: fn.optimizers.SGD(0.1), lambda: fn.optimizers.SGD(0.1, momentum=0.9)]
)
def test_a_replaced_optimizer_is_saved(replacement, tmp_path):
    made = model()
    made.fit(X, Y, verbose=0)
    made.optimizer = replacement()
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    assert again.optimizer.get_config() == made.optimizer.get_config()
    for a, b in zip(made.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("replaced", [False, True])
def test_an_optimizer_before_any_step_is_saved(replaced, tmp_path):
    made = model()
    if replaced:
        made.optimizer = fn.optimizers.SGD(0.1, momentum=0.9)
    made.optimizer.learning_rate = 0.25
    made.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    assert again.optimizer.get_config() == made.optimizer.get_config()
    assert again.optimizer.learning_rate.item() == 0.25
    for one in (made, again):
        one.fit(X, Y, shuffle=False, verbose=0)
    for a, b in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "rate", [lambda: 0.0, fn.optimizers.schedules.ExponentialDecay(0.0, 1, 1.0)]
)
def test_a_learning_rate_that_becomes_a_function_is_that_of_the_next_step(rate):
    made = model(fn.optimizers.SGD(0.1))
    made.fit(X, Y, batch_size=2, verbose=0)
    before = made.get_weights()
    made.optimizer.learning_rate = rate
    made.fit(X, Y, batch_size=2, verbose=0)
    for a, b in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rate", [None, -1.0, float("nan"), "fast", np.ones(2), True])
def test_a_function_that_returns_no_learning_rate(rate):
    weight = fn.Variable([1.0])
    optimizer = fn.optimizers.SGD(lambda: rate, name="sgd")
    message = "sgd: the function of the learning rate returned .*, expected a number of at least 0"
    with pytest.raises(ValueError, match=message):
        optimizer.apply([fn.tensor([1.0])], [weight])
    assert weight.item() == 1.0


@pytest.mark.parametrize(
    "make", [int, float, np.float32, np.int64, np.array, fn.Variable, lambda x: fn.tensor(int(x))]
)
def test_numbers_that_a_function_may_return(make):
    weight = fn.Variable([3.0])
    fn.optimizers.SGD(lambda: make(2.0)).apply([fn.tensor([1.0])], [weight])
    assert weight.item() == 1.0


def test_fit_goes_on_with_an_optimizer_that_a_callback_put_in():
    class Replace(fn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                self.model.optimizer = fn.optimizers.SGD(0.5)

    options = {"batch_size": 2, "shuffle": False, "verbose": 0}
    replaced, stepwise = model(fn.optimizers.SGD(0.01)), model(fn.optimizers.SGD(0.01))
    replaced.fit(X, Y, callbacks=[Replace()], **options)
    stepwise.fit(X[:6], Y[:6], **options)
    stepwise.compile(fn.optimizers.SGD(0.5), "mse")
    stepwise.fit(X[6:], Y[6:], **options)
    assert int(replaced.optimizer.iterations) == 3
    for a, b in zip(replaced.get_weights(), stepwise.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_frozen_model_is_evaluated_but_not_trained(tmp_path):
    made = model()
    for layer in made.layers:
        layer.trainable = False
    made.compile("adam", "mse", metrics=["mae"])
    before = made.get_weights()
    with pytest.warns(UserWarning, match="no trainable weights"):
        logs = made.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    error = (X.astype(float) @ before[0] + before[1]) @ before[2] + before[3] - Y
    np.testing.assert_allclose(logs["loss"], [np.mean(error**2)] * 2, rtol=1e-5)
    np.testing.assert_allclose(logs["mae"], [np.mean(np.abs(error))] * 2, rtol=1e-5)
    made.save(tmp_path / "model.fastnn")
    fn.models.load_model(tmp_path / "model.fastnn")


def test_a_partly_frozen_model_trains_the_rest_without_a_warning():
    made = model()
    made.layers[0].trainable = False
    made.compile("sgd", "mse")
    before = made.get_weights()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.fit(X, Y, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, made.get_weights(), strict=True)]
    assert changed == [False, False, True, True]


def test_fit_scales_the_loss_for_the_gradients_only():
    plain, scaled = model(fn.optimizers.SGD(0.1)), model(fn.optimizers.SGD(0.1))
    scaled.optimizer.loss_scale_factor = 64.0  # a power of two: the same digits
    logs = [m.fit(X, Y, batch_size=4, epochs=2, verbose=0).history for m in (plain, scaled)]
    assert logs[0] == logs[1]
    for a, b in zip(plain.get_weights(), scaled.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_fit_ends_with_the_averages():
    made = model(fn.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    seen = []
    callback = fn.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(made.get_weights())
    )
    made.fit(X, Y, batch_size=4, verbose=0, callbacks=[callback])
    for first, second, third, average in zip(*seen, made.get_weights(), strict=True):
        expected = 0.5 * third.astype(float) + 0.25 * second + 0.25 * first
        np.testing.assert_allclose(average, expected, rtol=1e-6, atol=1e-7)


def test_fit_accumulates_gradients():
    """Three batches of four, one step: a step on all twelve."""
    whole, parts = (
        model(fn.optimizers.SGD(0.1, gradient_accumulation_steps=steps)) for steps in (None, 3)
    )
    whole.fit(X, Y, batch_size=12, shuffle=False, verbose=0)
    parts.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_fit_follows_a_schedule_that_is_saved_with_the_model(tmp_path):
    rates = fn.optimizers.schedules.PiecewiseConstantDecay([0, 1], [0.1, 0.05, 0.0])
    made = model(fn.optimizers.SGD(rates))
    made.fit(X, Y, batch_size=4, verbose=0)
    before = made.get_weights()
    made.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    assert again.optimizer.get_config() == made.optimizer.get_config()
    again.fit(X, Y, batch_size=4, verbose=0)  # the rate is 0 by now
    for a, b in zip(before, again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
