"""fit: what is learned, logged, shuffled, weighted and shown."""

import io
import subprocess
import sys
from itertools import chain

import numpy as np
import pytest

import fastnn as fn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0)


def mlp(seed=1, **compiled):
    fn.utils.set_random_seed(seed)
    layers = [fn.Input((6,)), fn.layers.Dense(16, activation="relu")]
    model = fn.Sequential([*layers, fn.layers.Dense(3, activation="softmax")])
    settings = {
        "optimizer": fn.optimizers.Adam(0.01),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
    }
    model.compile(**{**settings, **compiled})
    return model


def numpy_sgd(weights, x, y, rate):
    """A step of x -> dense relu -> dense softmax with mean cross-entropy, in float64."""
    w1, b1, w2, b2 = weights
    h = x @ w1 + b1
    a = np.maximum(h, 0)
    z = a @ w2 + b2
    p = np.exp(z - z.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y])
    hits = p.argmax(-1) == y
    p[np.arange(len(y)), y] -= 1
    dz = p / len(y)
    da = (dz @ w2.T) * (h > 0)
    gradients = [x.T @ da, da.sum(0), a.T @ dz, dz.sum(0)]
    return [w - rate * g for w, g in zip(weights, gradients)], loss, hits


def test_an_epoch_is_the_steps_of_the_formula():
    model = mlp(optimizer=fn.optimizers.SGD(0.1))
    weights = [w.astype(np.float64) for w in model.get_weights()]
    losses, hits = [], []
    for start in range(0, 50, 16):
        rows = slice(start, start + 16)
        weights, loss, hit = numpy_sgd(weights, X[rows].astype(np.float64), LABELS[rows], 0.1)
        losses.append(loss)
        hits.append(hit)
    history = model.fit(X, LABELS, batch_size=16, shuffle=False, verbose=0).history
    for ours, expected in zip(model.get_weights(), weights):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)
    # Means over samples: the last batch of 2 counts 2.
    assert history["loss"][0] == pytest.approx(np.concatenate(losses).mean(), rel=1e-5)
    assert history["accuracy"][0] == pytest.approx(np.concatenate(hits).mean(), rel=1e-12)
    assert int(model.optimizer.iterations) == 4


def test_it_learns():
    model = mlp()
    history = model.fit(X, LABELS, batch_size=16, epochs=60, verbose=0).history
    assert history["accuracy"][-1] > 0.95
    assert model.evaluate(X, LABELS, verbose=0)[1] > 0.95


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.float32])
def test_labels_of_any_dtype_and_one_hot_rows_train_alike(dtype):
    def train(y, **options):
        model = mlp(**options)
        model.fit(X, y, batch_size=16, verbose=0)
        return model.get_weights()

    expected = train(LABELS)
    for ours, w in zip(train(LABELS.astype(dtype)), expected):
        np.testing.assert_array_equal(ours, w)
    for ours, w in zip(train(LABELS.astype(dtype)[:, None]), expected):
        np.testing.assert_allclose(ours, w, rtol=1e-4, atol=1e-6)
    for ours, w in zip(train(np.eye(3)[LABELS], loss="categorical_crossentropy"), expected):
        np.testing.assert_allclose(ours, w, rtol=1e-4, atol=1e-6)


def test_every_epoch_sees_each_sample_once_in_a_new_order():
    seen = []
    model = fn.Sequential([fn.Input((1,)), fn.layers.Dense(1)])

    class Note(fn.Model):
        def __init__(self):
            super().__init__()
            self.inner = model

        def call(self, x):
            return self.inner(x)

        def train_step(self, data):
            seen.append(data[0].numpy()[:, 0].tolist())
            assert data[0].numpy()[:, 0].tolist() == data[1].numpy()[:, 0].tolist()
            return {"loss": 0.0}

    x = np.arange(10, dtype=np.float32)[:, None]
    note = Note()
    note.compile("sgd", "mse")
    note.fit(x, x, batch_size=4, epochs=2, verbose=0)
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    first, second = list(chain(*seen[:3])), list(chain(*seen[3:]))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert first != list(range(10))
    seen.clear()
    note.fit(x, x, batch_size=4, shuffle="batch", verbose=0)
    assert [set(batch) for batch in seen] == [{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}]
    seen.clear()
    note.fit(x, x, batch_size=4, shuffle=False, verbose=0)
    assert list(chain(*seen)) == list(range(10))


