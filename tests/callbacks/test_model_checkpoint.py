"""Which files a checkpoint writes, and that none is lost."""

import os
import shutil

import numpy as np
import pytest
from stand_in_model import Model, train

import fastnn as fn
from fastnn.callbacks import Callback, ModelCheckpoint

X, Y = np.ones((12, 2), np.float32), np.ones((12, 1), np.float32)


def make_model():
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    model.compile(fn.optimizers.Adam(0.1), "mse", metrics=["mae"])
    return model


def saved(values, folder, batches=(), **arguments):
    """The numbers of the epochs after which a file was saved."""
    model = Model()
    callback = ModelCheckpoint(folder / "{epoch}", "loss", **arguments)
    train(callback, model, [{"loss": value} for value in values], batches)
    return [int(os.path.basename(path)) for _, path in model.saved]


CASES = {  # arguments, values, saved after
    "always": ({}, [3, 4, 5], [1, 2, 3]),
    "the best": ({"save_best_only": True}, [3, 4, 2, 2, 1], [1, 3, 5]),
    "the highest": ({"save_best_only": True, "mode": "max"}, [3, 4, 2, 5], [1, 2, 4]),
    "a threshold": ({"save_best_only": True, "initial_value_threshold": 2}, [3, 1, 2, 0], [2, 4]),
}


@pytest.mark.parametrize("name", CASES)
def test_after_which_epochs(name, tmp_path):
    arguments, values, expected = CASES[name]
    assert saved(values, tmp_path, **arguments) == expected


def test_after_batches_counted_across_epochs(tmp_path):
    model = Model()
    callback = ModelCheckpoint(tmp_path / "{epoch}-{batch}-{loss:.1f}", save_freq=4)
    train(callback, model, [{"loss": 0.0}] * 3, [{"loss": 0.25 * i} for i in range(3)])
    assert [os.path.basename(path) for _, path in model.saved] == ["2-1-0.0", "3-2-0.2"]


def test_figures_in_names_and_folders(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "run-{epoch:02d}" / "{val_loss:.2f}-{mae:.1f}.fastnn")
    model = make_model()
    model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[checkpoint])
    assert sorted(os.listdir(tmp_path)) == ["run-01", "run-02"]
    (name,) = os.listdir(tmp_path / "run-02")
    loaded = fn.models.load_model(tmp_path / "run-02" / name)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert int(loaded.optimizer.iterations) == 2


def test_weights_only(tmp_path):
    path = tmp_path / "model.weights.h5"
    model, other = make_model(), make_model()
    model.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(path, save_weights_only=True)])
    other.load_weights(path)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_without_the_figure_it_warns_and_saves(tmp_path):
    with pytest.warns(UserWarning, match="ModelCheckpoint: the logs have no 'loss'"):
        model = Model()
        train(ModelCheckpoint(tmp_path / "a", "loss", save_best_only=True), model, [{}])
    assert len(model.saved) == 1


def test_a_name_that_the_logs_lack(tmp_path):
    with pytest.raises(
        KeyError, match=r"filepath .* has the name 'val_loss'; known are: epoch, lo"
    ):
        train(ModelCheckpoint(tmp_path / "{val_loss}"), Model(), [{"loss": 1.0}])


@pytest.mark.parametrize("freq", ["batch", 0, -1, 1.5, True, None])
def test_a_bad_save_freq(freq):
    with pytest.raises(ValueError, match="ModelCheckpoint: save_freq must be 'epoch' or an integ"):
        ModelCheckpoint("a", save_freq=freq)


def test_what_it_does_is_printed(tmp_path, capsys):
    train(ModelCheckpoint(tmp_path / "a", verbose=1), Model(), [{}])
    assert capsys.readouterr().out == f"ModelCheckpoint: epoch 1 is saved to {tmp_path / 'a'}\n"


def test_a_folder_that_cannot_be_written_is_told_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("")
    model = make_model()
    with pytest.raises(OSError, match=r"ModelCheckpoint: filepath .*: the folder .* cannot be wri"):
        model.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "file" / "a.fastnn")])
    assert int(model.optimizer.iterations) == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_without_permission(tmp_path):
    os.chmod(tmp_path, 0o500)
    with pytest.raises(OSError, match=r"ModelCheckpoint: filepath .*: the folder"):
        train(ModelCheckpoint(tmp_path / "a"), Model(), [{}])


def test_a_folder_that_goes_away_or_is_in_the_way(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match=r"ModelCheckpoint: filepath '.*taken' cannot be written"):
        make_model().fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "taken")])

    class Remove(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            shutil.rmtree(tmp_path / "new")

    path = tmp_path / "new" / "model.fastnn"
    make_model().fit(X, Y, verbose=0, epochs=2, callbacks=[ModelCheckpoint(path), Remove()])
    assert fn.models.load_model(path).built


def test_a_failed_save_leaves_the_last_file_and_the_model(tmp_path, monkeypatch):
    import safetensors.numpy

    path = tmp_path / "model.fastnn"
    model = make_model()
    model.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(path)])
    before = path.read_bytes()

    def full(tensors, name, metadata):
        with open(name, "wb") as file:
            file.write(b"half")
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.numpy, "save_file", full)
        with pytest.raises(OSError, match=r"ModelCheckpoint: filepath .* no space left"):
            model.fit(X, Y, 6, verbose=0, callbacks=[ModelCheckpoint(path)])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.fastnn"]
    assert int(model.optimizer.iterations) == 3  # whole steps, and training goes on
    model.fit(X, Y, 6, verbose=0, callbacks=[ModelCheckpoint(path)])
    assert int(fn.models.load_model(path).optimizer.iterations) == 5


def test_batch_logs_are_made_only_for_a_number_of_batches(tmp_path):
    for freq, hooks in (("epoch", 0), (2, 1)):
        found = fn.callbacks.CallbackList([ModelCheckpoint("a", save_freq=freq)])
        assert len(found.hooks("on_train_batch_end")) == hooks
