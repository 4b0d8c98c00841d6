"""IRNN: a simple recurrent layer that begins by remembering."""

from __future__ import annotations

from typing import Any

from fastnn.initializers import Identity, RandomNormal
from fastnn.layers.simple_rnn import SimpleRNN
from fastnn.utils.numbers import number


class IRNN(SimpleRNN):
    """h' = relu(x @ kernel + h @ recurrent_kernel + bias); recurrent_kernel begins as gain * I.

    Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified linear units"
    (2015). With gain 1 it begins by keeping its state, as an LSTM whose forget gate is open; a gain
    below 1 lets it forget. The kernel begins with small numbers, the bias with zeros.

    Args:
        units: how many outputs, a positive integer.
        gain: of the identity matrix.
        activation: the rectifier of the paper, or another function.
        kernel_initializer: ``RandomNormal(stddev=0.001)``, as in the paper, if None.

    Others, by keyword, and inputs, outputs and errors: see ``SimpleRNN``.

    >>> import numpy as np
    >>> layer = IRNN(2, gain=0.5)
    >>> layer(np.ones((1, 3, 4))).shape, layer.cell.recurrent_kernel.tolist()
    ((1, 2), [[0.5, 0.0], [0.0, 0.5]])
    """

    def __init__(
        self,
        units: int,
        gain: float = 1.0,
        activation: Any = "relu",
        kernel_initializer: Any = None,
        **kwargs: Any,
    ):
        gain = number("IRNN: gain", gain)
        super().__init__(
            units,
            activation,
            kernel_initializer=kernel_initializer or RandomNormal(stddev=0.001),
            recurrent_initializer=Identity(gain),
            **kwargs,
        )
        self.gain = gain

    def get_config(self) -> dict:
        config = {**super().get_config(), "gain": self.gain}
        del config["recurrent_initializer"]
        return config
