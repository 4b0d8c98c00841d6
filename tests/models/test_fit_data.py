"""What fit takes as data: generators, lists of batches, several inputs, other dtypes."""

import numpy as np
import pytest

import fastnn as fn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0)


def mlp():
    fn.utils.set_random_seed(1)
    model = fn.Sequential([fn.Input((6,)), fn.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_batches_from_a_generator():
    def batches():
        for start in range(0, 50, 16):
            yield X[start : start + 16], LABELS[start : start + 16]

    expected = mlp()
    expected.fit(X, LABELS, batch_size=16, shuffle=False, verbose=0)
    model = mlp()
    model.fit(batches(), verbose=0)
    for a, b in zip(model.get_weights(), expected.get_weights()):
        np.testing.assert_array_equal(a, b)
    model = mlp()
    model.fit(list(batches()).__iter__(), steps_per_epoch=2, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 4


def test_a_list_like_object_of_batches_starts_anew_each_epoch():
    class Batches:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return X[i * 16 : i * 16 + 16], LABELS[i * 16 : i * 16 + 16]

    model = mlp()
    model.fit(Batches(), epochs=2, verbose=0, validation_data=Batches())
    assert int(model.optimizer.iterations) == 6


def test_a_generator_that_ends_early_warns_and_stops():
    batches = ((X, LABELS) for _ in range(3))
    model = mlp()
    with pytest.warns(UserWarning, match="ran out after 1 of 2 steps"):
        history = model.fit(batches, steps_per_epoch=2, epochs=5, verbose=0)
    assert history.epoch == [0, 1]
    assert int(model.optimizer.iterations) == 3


@pytest.mark.parametrize("shuffle", [True, False])
def test_steps_per_epoch_on_arrays_goes_on_across_epochs(shuffle):
    whole, cut = mlp(), mlp()
    whole.fit(X, LABELS, batch_size=16, epochs=6, shuffle=shuffle, verbose=0)
    cut.fit(
        X, LABELS, batch_size=16, steps_per_epoch=3, epochs=8, shuffle=shuffle, verbose=0
    )  # of passes of 4 steps
    assert int(cut.optimizer.iterations) == 24
    for a, b in zip(cut.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_several_inputs_by_list_and_by_name():
    a, b = fn.Input((2,), name="a"), fn.Input((3,), name="b")
    out = fn.layers.Dense(1)(fn.layers.Concatenate()([a, b]))
    model = fn.Model([a, b], out)
    model.compile("sgd", "mse")
    xa, xb, y = np.ones((8, 2)), np.zeros((8, 3)), np.ones((8, 1))
    start = model.get_weights()
    model.fit([xa, xb], y, verbose=0)
    by_list = model.get_weights()
    model.set_weights(start)
    model.fit({"b": xb, "a": xa}, y, verbose=0)
    for p, q in zip(by_list, model.get_weights()):
        np.testing.assert_array_equal(p, q)


def test_float64_arrays_become_floatx_and_tensors_are_taken():
    model = mlp()
    model.fit(X.astype(np.float64), LABELS, batch_size=16, verbose=0)
    other = mlp()
    other.fit(fn.tensor(X), fn.tensor(LABELS), batch_size=16, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("steps", [None, 1])
def test_a_pass_goes_on_where_it_was_after_another_fit_within_it(steps):
    model = fn.Sequential([fn.Input((1,)), fn.layers.Dense(1, "linear", False, "zeros")])
    model.compile(fn.optimizers.SGD(1.0), lambda y, y_pred: -y_pred)  # the weight sums the samples

    def column(*values):
        return np.array(values, np.float32)[:, None]

    def fit(x, **arguments):
        model.fit(x, 0 * x, batch_size=1, shuffle=False, verbose=0, **arguments)

    def within(epoch, logs):
        if epoch == 0:
            fit(column(16, 32), steps_per_epoch=steps)

    hook = fn.callbacks.LambdaCallback(on_epoch_end=within)
    fit(column(1, 2, 4, 8), steps_per_epoch=2, epochs=2, callbacks=hook)
    assert model.get_weights()[0].item() == 15 + (48 if steps is None else 16)


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_train_batch_end", "on_epoch_end"])
def test_a_fit_returns_its_own_history_after_another_one_within_it(hook):
    model, within = mlp(), []

    def fit_once(*_):
        if not within:
            within.append(None)
            within.append(model.fit(X, LABELS, verbose=0))

    callbacks = fn.callbacks.LambdaCallback(**{hook: fit_once})
    history = model.fit(X, LABELS, epochs=3, verbose=0, callbacks=callbacks)
    assert (history.epoch, within[1].epoch) == ([0, 1, 2], [0])
    assert model.history is history
