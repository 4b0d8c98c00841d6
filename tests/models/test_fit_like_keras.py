"""Where training goes in Keras 3's ways: what a step is given, where passes begin and end."""

import numpy as np
import pytest

import fastnn as fn

X = np.arange(100, dtype=np.float32)[:, None]
Y = np.zeros((100, 1), np.float32)


def linear(rate=0.0):
    model = fn.Sequential([fn.Input((1,)), fn.layers.Dense(1, kernel_initializer="ones")])
    model.compile(fn.optimizers.SGD(rate), "mse")
    return model


def mean_square(rows):
    return pytest.approx(np.square(X[rows].astype(np.float64)).mean(), rel=1e-5)


def batches(count):
    return ((X[i : i + 10], Y[i : i + 10]) for i in range(0, 10 * count, 10))


def structured(structure):
    class Model(fn.Model):
        def __init__(self):
            super().__init__()
            self.dense = fn.layers.Dense(1)

        def call(self, x):
            return structure(self.dense(x))

    return Model()


@pytest.mark.parametrize("structure", [lambda y: [y], lambda y: {"o": y}], ids=["list", "dict"])
@pytest.mark.parametrize("functional", [True, False])
def test_one_output_in_a_structure_is_trained_batch_after_batch(structure, functional):
    x = fn.Input((1,))
    model = fn.Model([x], structure(fn.layers.Dense(1)(x))) if functional else structured(structure)
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = X / 100, Y
    start = model.evaluate(x, y, batch_size=10, verbose=0)[0]
    model.fit(x, y, batch_size=10, epochs=3, verbose=0)
    assert model.evaluate(x, y, batch_size=10, verbose=0)[0] < start


def test_lists_of_one_are_unpacked():
    x = fn.Input((4,))
    model = fn.Model([x], [fn.layers.Dense(3)(x)])
    assert model.predict(np.ones((20, 4)), verbose=0).shape == (20, 3)
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 3))


@pytest.mark.parametrize("given", [1, 2, 3])
def test_a_step_of_ones_own_is_given_what_there_is(given):
    seen = {}

    class Model(fn.Sequential):
        def train_step(self, data):
            seen["train"] = data
            return super().train_step(data)

        def test_step(self, data):
            seen["test"] = data
            return super().test_step(data)

        def predict_step(self, data):
            seen["predict"] = data
            return super().predict_step(data)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return y_pred.mean()

    model = Model([fn.Input((1,)), fn.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = (X, Y, Y[:, 0])[:given]
    model.fit(*data[:2], sample_weight=data[2] if given == 3 else None, verbose=0)
    model.evaluate(*data[:2], sample_weight=data[2] if given == 3 else None, verbose=0)
    model.predict(X, verbose=0)
    for step in ("train", "test"):
        assert isinstance(seen[step], fn.Tensor) if given == 1 else len(seen[step]) == given
    assert isinstance(seen["predict"], fn.Tensor)


def test_validation_begins_with_the_first_batch_each_epoch():
    history = linear().fit(
        X, Y, batch_size=10, epochs=3, verbose=0, validation_data=(X, Y), validation_steps=2
    )
    assert history.history["val_loss"] == [mean_square(slice(20))] * 3


def test_evaluation_ends_with_the_data():
    with pytest.warns(UserWarning, match="ran out after 4 of 20 steps"):
        assert linear().predict(X, batch_size=32, steps=20, verbose=0).shape == (100, 1)
    with pytest.warns(UserWarning, match="ran out after 2 of 3 steps"):
        loss = linear().evaluate(X[:40], Y[:40], batch_size=32, steps=3, verbose=0)
    assert loss == mean_square(slice(40))


def test_steps_without_a_batch_size_make_one_pass():
    assert linear().evaluate(X, Y, steps=2, verbose=0) == mean_square(slice(100))
    assert linear().predict(X, steps=3, verbose=0).shape == (100, 1)
    model = linear()
    model.fit(X, Y, steps_per_epoch=3, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 6
    val = linear().fit(X, Y, validation_data=(X, Y), validation_steps=7, verbose=0)
    assert val.history["val_loss"] == [mean_square(slice(100))]


def test_steps_of_parts_of_the_data():
    model = linear()
    history = model.fit(
        X, Y, validation_split=0.2, steps_per_epoch=10, validation_steps=1, epochs=2, verbose=0
    ).history
    assert int(model.optimizer.iterations) == 20
    assert history["loss"] == [mean_square(slice(80))] * 2  # one pass
    assert history["val_loss"] == [mean_square(slice(80, 100))] * 2


def test_validation_batch_size_is_that_of_a_validation_split():
    history = linear().fit(
        *(X, Y),
        batch_size=8,
        validation_split=0.5,
        validation_batch_size=4,
        validation_steps=1,
        shuffle=False,
        verbose=0,
    )
    assert history.history["val_loss"] == [mean_square(slice(50, 54))]


def test_generators_that_end_end_the_training():
    ended = []
    note = fn.callbacks.LambdaCallback(on_train_end=ended.append)
    with pytest.warns(UserWarning, match="x ran out of batches"):
        history = linear().fit(batches(5), epochs=3, verbose=0, callbacks=[note])
    assert history.epoch == [0] and len(ended) == 1
    with pytest.warns(UserWarning, match="validation_data ran out of batches"):
        history = linear().fit(X, Y, epochs=2, validation_data=batches(5), verbose=0)
    assert history.epoch == [0, 1]
    assert history.history["val_loss"] == [mean_square(slice(50))]
    with pytest.raises(ValueError, match="x yields no batches"):
        linear().fit(batches(0), verbose=0)
    with pytest.raises(ValueError, match="validation_data: x yields no batches"):
        linear().fit(X, Y, validation_data=batches(0), verbose=0)


def test_loaders_without_a_length():
    class Loader:
        def __len__(self):
            raise TypeError("the data has none")

        def __iter__(self):
            return batches(5)

    model = linear()
    model.fit(Loader(), epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 10


def test_validation_data_without_targets():
    class Model(fn.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return (x * x).mean() + 0.0 * y_pred.mean()

    model = Model([fn.Input((1,)), fn.layers.Dense(1)])
    model.compile("sgd")
    for given in (X[:20], (X[:20],)):
        history = model.fit(X, validation_data=given, verbose=0)
        assert history.history["val_loss"] == [mean_square(slice(20))]


@pytest.mark.parametrize(("method", "end"), [("evaluate", "test"), ("predict", "predict")])
def test_callbacks_end_evaluation(method, end):
    model = linear()
    stop = {"evaluate": "stop_evaluating", "predict": "stop_predicting"}[method]

    class Stop(fn.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            setattr(self.model, stop, batch == 1)

        on_test_batch_end = on_predict_batch_end = on_batch_end

    run = getattr(model, method)
    data = (X,) if method == "predict" else (X, Y)
    found = run(*data, batch_size=10, verbose=0, callbacks=[Stop()])
    assert found == mean_square(slice(20)) if method == "evaluate" else len(found) == 20
    whole = run(*data, batch_size=10, verbose=0)
    assert whole == mean_square(slice(100)) if method == "evaluate" else len(whole) == 100
