"""What tests of recurrent layers share."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6, 3)).astype("float32")
MASK = RNG.random((4, 6)) < 0.5
KINDS = (layers.SimpleRNN, layers.LSTM, layers.GRU)


@fn.saving.register_keras_serializable("test")
def slow_tanh(x):
    """tanh by another name, so that no native call knows it."""
    return fn.activations.tanh(x)


MADE = {
    "SimpleRNN": lambda **o: layers.SimpleRNN(5, **o),
    "LSTM": lambda **o: layers.LSTM(5, **o),
    "GRU": lambda **o: layers.GRU(5, **o),
    "GRU, reset before": lambda **o: layers.GRU(5, reset_after=False, **o),
    "LSTM, step by step": lambda **o: layers.LSTM(5, activation="softsign", **o),
    "RNN": lambda dtype="float32", **o: layers.RNN(
        [layers.LSTMCell(4, dtype=dtype), layers.GRUCell(5, dtype=dtype)], **o
    ),
    "Bidirectional": lambda **o: layers.Bidirectional(layers.LSTM(5, **o)),
    "Bidirectional, two calls": lambda **o: layers.Bidirectional(
        layers.GRU(5, **o), backward_layer=layers.LSTM(5, go_backwards=True, **o)
    ),
    "PeepholeLSTM": lambda **o: layers.PeepholeLSTM(5, **o),
    "IRNN": lambda **o: layers.IRNN(5, gain=0.5, **o),
    "SCRN": lambda **o: layers.SCRN(5, 3, **o),
    "ClockworkRNN": lambda **o: layers.ClockworkRNN(6, (1, 2), **o),
}
every = pytest.mark.parametrize("make", MADE.values(), ids=MADE.keys())


def replays(model):
    return sum(step.explain().count(" replays ") for _, step in model._records.steps.values())
