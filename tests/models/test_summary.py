"""The summary's table: content, width, options; numbers as Keras counts them."""

import io
import re

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


def text_of(model, **options):
    parts = []
    model.summary(print_fn=parts.append, **options)
    return "\n".join(parts)


def net(k=fn):
    return k.Sequential(
        [
            k.Input((784,)),
            k.layers.Dense(500, activation="relu", name="first"),
            k.layers.Dropout(0.5, name="drop"),
            k.layers.Dense(10, name="last"),
        ],
        name="net",
    )


def test_sequential():
    text = text_of(net())
    assert text.splitlines()[0] == 'Model: "net"'
    assert re.search(r"first \(Dense\) +\(None, 500\) +392,500", text)
    assert re.search(r"drop \(Dropout\) +\(None, 500\) +0", text)
    assert "Total params: 397,510 (1.52 MB)" in text
    assert "Non-trainable params: 0 (0.00 B)" in text


def test_goes_to_standard_output_as_plain_text(capsys):
    net().summary()
    out = capsys.readouterr().out
    assert "first (Dense)" in out
    assert "\x1b" not in out


def test_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stdout", terminal := Terminal())
    net().summary(line_length=70)
    out = terminal.getvalue()
    assert "first" in out
    assert "392,500" in out


def test_frozen_and_optimizer():
    model = net()
    model.get_layer("first").trainable = False
    text = text_of(model, show_trainable=True)
    assert "Trainable params: 5,010 (19.57 KB)" in text
    assert "Non-trainable params: 392,500 (1.50 MB)" in text
    assert re.search(r"first .* N$", text, re.M)
    assert re.search(r"last .* Y$", text, re.M)
    assert re.search(r"drop .* -$", text, re.M)


def test_branches_show_connections():
    a, b = fn.Input((3,), name="a"), fn.Input((3,), name="b")
    y = layers.Dense(1, name="out")(layers.Add(name="sum")([a, b]))
    text = text_of(fn.Model([a, b], y))
    assert "Connected to" in text
    assert re.search(r"sum \(Add\) .* a\[0\]\[0\], b\[0\]\[0\]", text)


def test_nested_and_range():
    model = fn.Sequential([net(), layers.Dense(1, name="top")])
    assert "first" not in text_of(model)
    assert "   first (Dense)" in text_of(model, expand_nested=True)
    assert "top" not in text_of(net(), layer_range=["first", "drop"])
    with pytest.raises(ValueError, match="layer_range: no layer fits"):
        text_of(model, layer_range=["nope", "top"])


def test_unbuilt_and_subclassed():
    model = fn.Sequential([layers.Dense(3, name="d")])
    assert re.search(r"d \(Dense\) +\? +0 \(unbuilt\)", text_of(model))

    class Net(fn.Model):
        def __init__(self):
            super().__init__()
            self.d = layers.Dense(2, name="d")

        def call(self, x):
            return self.d(x)

    model = Net()
    model(np.ones((1, 3)))
    assert "Total params: 8 (32.00 B)" in text_of(model)


def test_line_length():
    lines = text_of(net(), line_length=90).splitlines()
    assert max(map(len, lines)) == 90


@pytest.mark.parity
def test_counts_as_keras():
    import keras

    ours, theirs = text_of(net()), text_of(net(keras))
    for name in ("Total", "Trainable", "Non-trainable"):
        pattern = rf"{name} params: ([\d,]+ \([\d.]+ \w+\))"
        assert re.search(pattern, ours)[1] == re.search(pattern, theirs)[1]
    for count in ("392,500", "5,010"):
        assert count in theirs
        assert count in ours