def test_the_order_is_a_function_of_seed_and_epoch():
    def weights(seed, epochs):
        model = mlp(seed)
        for _ in range(epochs):
            model.fit(X, LABELS, batch_size=16, verbose=0)
        return model.get_weights()

    for a, b in zip(weights(3, 2), weights(3, 2)):
        np.testing.assert_array_equal(a, b)
    model = mlp(3)
    model.fit(X, LABELS, batch_size=16, epochs=2, verbose=0)
    for a, b in zip(weights(3, 2), model.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_same_bits_for_any_number_of_threads(threads):
    x = np.random.default_rng(1).normal(size=(600, 200)).astype(np.float32)
    y = np.random.default_rng(2).integers(0, 10, 600)

    def train(count):
        before = fn.get_num_threads()
        fn.set_num_threads(count)
        try:
            fn.utils.set_random_seed(7)
            model = fn.Sequential(
                [
                    fn.Input((200,)),
                    fn.layers.Dense(300, activation="relu"),
                    fn.layers.Dropout(0.2),
                    fn.layers.Dense(10, activation="softmax"),
                ]
            )
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            history = model.fit(x, y, batch_size=128, epochs=2, verbose=0).history
            return model.get_weights(), history
        finally:
            fn.set_num_threads(before)

    (expected, log), (got, again) = train(1), train(threads)
    for a, b in zip(expected, got):
        np.testing.assert_array_equal(a, b)
    assert log == again


def test_sample_and_class_weights():
    def train(**options):
        model = mlp(optimizer=fn.optimizers.SGD(0.1))
        history = model.fit(X, LABELS, batch_size=50, shuffle=False, verbose=0, **options).history
        return model.get_weights(), history["loss"][0], history["accuracy"][0]

    weight = np.where(LABELS == 0, 2.0, np.where(LABELS == 2, 0.5, 1.0))
    by_sample, loss, accuracy = train(sample_weight=weight)
    by_class, loss_of_class, _ = train(class_weight={0: 2.0, 2: 0.5})
    for a, b in zip(by_sample, by_class):
        np.testing.assert_array_equal(a, b)
    assert loss == loss_of_class
    plain, plain_loss, plain_accuracy = train()
    assert accuracy == plain_accuracy
    assert loss != plain_loss
    ones, ones_loss, _ = train(sample_weight=np.ones(50))
    assert ones_loss == pytest.approx(plain_loss, rel=1e-6)
    for a, b in zip(ones, plain):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_validation_split_takes_the_end_before_shuffling():
    model = mlp(optimizer=fn.optimizers.SGD(0.0))
    history = model.fit(X, LABELS, validation_split=0.25, verbose=0).history
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    loss, accuracy = model.evaluate(X[37:], LABELS[37:], verbose=0)
    assert history["val_loss"][0] == pytest.approx(loss, rel=1e-6)
    assert history["val_accuracy"][0] == accuracy
    assert history["loss"][0] == pytest.approx(
        model.evaluate(X[:37], LABELS[:37], verbose=0)[0], rel=1e-5
    )


def test_class_weights_do_not_reach_validation():
    model = mlp(optimizer=fn.optimizers.SGD(0.0))
    options = {"validation_split": 0.5, "verbose": 0}
    plain = model.fit(X, LABELS, **options).history
    weighted = model.fit(X, LABELS, class_weight={0: 5.0}, **options).history
    assert weighted["val_loss"] == plain["val_loss"]
    assert weighted["loss"] != plain["loss"]


def test_validation_does_not_disturb_training_and_may_be_rarer():
    plain, watched = mlp(), mlp()
    a = plain.fit(X, LABELS, epochs=4, batch_size=16, verbose=0).history
    b = watched.fit(
        X, LABELS, epochs=4, batch_size=16, verbose=0, validation_data=(X, LABELS),
        validation_freq=2, validation_batch_size=7,
    ).history  # fmt: skip
    assert b["loss"] == a["loss"]
    assert len(b["val_loss"]) == 2


def test_initial_epoch_counts_real_epochs():
    history = mlp().fit(X, LABELS, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


@pytest.mark.parametrize("added", [0.0, 3.0])
def test_regularizers_and_add_loss_enter_the_loss(added):
    class Penalty(fn.layers.Layer):
        def call(self, x):
            self.add_loss(fn.ops.sum(x) * 0.0 + added)
            return x

    model = fn.Sequential([fn.Input((6,)), *([Penalty()] if added else []), fn.layers.Dense(1)])
    model.layers[-1].kernel.regularizer = lambda w: fn.ops.sum(fn.ops.square(w))
    model.compile(fn.optimizers.SGD(0.0), "mse")
    y = np.zeros((50, 1))
    squares = float((model.get_weights()[0] ** 2).sum())
    plain = float((model.predict(X, verbose=0) ** 2).mean())
    loss = model.fit(X, y, batch_size=25, epochs=2, verbose=0).history["loss"]
    assert loss == pytest.approx([plain + squares + added] * 2, rel=1e-5)
    model.compile(fn.optimizers.SGD(0.1), "mse")
    before = model.get_weights()[0].astype(np.float64)
    gradient = 2 * X.astype(np.float64).T @ (X @ before) / 50 + 2 * before
    model.fit(X, y, batch_size=50, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], before - 0.1 * gradient, rtol=1e-4)


def test_a_train_step_of_ones_own():
    class Mine(fn.Model):
        def __init__(self):
            super().__init__()
            self.dense = fn.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            found = fn.autograd.gradients(loss, self.trainable_variables)
            self.optimizer.apply(found, self.trainable_variables)
            return {"mine": loss}

    class Doubled(Mine):
        train_step = fn.Model.train_step

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return 2.0 * super().compute_loss(x, y, y_pred, sample_weight)

    fn.utils.set_random_seed(0)
    mine = Mine()
    loss = fn.losses.SparseCategoricalCrossentropy(from_logits=True)
    mine.compile("adam", loss)
    mine._objective.build(fn.tensor(LABELS), mine(X), None)
    history = mine.fit(X, LABELS, epochs=20, verbose=0).history
    assert list(history) == ["mine"]
    assert history["mine"][-1] < history["mine"][0]
    doubled = Doubled()
    doubled.compile(fn.optimizers.SGD(0.0), loss)
    value = doubled.fit(X, LABELS, batch_size=50, verbose=0).history["loss"][0]
    plain = loss(LABELS, doubled(X)).item()
    assert value == pytest.approx(2 * plain, rel=1e-5)


def test_batches_by_hand():
    model = mlp(optimizer=fn.optimizers.SGD(0.1))
    other = mlp(optimizer=fn.optimizers.SGD(0.1))
    loss, accuracy = model.train_on_batch(X, LABELS)
    history = other.fit(X, LABELS, batch_size=50, shuffle=False, verbose=0).history
    assert loss == pytest.approx(history["loss"][0], rel=1e-6)
    assert accuracy == history["accuracy"][0]
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    model.reset_metrics()
    figures = model.test_on_batch(X, LABELS, return_dict=True)
    assert figures["loss"] == pytest.approx(other.evaluate(X, LABELS, verbose=0)[0], rel=1e-5)


def test_figures_of_batches_by_hand_are_of_each_alone():
    model = mlp(optimizer=fn.optimizers.SGD(0.1))
    expected = model.evaluate(X, LABELS, verbose=0)
    assert model.train_on_batch(X, LABELS) == pytest.approx(expected, rel=1e-5)
    expected = model.evaluate(X, LABELS, verbose=0)
    for _ in range(2):
        assert model.test_on_batch(X, LABELS) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(X, LABELS) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_lines_where_there_is_no_terminal(verbose, capsys):
    mlp().fit(X, LABELS, epochs=2, verbose=verbose, validation_data=(X, LABELS))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert lines[1].startswith("2/2 - ")
    for figure in ("us/step|ms/step", "loss: ", "accuracy: ", "val_loss: ", "val_accuracy: "):
        assert any(part in lines[1] for part in figure.split("|"))
    assert len(lines) == 4


def test_rich_is_not_imported_where_there_is_no_terminal():
    program = (
        "import sys, numpy as np, fastnn as fn;"
        "model = fn.Sequential([fn.layers.Dense(1)]); model.compile('sgd', 'mse');"
        "model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=1);"
        "sys.exit('rich' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_bar_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr("fastnn.models.progress.REFRESH_SECONDS", 0.0)
    mlp().fit(X, LABELS, batch_size=10, epochs=1, verbose=1)
    text = out.getvalue()
    assert "Epoch 1/1" in text
    assert "5/5" in text
    assert "loss: " in text


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras's own making
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_fit_agrees_with_keras(optimizer):
    import keras

    ours = mlp(optimizer=optimizer)
    theirs = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    theirs.set_weights(ours.get_weights())
    theirs.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    options = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}
    weight = RNG.random(50).astype(np.float32)
    options.update(sample_weight=weight, validation_data=(X, LABELS))
    mine, reference = (m.fit(X, LABELS, **options).history for m in (ours, theirs))
    assert set(mine) == set(reference)
    for name, values in reference.items():
        assert mine[name] == pytest.approx(values, rel=1e-4), name
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()
