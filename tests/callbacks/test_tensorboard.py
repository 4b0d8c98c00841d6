"""What TensorBoard is given, read back from its files."""

import struct
import sys

import numpy as np
import pytest

import fastnn as fn
from fastnn.callbacks import Callback, TensorBoard

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
Y = X[:, :1]


def events(folder):
    """(step, tag, value) of each entry in a folder's files: records of 12 bytes, the event, 4."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            for value in event.summary.value:
                kept = value.histo.num if value.HasField("histo") else value.simple_value
                found.append((event.step, value.tag, kept))
    return found


def fit(callback, **arguments):
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(1, name="out")])
    model.compile(fn.optimizers.SGD(0.1), "mse")
    history = model.fit(
        X, Y, 4, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[callback], **arguments
    )
    return history.history


def test_figures_of_epochs(tmp_path):
    pytest.importorskip("tensorboardX")
    history = fit(TensorBoard(tmp_path / "logs"))
    rate = np.float32(0.1)
    expected = []
    for epoch, loss in enumerate(history["loss"]):
        expected += [(epoch, "epoch_loss", np.float32(loss)), (epoch, "epoch_learning_rate", rate)]
    assert events(tmp_path / "logs" / "train") == expected
    expected = [(i, "epoch_loss", np.float32(v)) for i, v in enumerate(history["val_loss"])]
    assert events(tmp_path / "logs" / "validation") == expected


@pytest.mark.parametrize(("freq", "steps"), [("batch", [1, 2, 3, 4, 5, 6]), (4, [4])])
def test_figures_of_batches(freq, steps, tmp_path):
    pytest.importorskip("tensorboardX")
    fit(TensorBoard(tmp_path, update_freq=freq))
    found = [step for step, tag, _ in events(tmp_path / "train") if tag == "batch_loss"]
    assert found == steps


def test_histograms_and_speed(tmp_path):
    pytest.importorskip("tensorboardX")
    fit(TensorBoard(tmp_path, histogram_freq=2, write_steps_per_second=True))
    found = events(tmp_path / "train")
    histograms = [(step, n) for step, tag, n in found if tag.endswith("out/kernel/histogram")]
    assert histograms == [(0, 3.0)]
    assert [step for step, tag, v in found if tag == "epoch_steps_per_second" and v > 0] == [0, 1]


def test_what_was_written_before_an_error_is_there(tmp_path):
    pytest.importorskip("tensorboardX")

    class Broken(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("mine")

    board = TensorBoard(tmp_path)
    with pytest.raises(RuntimeError, match="mine"):
        fit([board, Broken()])
    assert not board._writers
    assert [tag for _, tag, _ in events(tmp_path / "validation")] == ["epoch_loss"]


def test_bad_arguments(tmp_path):
    for name in ("write_images", "profile_batch", "embeddings_freq", "embeddings_metadata"):
        with pytest.raises(ValueError, match=f"TensorBoard: {name} is not supported, got 2"):
            TensorBoard(**{name: 2})
    pytest.importorskip("tensorboardX")
    with pytest.raises(ValueError, match="TensorBoard: update_freq must be 'epoch' or an integer"):
        TensorBoard(update_freq=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="TensorBoard: log_dir: the folder"):
        fit(TensorBoard(tmp_path / "file"))


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"tensorboardX: pip install 'fastnn\[tensorboard\]'"):
        TensorBoard()
