"""Which hooks are called, in which order, with what."""

import numpy as np
import pytest

import fastnn as fn
from fastnn.callbacks import Callback, CallbackList, History, LambdaCallback

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class Recorder(Callback):
    """Notes every call."""

    def __init__(self):
        super().__init__()
        self.calls = []


def _noting(name):
    def hook(self, *args):
        self.calls.append((name, *args))

    return hook


for _name in HOOKS:
    if _name not in ("on_batch_begin", "on_batch_end"):
        setattr(Recorder, _name, _noting(_name))


def make_model():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_hooks_of_fit_in_order():
    recorder = Recorder()
    x, y = np.ones((5, 2)), np.ones((5, 1))
    make_model().fit(
        x, y, batch_size=3, epochs=2, verbose=0, callbacks=recorder, validation_data=(x, y)
    )
    batch = ["on_train_batch_begin", "on_train_batch_end"] * 2
    test = ["on_test_begin", *["on_test_batch_begin", "on_test_batch_end"] * 2, "on_test_end"]
    epoch = ["on_epoch_begin", *batch, *test, "on_epoch_end"]
    assert [call[0] for call in recorder.calls] == [
        "on_train_begin",
        *epoch,
        *epoch,
        "on_train_end",
    ]
    assert recorder.params == {"verbose": 0, "epochs": 2, "steps": 2}
    ends = [call for call in recorder.calls if call[0] == "on_epoch_end"]
    assert [call[1] for call in ends] == [0, 1]
    assert list(ends[0][2]) == ["loss", "mae", "val_loss", "val_mae"]
    assert all(type(value) is float for value in ends[0][2].values())


def test_hooks_of_predict_and_evaluate():
    recorder = Recorder()
    model = make_model()
    model.predict(np.ones((3, 2)), batch_size=2, verbose=0, callbacks=[recorder])
    names = [call[0] for call in recorder.calls]
    assert names == [
        "on_predict_begin",
        *["on_predict_batch_begin", "on_predict_batch_end"] * 2,
        "on_predict_end",
    ]
    assert recorder.calls[2][2]["outputs"].shape == (2, 1)
    recorder.calls.clear()
    model.evaluate(np.ones((3, 2)), np.ones((3, 1)), verbose=0, callbacks=[recorder])
    assert recorder.calls[0][0] == "on_test_begin"
    assert recorder.calls[-1][0] == "on_test_end"
    assert list(recorder.calls[-1][1]) == ["loss", "mae"]


def test_batch_logs_are_means_since_the_epoch_began():
    seen = []
    x = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1, kernel_initializer="ones")])
    model.compile(fn.optimizers.SGD(0.0), "mse")
    note = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    model.fit(x, np.zeros((3, 1)), batch_size=1, verbose=0, callbacks=[note], shuffle=False)
    np.testing.assert_allclose(seen, [1, 5 / 2, 14 / 3], rtol=1e-6)


def test_what_a_callback_adds_to_the_logs_reaches_the_history():
    class Add(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["extra"] = epoch * 10.0

    history = make_model().fit(
        np.ones((4, 2)), np.ones((4, 1)), epochs=3, verbose=0, callbacks=[Add()]
    )
    assert history.history["extra"] == [0.0, 10.0, 20.0]
    assert history.epoch == [0, 1, 2]


@pytest.mark.parametrize("generated", [False, True])
def test_stop_training_ends_after_the_batch(generated):
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = make_model()
    x, y = np.ones((5, 2)), np.ones((5, 1))
    data = {"x": iter([(x, y)] * 3)} if generated else {"x": x, "y": y, "batch_size": 2}
    history = model.fit(**data, epochs=5, verbose=0, callbacks=[Stop()])
    assert int(model.optimizer.iterations) == 2
    assert history.epoch == [0]


def test_old_batch_hooks_are_called():
    class Old(Callback):
        count = 0

        def on_batch_end(self, batch, logs=None):
            self.count += 1

    old = Old()
    make_model().fit(np.ones((4, 2)), np.ones((4, 1)), batch_size=1, verbose=0, callbacks=[old])
    assert old.count == 4


def test_only_overridden_hooks_are_kept():
    hooks = CallbackList([LambdaCallback(on_epoch_end=lambda epoch, logs: None), Callback()])
    assert {name for name in HOOKS if hooks.hooks(name)} == {"on_epoch_end"}


FIT_HOOKS = [name for name in HOOKS if "predict" not in name]


@pytest.mark.parametrize("hook", FIT_HOOKS)
@pytest.mark.parametrize("call", [1, 2])
def test_an_error_in_a_hook_leaves_whole_steps(hook, call):
    """The model is as after that many steps by hand, and can be trained on."""

    def broken(*_):
        nonlocal call
        call -= 1
        if call <= 0:
            raise RuntimeError("mine")

    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    y = x[:, :1]
    options = {"batch_size": 3, "shuffle": False, "verbose": 0, "validation_data": (x, y)}
    model, by_hand = make_model(), make_model()
    by_hand.set_weights(model.get_weights())
    broken_hook = LambdaCallback(**{hook: broken})
    once_a_fit = hook in ("on_train_begin", "on_train_end")
    if once_a_fit:
        call = 1
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(x, y, epochs=2, callbacks=[broken_hook], **options)
    for step in range(int(model.optimizer.iterations)):
        part = slice(0, 3) if step % 2 == 0 else slice(3, 5)
        by_hand.train_on_batch(x[part], y[part])
    for again in range(2):
        for a, b in zip(model.get_weights(), by_hand.get_weights()):
            np.testing.assert_array_equal(a, b)
        if not again:
            logs = [m.fit(x, y, epochs=2, **options).history for m in (model, by_hand)]
            assert logs[0] == logs[1]


def test_bad_callbacks_are_named():
    with pytest.raises(TypeError, match="expected Callback objects"):
        CallbackList([History])
    with pytest.raises(TypeError, match="'on_nothing' is not a hook"):
        LambdaCallback(on_nothing=print)
    with pytest.raises(TypeError, match="on_epoch_end must be a function"):
        LambdaCallback(on_epoch_end=3)
