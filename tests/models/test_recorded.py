"""fit, evaluate and predict replay their steps: with the bits of run_eagerly=True, always."""

import copy
import pickle
from typing import ClassVar

import numpy as np
import pytest

import fastnn as fn
from fastnn import _core

RNG = np.random.default_rng(1)
X = RNG.standard_normal((70, 6)).astype(np.float32)
Y = RNG.integers(0, 3, 70)


def chain(*layers):
    return fn.Sequential([fn.Input((6,)), *layers, fn.layers.Dense(3, activation="softmax")])


def plain():
    return chain(fn.layers.Dense(8, activation="relu"))


def with_dropout():
    return chain(fn.layers.Dense(16, activation="tanh"), fn.layers.Dropout(0.4))


def with_flatten():
    return chain(fn.layers.Reshape((2, 3)), fn.layers.Flatten(), fn.layers.Dense(4))


def branches():
    x = fn.Input((6,))
    left, right = fn.layers.Dense(5, activation="tanh")(x), fn.layers.Dense(5)(x)
    y = fn.layers.Dense(3, activation="softmax")(fn.layers.Add()([left, right]))
    return fn.Model(x, y)


class Extra(fn.layers.Layer):
    """Adds a loss of its own, and counts its calls where replays must not notice."""

    def call(self, x):
        self.add_loss(fn.ops.sum(x * x) * 0.01)
        return x


def with_a_loss():
    return chain(fn.layers.Dense(4), Extra())


def recorded_steps(model):
    return [step for _, step in model._records.steps.values()]


def replays(model):
    """The number of plans that a model has."""
    return sum(step.explain().count(" replays ") for step in recorded_steps(model))


def trained(make, eager, fit=None, **compile_options):
    options = {
        "optimizer": "adam",
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        "weighted_metrics": ["accuracy"],
    } | compile_options
    fn.utils.set_random_seed(5)
    model = make()
    model.compile(run_eagerly=eager, **options)
    history = model.fit(X, Y, **({"batch_size": 16, "epochs": 4, "verbose": 0} | (fit or {})))
    return model, history.history


def assert_same(first, second):
    for a, b in zip(first[0].get_weights(), second[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert first[1] == second[1]


@pytest.mark.parametrize("make", [plain, with_dropout, with_flatten, branches, with_a_loss])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "RMSprop", "lion", "nadam"])
def test_bits_are_those_of_eager_steps(make, optimizer):
    recorded, eager = (trained(make, flag, optimizer=optimizer) for flag in (False, True))
    assert_same(recorded, eager)
    assert replays(recorded[0]) == 2  # whole batches and the last
    assert not hasattr(eager[0], "_records") or replays(eager[0]) == 0


