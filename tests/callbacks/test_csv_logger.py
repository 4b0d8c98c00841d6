"""What CSVLogger writes, byte by byte."""

import numpy as np
import pytest
from stand_in_model import Model, train

import fastnn as fn
from fastnn.callbacks import CSVLogger


def test_lines(tmp_path):
    path = tmp_path / "new" / "log.csv"
    epochs = [{"loss": 0.5, "acc": 1.0}, {"acc": 0.25, "loss": 0.125, "val_loss": 2.0}]
    train(CSVLogger(path), Model(), epochs)
    assert path.read_bytes() == (
        b"epoch,acc,loss,val_acc,val_loss\r\n0,1.0,0.5,NA,NA\r\n1,0.25,0.125,NA,2.0\r\n"
    )


def test_columns_of_the_first_epoch_hold(tmp_path):
    path = tmp_path / "log.csv"
    train(CSVLogger(path, ";"), Model(), [{"val_loss": 1.0}, {"loss": 3.0, "val_loss": 2.0}])
    assert path.read_text().splitlines() == ["epoch;val_loss", "0;1.0", "1;2.0"]


def test_several_values_in_a_column(tmp_path):
    path = tmp_path / "log.csv"
    train(
        CSVLogger(path),
        Model(),
        [{"a": [1, 2], "b": np.float32(0.5), "c": "x,y", "d": np.array(3), "val_a": np.ones(2)}],
    )
    assert path.read_text().splitlines()[1] == '0,"""[1, 2]""",0.5,"x,y",3,"""[1.0, 1.0]"""'


def test_append_goes_on_with_a_file(tmp_path):
    path = tmp_path / "log.csv"
    for loss in (1.0, 2.0):
        train(CSVLogger(path, append=True), Model(), [{"loss": loss}])
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "0,1.0,NA", "0,2.0,NA"]
    train(CSVLogger(path), Model(), [{"loss": 3.0}])
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "0,3.0,NA"]


def test_the_file_is_complete_after_every_epoch(tmp_path):
    seen = []
    look = fn.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((tmp_path / "log.csv").read_text().count("\n"))
    )
    model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    model.compile("sgd", "mse")
    log = CSVLogger(tmp_path / "log.csv")
    x, y = np.ones((4, 2)), np.ones((4, 1))
    history = model.fit(x, y, epochs=3, verbose=0, callbacks=[log, look])
    assert seen == [2, 3, 4]
    lines = (tmp_path / "log.csv").read_text().splitlines()[1:]
    assert [float(line.split(",")[1]) for line in lines] == history.history["loss"]


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"CSVLogger: filename .*: the folder .* cannot be written"):
        train(CSVLogger(tmp_path / "file" / "log.csv"), Model(), [])
    with pytest.raises(OSError, match=r"CSVLogger: filename .* cannot be written: .*directory"):
        train(CSVLogger(tmp_path), Model(), [])
