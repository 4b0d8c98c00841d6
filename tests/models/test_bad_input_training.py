"""Mistakes in the settings of a training, and failures in the middle of it."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import callbacks, layers, losses, metrics, optimizers

rng = np.random.default_rng(3)
X = rng.random((20, 4), dtype=np.float32)
LABELS = np.arange(20) % 3
BITS = (np.arange(20) % 2).astype("float32")[:, None]


def model(units=3, activation="softmax", **settings):
    fn.utils.set_random_seed(1)
    made = fn.Sequential([fn.Input((4,)), layers.Dense(units, activation=activation)])
    made.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **settings})
    return made


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "near"),
    [
        (lambda: model(loss="sparse_categorical_crosentropy"), "sparse_categorical_crossentropy"),
        (lambda: losses.get("mean_square_error"), "mean_squared_error"),
        (lambda: model(metrics=["acuracy"]).fit(X, LABELS, verbose=0), "accuracy"),
        (lambda: model(optimizer="adamm"), "adam"),
        (lambda: optimizers.get("RMSProb"), "RMSprop"),
        (lambda: layers.Dense(1, activation="rellu"), "relu"),
        (lambda: layers.Dense(1, kernel_initializer="he_norml"), "he_normal"),
        (lambda: layers.Dense(1, kernel_regularizer="l1l"), "l1"),
        (lambda: layers.Dense(1, kernel_constraint="max_nrm"), "max_norm"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(call, near):
    with pytest.raises(ValueError, match=rf"unknown .*did you mean '{near}"):
        call()


@pytest.mark.parametrize(
    "callback",
    [
        lambda: callbacks.EarlyStopping(monitor="val_los"),
        lambda: callbacks.ReduceLROnPlateau(monitor="val_los"),
    ],
)
def test_an_unknown_figure_suggests_the_nearest(callback):
    with pytest.warns(UserWarning, match="the logs have no 'val_los'; .*did you mean 'val_loss'"):
        model().fit(X, LABELS, validation_split=0.5, callbacks=[callback()], verbose=0)


# ---- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: losses.BinaryCrossentropy()([1.0, 0.0], [1.5, 0.2]),
            "binary_crossentropy: output must be probabilities, got 1.5; for logits there is from",
        ),
        (lambda: losses.BinaryFocalCrossentropy()([1.0], [-0.5]), "probabilities, got -0.5"),
        (lambda: losses.CategoricalCrossentropy()([[0.0, 1.0]], [[-1.0, 2.0]]), "got -1"),
        (
            lambda: losses.CategoricalFocalCrossentropy()([[0.0, 1.0]], [[-1.0, 2.0]]),
            "categorical_focal_crossentropy: y_pred must be probabilities, got -1",
        ),
        (lambda: losses.SparseCategoricalCrossentropy()([1], [[-1.0, 2.0]]), "got -1"),
        (lambda: metrics.AUC(name="auc")([1.0, 0.0], [3.0, 0.5]), "auc: y_pred must be prob.* 3;"),
    ],
)
def test_numbers_that_are_no_probabilities(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_probabilities_may_be_rounded():
    losses.BinaryCrossentropy()([1.0, 0.0], [1.0 + 1e-6, -1e-6])
    losses.CategoricalCrossentropy()([[0.0, 1.0]], [[2.0, 6.0]])  # of any sum, as in Keras


def test_logits_that_a_loss_takes_for_probabilities():
    """A forgotten sigmoid: the first step says so, and nothing was trained."""
    made = model(units=1, activation=None, loss="binary_crossentropy")
    before = made.get_weights()
    with pytest.raises(ValueError, match="must be probabilities"):
        made.fit(X - 5.0, BITS, verbose=0)
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(made.optimizer.iterations) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimizers.SGD(-0.1), "SGD: learning_rate must be at least 0, got -0.1"),
        (lambda: optimizers.Adam(float("nan")), "Adam: learning_rate must be at least 0, got nan"),
        (lambda: optimizers.SGD(0.1, momentum=2.0), "SGD: momentum must be from 0 to 1"),
        (lambda: setattr(model().optimizer, "learning_rate", -1.0), "must be at least 0, got -1"),
        (lambda: layers.Dropout(1.5), "Dropout: rate must be a number from 0 to 1, got 1.5"),
        (lambda: layers.SpatialDropout2D(-0.1), "rate must be a number from 0 to 1, got -0.1"),
        (lambda: layers.LSTM(2, dropout=1.5), "dropout must be a number from 0 to 1, got 1.5"),
        (lambda: layers.GRU(2, recurrent_dropout=-1), "recurrent_dropout must be a number from 0"),
        (lambda: layers.ActivityRegularization(l2=-0.1), "must be a number that is not negative"),
        (lambda: metrics.CategoricalAccuracy()([[1, 0, 0]], [[0.1, 0.9]]), "y_true has shape"),
        (lambda: losses.MeanSquaredError()([[1.0, 2.0]], [[1.0], [2.0]]), "y_true has shape"),
    ],
)
def test_numbers_out_of_their_range(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_cell_whose_masks_are_of_another_batch():
    for cell, states in ((layers.LSTMCell(3, dropout=0.5), 2), (layers.GRUCell(3, dropout=0.5), 1)):

        def step(batch, cell=cell, states=states):
            cell(np.ones((batch, 2), "float32"), [np.zeros((batch, 3), "float32")] * states,
                 training=True)  # fmt: skip

        step(4)
        with pytest.raises(ValueError, match=r"masks of shape \(4, 2\).*\(2, 2\); call"):
            step(2)
        cell.reset_dropout_mask()
        step(2)


# ---- failures ------------------------------------------------------------------------------------


class Failing(callbacks.Callback):
    """Raises when a hook is called for the nth time."""

    def __init__(self, hook, time):
        super().__init__()
        self.left = time
        setattr(self, hook, self.count)

    def count(self, *args):
        self.left -= 1
        if not self.left:
            raise RuntimeError("the disk is full")


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize(
    ("hook", "time", "steps"),
    [
        ("on_train_begin", 1, 0),
        ("on_epoch_begin", 2, 4),
        ("on_train_batch_begin", 3, 2),
        ("on_train_batch_end", 6, 6),
        ("on_test_batch_end", 1, 4),
        ("on_epoch_end", 1, 4),
        ("on_train_end", 1, 12),
    ],
)
def test_a_callback_that_raises(hook, time, steps, eagerly):
    """What was trained stays, whole; training goes on as if it had never been interrupted."""
    data = {"batch_size": 5, "shuffle": False, "verbose": 0, "validation_data": (X, LABELS)}

    made = model(run_eagerly=eagerly, metrics=["accuracy"])
    with pytest.raises(RuntimeError, match="the disk is full"):
        made.fit(X, LABELS, epochs=3, callbacks=[Failing(hook, time)], **data)
    assert int(made.optimizer.iterations) == steps
    assert not made.stop_training

    # The same steps without a failure.
    whole = model(run_eagerly=eagerly, metrics=["accuracy"])
    for i in range(steps):
        rows = slice(i % 4 * 5, i % 4 * 5 + 5)
        whole.train_on_batch(X[rows], LABELS[rows])
    after = [m.fit(X, LABELS, epochs=2, **data).history for m in (made, whole)]
    assert after[0] == after[1]
    weights = zip(
        [*made.weights, *made.optimizer.variables], [*whole.weights, *whole.optimizer.variables]
    )
    for a, b in weights:
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: callbacks.ModelCheckpoint(path / "m.safetensors"), "ModelCheckpoint: filep"),
        (lambda path: callbacks.BackupAndRestore(path / "backup"), "BackupAndRestore: backup_dir"),
        (lambda path: callbacks.CSVLogger(path / "log.csv"), "CSVLogger: filename"),
    ],
)
def test_a_folder_that_cannot_be_written(make, what, tmp_path):
    occupied = tmp_path / "folder"
    occupied.write_text("a file, no folder")
    made = model()
    with pytest.raises(OSError, match=f"{what}.*cannot be written"):
        made.fit(X, LABELS, callbacks=[make(occupied)], verbose=0)
    assert int(made.optimizer.iterations) == 0 and occupied.read_text() == "a file, no folder"
    made.fit(X, LABELS, verbose=0)


def test_a_file_that_cannot_be_saved(tmp_path):
    (tmp_path / "folder").write_text("a file, no folder")
    target = tmp_path / "folder" / "m.safetensors"
    for save in (model().save, model().save_weights):
        with pytest.raises(OSError, match=r"m\.safetensors: cannot be written"):
            save(target)
