"""A training that is killed and run again ends with the bits of one that never stopped."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import fastnn as fn
from fastnn.callbacks import BackupAndRestore, LambdaCallback
from fastnn.models import saving

X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
Y = np.arange(40) % 3

PROGRAM = """
import hashlib, os, signal, sys
import numpy as np
import fastnn as fn
folder, moment = sys.argv[1:]
fn.utils.set_random_seed(5)
x = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
model = fn.Sequential([fn.Input((8,)), fn.layers.Dense(16, activation="relu"),
                       fn.layers.BatchNormalization(), fn.layers.Dropout(0.3),
                       fn.layers.Dense(3, activation="softmax")])
model.compile(fn.optimizers.Adam(0.01, use_ema=True), "sparse_categorical_crossentropy")

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

class Kill(fn.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if moment == "step" and self.epoch == 2 and batch == 1:
            die()
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if moment == "write" and epoch == 2:
            os.replace = die  # with the new file complete under its temporary name

rate = fn.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)
callbacks = [rate, Kill(), fn.callbacks.BackupAndRestore(folder)]
history = model.fit(x, np.arange(90) % 3, 20, epochs=5, verbose=0, callbacks=callbacks)
state = [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
print(hashlib.sha256(b"".join(w.tobytes() for w in state)).hexdigest(), *history.epoch)
"""


def run(folder, moment):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), moment], capture_output=True, text=True
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
@pytest.mark.parametrize("moment", ["step", "write"])
def test_killed_and_run_again(moment, tmp_path):
    whole = run(tmp_path / "whole", "never")
    digest, *epochs = whole.stdout.split()
    assert epochs == list("01234"), whole.stderr
    killed = run(tmp_path / "run", moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(os.listdir(tmp_path / "run")) == (1 if moment == "step" else 2)
    again = run(tmp_path / "run", "never")
    assert again.stdout.split() == [digest, "2", "3", "4"], again.stderr
    assert not (tmp_path / "run").exists()


def make_model(units=3):
    fn.utils.set_random_seed(1)
    model = fn.Sequential([fn.Input((4,)), fn.layers.Dense(units, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


class Crash(Exception):
    pass


def crash_at(epoch_of_crash):
    def crash(epoch, logs):
        if epoch == epoch_of_crash:
            raise Crash

    return LambdaCallback(on_epoch_begin=crash)


def broken_off(folder, at, **arguments):
    with pytest.raises(Crash):
        make_model().fit(
            X,
            Y,
            epochs=6,
            verbose=0,
            callbacks=[BackupAndRestore(folder, **arguments), crash_at(at)],
        )


def test_a_broken_off_training_is_the_beginning_of_the_whole_one(tmp_path):
    whole = make_model()
    logs = whole.fit(X, Y, epochs=6, verbose=0).history["loss"]
    broken_off(tmp_path, 4)
    model = make_model()
    again = model.fit(X, Y, epochs=6, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    assert again.epoch == [4, 5]
    assert again.history["loss"] == logs[4:]
    for a, b in zip(whole.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_training_that_had_ended_is_not_repeated(tmp_path):
    keep = BackupAndRestore(tmp_path, delete_checkpoint=False)
    make_model().fit(X, Y, epochs=2, verbose=0, callbacks=[keep])
    assert make_model().fit(X, Y, epochs=2, verbose=0, callbacks=[keep]).epoch == []
    model = make_model()
    assert model.fit(X, Y, epochs=3, verbose=0, callbacks=[keep]).epoch == [2]
    assert model.fit(X, Y, epochs=1, verbose=0).epoch == [0]  # the epoch does not stay in a model


def test_after_a_number_of_batches(tmp_path):
    """Steps: 5 an epoch, 12 counted, saved after 4, 8 and 12."""
    note = []
    stop = LambdaCallback(
        on_train_batch_end=lambda batch, logs: note.append(batch),
        on_train_batch_begin=lambda batch, logs: (
            (_ for _ in ()).throw(Crash) if len(note) == 12 else None
        ),
    )
    model = make_model()
    with pytest.raises(Crash):
        model.fit(X, Y, 8, epochs=6, verbose=0, callbacks=[BackupAndRestore(tmp_path, 4), stop])
    other = make_model()
    started = {}

    def look(epoch, logs):
        started.setdefault(epoch, int(other.optimizer.iterations))

    other.fit(
        X,
        Y,
        8,
        epochs=4,
        verbose=0,
        callbacks=[BackupAndRestore(tmp_path, 4), LambdaCallback(on_epoch_begin=look)],
    )
    assert started == {2: 12, 3: 17}


def test_a_damaged_backup_is_replaced_by_the_one_before(tmp_path):
    broken_off(tmp_path, 3, double_checkpoint=True)
    latest = tmp_path / "latest.fastnn"
    latest.write_bytes(latest.read_bytes()[:-5])
    keep = BackupAndRestore(tmp_path, double_checkpoint=True)
    with pytest.warns(UserWarning, match="BackupAndRestore: .*damaged.*the one before it is used"):
        assert make_model().fit(X, Y, epochs=4, verbose=0, callbacks=[keep]).epoch == [2, 3]
    assert not tmp_path.exists()


def test_a_damaged_backup_alone_is_an_error(tmp_path):
    broken_off(tmp_path, 2)
    latest = tmp_path / "latest.fastnn"
    latest.write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match=r"BackupAndRestore: .*latest.fastnn: is damaged"):
        make_model().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    assert latest.exists()


def test_a_backup_of_another_model(tmp_path):
    broken_off(tmp_path, 2)
    other = make_model(5)
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"does not fit model .*dense/kernel has shape \(4, 5\)"):
        other.fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    for a, b in zip(before, other.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_only_its_own_files_are_removed(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    make_model().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="BackupAndRestore: backup_dir must name a folder, got ''"):
        BackupAndRestore("")
    with pytest.raises(ValueError, match="BackupAndRestore: save_freq"):
        BackupAndRestore(tmp_path, save_freq="batch")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="BackupAndRestore: backup_dir: the folder"):
        make_model().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path / "file")])
    model = fn.Sequential([fn.layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"BackupAndRestore: model .* is not built"):
        model.fit(X, X[:, :3], verbose=0, callbacks=[BackupAndRestore(tmp_path)])


def test_a_backup_that_cannot_be_written(tmp_path, monkeypatch):
    """Training ends with an error; the backup before is whole."""
    keep = BackupAndRestore(tmp_path, double_checkpoint=True)

    def full(model, path, progress):
        if progress["epoch"] == 2:
            raise OSError("no space left")
        return save(model, path, progress)

    save = saving.save_training
    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_training", full)
        with pytest.raises(OSError, match=r"BackupAndRestore: the backup .* no space left"):
            make_model().fit(X, Y, epochs=3, verbose=0, callbacks=[keep])
    assert make_model().fit(X, Y, epochs=3, verbose=0, callbacks=[keep]).epoch == [1, 2]
