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


def test_tensors_that_would_get_no_gradient():
    slope = fn.Variable(np.float32(0.5))
    for kind in (layers.LeakyReLU, layers.ELU, layers.Dropout):
        with pytest.raises(TypeError, match=f"{kind.__name__}: .* must be a"):
            kind(slope)


def test_true_is_no_share():
    with pytest.raises(TypeError, match="dropout must be a number from 0 to 1, got True"):
        layers.MultiHeadAttention(2, 4, dropout=True)


def test_sizes_in_an_array():
    x = np.ones((1, 4, 4, 1), np.float32)
    for size in (np.array([3, 2]), np.array([3, 2], np.uint8)):
        assert layers.Conv2D(1, size)(x).shape == (1, 2, 3, 1)
        assert layers.MaxPooling2D(size, strides=1).pool_size == (3, 2)
    assert layers.Conv2D(1, np.array(2))(x).shape == (1, 3, 3, 1)
    with pytest.raises(ValueError, match=r"kernel_size is .*, or 2 of them"):
        layers.Conv2D(1, np.array([1, 2, 3]))


def test_axes_in_any_sequence():
    for dims in (np.array([2, 1]), range(2, 0, -1), [2, 1]):
        assert layers.Permute(dims)(np.ones((1, 2, 3))).shape == (1, 3, 2)
