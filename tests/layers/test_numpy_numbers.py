"""NumPy's numbers, and arrays and tensors without axes, as settings of layers."""

import json

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers

SETTINGS = {
    "Dropout": (layers.Dropout, "rate", {}),
    "AlphaDropout": (layers.AlphaDropout, "rate", {}),
    "DropConnect": (layers.DropConnect, "rate", {"units": 2}),
    "Standout": (layers.Standout, "alpha", {"units": 2}),
    "GaussianNoise": (layers.GaussianNoise, "stddev", {}),
    "LeakyReLU": (layers.LeakyReLU, "negative_slope", {}),
    "ReLU": (layers.ReLU, "max_value", {}),
    "ELU": (layers.ELU, "alpha", {}),
    "LSTM": (layers.LSTM, "dropout", {"units": 2}),
    "SCRN": (layers.SCRN, "alpha", {"units": 2, "context_units": 2}),
    "IRNN": (layers.IRNN, "gain", {"units": 2}),
    "Attention": (layers.Attention, "dropout", {}),
    "RandomGrayscale": (layers.RandomGrayscale, "factor", {}),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.array, fn.tensor])
def test_settings(name, kind):
    layer, setting, others = SETTINGS[name]
    config = layer(**{setting: kind(0.5)}, **others).get_config()
    assert config[setting] == 0.5
    json.dumps(config)  # floats of Python, so that models are saved


def test_factors_that_may_be_two():
    for factor in (np.float32(0.5), (np.float32(0), np.float64(0.5))):
        config = layers.RandomContrast(
            factor, value_range=(np.uint8(0), np.uint8(255))
        ).get_config()
        assert (config["factor"], config["value_range"]) == ((0.0, 0.5), (0.0, 255.0))
        json.dumps(config)
