"""Callbacks decide as Keras's do on the same logs."""

import itertools
import os
import re

import numpy as np
import pytest
from stand_in_model import Model, train

import fastnn as fn

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras's own
]

keras = pytest.importorskip("keras")

# On a grid, so that values equal to the best one, or better by just min_delta, are common.
RNG = np.random.default_rng(0)
SEQUENCES = [list(np.round(RNG.integers(0, 8, size=14) * 0.1, 1)) for _ in range(15)]
SEQUENCES += [[0.5, np.nan, 0.4, 0.4, 0.3], [np.nan, 0.5, 0.4], [1.0, 1 - 1e-9, 1 - 1e-7, 0.5]]


def grid(**arguments):
    return [dict(zip(arguments, values)) for values in itertools.product(*arguments.values())]


def logs_of(values):
    return [{"loss": 0.0, "val_x": float(value)} for value in values]


def stopped(library, values, arguments):
    callback = library.callbacks.EarlyStopping("val_x", **arguments)
    model = Model()
    count = train(callback, model, logs_of(values))
    return count, callback.stopped_epoch, callback.best_epoch, callback.wait, model.weights


@pytest.mark.parametrize(
    "arguments",
    grid(
        mode=["min", "max"],
        patience=[0, 2],
        min_delta=[0, 0.1, -0.2],
        baseline=[None, 0.3],
        restore_best_weights=[False, True],
        start_from_epoch=[0, 3],
    ),
    ids=str,
)
def test_early_stopping(arguments):
    for values in SEQUENCES:
        assert stopped(fn, values, arguments) == stopped(keras, values, arguments), values


def reduced(library, values, arguments):
    callback = library.callbacks.ReduceLROnPlateau("val_x", **arguments)
    logs = logs_of(values)
    train(callback, Model(library.optimizers.SGD(0.5)), logs)
    rates = [figures["learning_rate"] for figures in logs]
    return rates, callback.wait, callback.cooldown_counter


@pytest.mark.parametrize(
    "arguments",
    grid(
        mode=["min", "max"],
        patience=[1, 3],
        min_delta=[1e-4, 0.1],
        cooldown=[0, 2],
        factor=[0.5, 0.1],
        min_lr=[0.0, 0.07],
    ),
    ids=str,
)
def test_reduce_lr_on_plateau(arguments):
    for values in SEQUENCES:
        ours, *our_state = reduced(fn, values, arguments)
        theirs, *their_state = reduced(keras, values, arguments)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)  # Keras's rates are float32
        assert our_state == their_state, values


def saved(library, values, batches, folder, arguments):
    name = "{epoch:02d}-{val_x:.1f}.keras"
    if arguments.get("save_freq", "epoch") != "epoch":
        name = "{epoch}-{batch}.keras"
    callback = library.callbacks.ModelCheckpoint(folder / name, "val_x", **arguments)
    model = Model()
    train(callback, model, logs_of(values), [{"val_x": float(value)} for value in batches])
    return [os.path.basename(path) for _, path in model.saved]


@pytest.mark.parametrize(
    "arguments",
    grid(mode=["min", "max"], save_best_only=[False, True], initial_value_threshold=[None, 0.4])
    + grid(mode=["min"], save_freq=[1, 3, 7]),
    ids=str,
)
def test_model_checkpoint(arguments, tmp_path):
    for values in SEQUENCES:
        files = [saved(library, values, values[:5], tmp_path, arguments) for library in (fn, keras)]
        assert files[0] == files[1], values
        assert files[0] or arguments.get("save_best_only")


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.skipif(os.name != "posix", reason="Keras's lines end otherwise elsewhere")
def test_csv_logger(append, separator, tmp_path):
    trainings = [
        [{"loss": 0.1, "acc": 1.0}, {"loss": 0.25, "acc": 0.5, "val_loss": 3.0}],
        [{"loss": np.float32(0.1), "acc": np.array(1.5), "val_acc": [1, 2]}, {"loss": "a,b;"}],
    ]
    files = []
    for library in (fn, keras):
        path = tmp_path / f"{library.__name__}.csv"
        callback = library.callbacks.CSVLogger(path, separator, append)
        for logs in trainings:
            train(callback, Model(), logs)
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_learning_rate_scheduler():
    def schedule(epoch, rate):
        return rate * 0.5 if epoch % 2 else rate

    found = []
    for library in (fn, keras):
        logs = logs_of(range(6))
        scheduler = library.callbacks.LearningRateScheduler(schedule)
        train(scheduler, Model(library.optimizers.SGD(0.1)), logs)
        found.append([figures["learning_rate"] for figures in logs])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)  # Keras's rates are float32


@pytest.mark.parametrize("loss", [0.5, np.nan, np.inf, -np.inf])
def test_terminate_on_nan(loss):
    found = []
    for library in (fn, keras):
        model = Model()
        train(library.callbacks.TerminateOnNaN(), model, [{}], [{"loss": 1.0}, {"loss": loss}])
        found.append(model.stop_training)
    assert found[0] == found[1] == (loss != 0.5)


METRICS = [name for name in fn.metrics.__all__ if re.match("[A-Z].*(Acc|Err|Cross)", name)]
METRICS += ["Mean", "Sum"]


@pytest.mark.parametrize("metric", METRICS)
def test_auto_directions(metric):
    from keras.src.trainers.compile_utils import MetricsList  # the ones that Keras looks into

    def outcome(library):
        chosen = getattr(library.metrics, metric)(name="x")
        if library is keras:
            chosen = MetricsList([chosen])
        callback = library.callbacks.EarlyStopping("val_x", patience=2)
        try:
            return train(callback, Model(metrics=[chosen]), logs_of([1, 2, 3, 4, 5]))
        except ValueError:
            return "unknown"

    assert outcome(fn) == outcome(keras)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_swap_ema_weights(swap_on_epoch):
    x = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
    y = x @ np.float32([[1], [-2], [0.5]])
    found = []
    for library in (fn, keras):
        dense = library.layers.Dense(1, kernel_initializer="ones")
        model = library.Sequential([library.Input((3,)), dense])
        model.compile(library.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7), "mse")
        history = model.fit(
            x,
            y,
            8,
            epochs=3,
            shuffle=False,
            verbose=0,
            validation_data=(x, y),
            callbacks=[library.callbacks.SwapEMAWeights(swap_on_epoch)],
        ).history
        found.append([*history["loss"], *history["val_loss"], *model.get_weights()[0].flat])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)  # design bound of float32 results


def test_arguments_and_defaults():
    import inspect

    not_in_keras = {"AnnealedDropout"}
    for name in set(fn.callbacks.__all__) - {"Callback", "CallbackList", "History"} - not_in_keras:
        theirs = inspect.signature(getattr(keras.callbacks, name)).parameters
        ours = inspect.signature(getattr(fn.callbacks, name)).parameters
        expected = [(p.name, p.default) for p in theirs.values() if p.kind != p.VAR_KEYWORD]
        assert [(p.name, p.default) for p in ours.values() if p.kind != p.VAR_KEYWORD] == expected