@pytest.mark.parametrize(
    "fit",
    [
        {"shuffle": False},
        {"shuffle": "batch"},
        {"sample_weight": np.linspace(0.1, 2, 70)},
        {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
        {"validation_split": 0.2},
        {"steps_per_epoch": 3, "epochs": 6},
        {"batch_size": 70, "epochs": 6},
    ],
    ids=lambda fit: ",".join(fit),
)
def test_bits_are_those_of_eager_steps_however_fit_is_called(fit):
    recorded, eager = (trained(with_dropout, flag, fit) for flag in (False, True))
    assert_same(recorded, eager)
    assert replays(recorded[0])


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end"])
def test_steps_that_nobody_watches_are_those_that_a_callback_sees(hook):
    seen = []
    watch = fn.callbacks.LambdaCallback(**{hook: lambda batch, logs: seen.append(batch)})
    watched, alone = (trained(with_dropout, False, {"callbacks": c}) for c in ([watch], None))
    assert_same(watched, alone)
    assert seen == [*range(5)] * 4


def test_targets_may_be_the_inputs():
    """Two tensors on one array: an argument is known by its block, though addresses are equal."""

    def trained_to_copy(x, y):
        fn.utils.set_random_seed(5)
        model = fn.Sequential([fn.Input((6,)), fn.layers.Dense(3), fn.layers.Dense(6)])
        model.compile("adam", "mse")
        history = model.fit(x, y, batch_size=16, epochs=4, verbose=0).history
        return model, (history, [model.evaluate(x, y, batch_size=35, verbose=0) for _ in range(2)])

    same, apart = trained_to_copy(X, X), trained_to_copy(X, X.copy())
    assert_same(same, apart)
    assert replays(same[0]) == replays(apart[0]) == 3
    noisy = X[::-1].copy()
    for model, _ in (same, apart):  # the same plans, on arguments that lie apart
        model.fit(noisy, X, batch_size=16, verbose=0)
    assert_same(same, apart)
    # Of one block, they could not be told apart.
    tensor = fn.tensor(X)
    shared = trained_to_copy(tensor, tensor)
    assert replays(shared[0]) == 0
    assert shared[1] == same[1]


def test_batches_from_an_iterable():
    def batches():
        for start in range(0, 64, 16):
            yield X[start : start + 16], Y[start : start + 16]

    class Batches:
        def __iter__(self):
            return batches()

    def train(eager):
        fn.utils.set_random_seed(5)
        model = plain()
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
        return model, model.fit(Batches(), epochs=3, verbose=0).history

    assert_same(train(False), train(True))


def test_mean_squared_error_with_a_function_and_momentum():
    def loss(y, p):
        return fn.ops.mean(fn.ops.square(fn.ops.one_hot(y, 3) - p), axis=-1)

    options = {"loss": loss, "optimizer": fn.optimizers.SGD(0.1, momentum=0.9, nesterov=True)}
    recorded = trained(plain, False, **options)
    options["optimizer"] = fn.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    assert_same(recorded, trained(plain, True, **options))
    assert replays(recorded[0]) == 2


def test_the_learning_rate_may_change_between_steps():
    class Halve(fn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rate = self.model.optimizer.learning_rate
            self.model.optimizer.learning_rate = float(rate) * 0.9

    fit = {"callbacks": [Halve()], "epochs": 5}
    recorded, eager = (trained(plain, flag, fit) for flag in (False, True))
    assert_same(recorded, eager)
    assert replays(recorded[0])
    constant, _ = trained(plain, False, {"epochs": 5})
    assert not np.array_equal(constant.get_weights()[0], recorded[0].get_weights()[0])


def test_the_learning_rate_may_be_a_schedule_or_a_function():
    decay = fn.optimizers.schedules.ExponentialDecay(0.5, 3, 0.5)
    count = [0.0]

    def rate():
        count[0] += 1.0
        return 0.5 / count[0]

    for make_rate in (lambda: decay, lambda: rate):
        runs = []
        for eager in (False, True):
            count[0] = 0.0
            runs.append(trained(plain, eager, optimizer=fn.optimizers.SGD(make_rate())))
        assert_same(*runs)
        assert replays(runs[0][0]) == 2


def test_weights_may_be_set_between_steps():
    class Reset(fn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                self.model.set_weights([w * 0 + 0.01 for w in self.model.get_weights()])

    fit = {"callbacks": [Reset()], "epochs": 5}
    assert_same(*(trained(plain, flag, fit) for flag in (False, True)))


def test_a_setting_of_a_layer_takes_effect():
    class Change(fn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                self.model.layers[1].rate = 0.9

    fit = {"callbacks": [Change()], "epochs": 6}
    recorded, eager = (trained(with_dropout, flag, fit) for flag in (False, True))
    assert_same(recorded, eager)


def test_a_layer_that_counts_in_an_attribute_is_not_replayed():
    class Scaled(fn.layers.Layer):
        calls = 0

        def call(self, x):
            self.calls += 1
            return x * (1.0 / self.calls)

    recorded, eager = (trained(lambda: chain(Scaled()), flag) for flag in (False, True))
    assert_same(recorded, eager)
    assert recorded[0].layers[0].calls == eager[0].layers[0].calls
    assert replays(recorded[0]) == 0


def test_a_metric_in_numpy_is_not_replayed():
    def largest(y, p):
        return np.asarray(p).max(axis=-1)

    recorded, eager = (trained(plain, flag, metrics=[largest]) for flag in (False, True))
    assert_same(recorded, eager)
    assert replays(recorded[0]) == 0


def test_models_may_take_turns():
    def train(eager):
        fn.utils.set_random_seed(5)
        first, second = plain(), with_dropout()
        for model in (first, second):
            model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
        for _ in range(6):
            for model in (first, second):
                model.train_on_batch(X[:16], Y[:16])
        return first, second

    for recorded, eager in zip(train(False), train(True)):
        for a, b in zip(recorded.get_weights(), eager.get_weights()):
            np.testing.assert_array_equal(a, b)
        assert replays(recorded) == 1


def test_a_label_out_of_range_is_the_same_error_and_changes_no_weight():
    model, _ = trained(plain, False)
    before = model.get_weights()
    bad = Y.copy()
    bad[:] = 3
    with pytest.raises(ValueError) as replay:
        model.fit(X, bad, batch_size=16, verbose=0, shuffle=True)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    eager, _ = trained(plain, True)
    with pytest.raises(ValueError) as expected:
        eager.fit(X, bad, batch_size=16, verbose=0, shuffle=True)
    assert str(replay.value) == str(expected.value)
    model.fit(X, Y, batch_size=16, verbose=0)


def test_evaluate_and_predict_replay_and_see_new_weights():
    model, _ = trained(with_dropout, False)
    eager, _ = trained(with_dropout, True)
    for _ in range(4):
        assert model.evaluate(X, Y, batch_size=16, verbose=0) == eager.evaluate(
            X, Y, batch_size=16, verbose=0
        )
        np.testing.assert_array_equal(model.predict(X, verbose=0), eager.predict(X, verbose=0))
        np.testing.assert_array_equal(model.predict_on_batch(X), eager.predict_on_batch(X))
        for m in (model, eager):
            m.set_weights([w * 0.9 for w in m.get_weights()])
    assert replays(model) >= 4


def test_plans_outlive_fit_and_not_compile():
    model, _ = trained(plain, False)
    model.fit(X, Y, batch_size=16, verbose=0)
    assert replays(model) == 2
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, batch_size=16, verbose=0)
    eager, _ = trained(plain, True)
    eager.fit(X, Y, batch_size=16, verbose=0)
    eager.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    eager.fit(X, Y, batch_size=16, verbose=0)
    for a, b in zip(model.get_weights(), eager.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_train_step_of_the_users_own_is_replayed_with_its_logs():
    class Own(fn.Sequential):
        def train_step(self, data):
            x, y = data
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
            variables = self.trainable_variables
            with fn.no_grad():
                gap = fn.ops.max(y_pred) - fn.ops.min(y_pred)
            from fastnn.autograd import gradients

            self.optimizer.apply(gradients(loss, variables), variables)
            return {"loss": loss.detach() * 1.0, "gap": gap}

    def train(eager):
        fn.utils.set_random_seed(5)
        model = Own([fn.Input((6,)), fn.layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eager)
        return model, model.fit(X, Y, batch_size=16, epochs=5, verbose=0).history

    recorded, eager = train(False), train(True)
    assert_same(recorded, eager)
    assert set(recorded[1]) == {"loss", "gap"}
    assert replays(recorded[0]) == 2


def test_copies_of_a_trained_model():
    model, _ = trained(plain, False)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.skipif(hasattr(_core, "write_past_end"), reason="a sanitizer's build keeps no memory")
def test_a_steady_step_asks_the_system_for_nothing():
    model, _ = trained(with_dropout, False, {"epochs": 8})

    class Count(fn.callbacks.Callback):
        seen: ClassVar = []

        def on_train_batch_end(self, batch, logs=None):
            stats = fn.memory_stats()
            self.seen.append((stats["system_requests"], stats["in_use_bytes"]))

    model.fit(X, Y, batch_size=16, epochs=4, verbose=0, callbacks=[Count()])
    assert len(set(Count.seen[5:])) == 1


@pytest.mark.skipif(hasattr(_core, "write_past_end"), reason="a sanitizer's build keeps no memory")
@pytest.mark.parametrize("eager", [False, True])
def test_a_steady_step_of_an_mlp_asks_the_system_for_nothing(eager):
    x = RNG.random((300, 784), dtype=np.float32)
    y = RNG.integers(0, 10, 300)
    widths = [fn.layers.Dense(500, activation="relu") for _ in range(2)]
    model = fn.Sequential([fn.Input((784,)), *widths, fn.layers.Dense(10, activation="softmax")])
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager
    )
    model.fit(x, y, batch_size=100, epochs=2, verbose=0)
    seen = []

    class Count(fn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(fn.memory_stats()["system_requests"])

    model.fit(x, y, batch_size=100, epochs=4, verbose=0, callbacks=[Count()])
    assert len(seen) == 12 and len(set(seen[3:])) == 1


class Scaled(fn.losses.Loss):
    factor = 1.0

    def call(self, y_true, y_pred):
        return fn.losses.sparse_categorical_crossentropy(y_true, y_pred) * self.factor


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model.optimizer, "momentum", 0.1),
        lambda model: setattr(model._objective.losses[0], "factor", 5.0),
        lambda model: setattr(model.layers[1].kernel.regularizer, "l2", 0.5),
    ],
    ids=["optimizer", "loss", "regularizer"],
)
def test_a_setting_changed_between_steps_takes_effect(change):
    def make():
        return chain(
            fn.layers.Dense(4), fn.layers.Dense(4, kernel_regularizer=fn.regularizers.L2(0.01))
        )

    class Change(fn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                change(self.model)

    def train(eager, callbacks):
        return trained(
            make,
            eager,
            {"epochs": 6, "callbacks": callbacks},
            optimizer=fn.optimizers.SGD(0.1, momentum=0.9),
            loss=Scaled(),
        )

    recorded = train(False, [Change()])
    assert_same(recorded, train(True, [Change()]))
    assert not np.array_equal(recorded[0].get_weights()[0], train(False, [])[0].get_weights()[0])


def test_arguments_that_share_memory_are_told_apart_later():
    def losses(eager):
        fn.utils.set_random_seed(5)
        model = fn.Sequential([fn.Input((6,)), fn.layers.Dense(6)])
        model.compile("sgd", "mse", run_eagerly=eager)
        x, y = fn.tensor(X), fn.tensor(X[::-1].copy())
        return [
            model.evaluate(a, b, batch_size=8, verbose=0) for a, b in ((x, x), (x, y), (y, x))
        ] + [model.train_on_batch(*pair) for pair in ((x, x),) * 5 + ((x, y),) * 3]

    assert losses(False) == losses(True)
