"""GaussianNoise and GaussianDropout: normal noise while training."""

from __future__ import annotations

import math
from typing import Any

from fastnn import random
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor


class _Noise(Layer):
    """Noise of a standard deviation while training, drawn from a seed generator."""

    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def _noise(self, inputs: Tensor, mean: float, stddev: float) -> Tensor:
        return random.normal(inputs.shape, mean, stddev, inputs.dtype, self.seed_generator)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "seed": self.seed}


class GaussianNoise(_Noise):
    """Adds normal noise of mean zero while training; in inference it passes the input on.

    Args:
        stddev: its standard deviation, 0 to 1.
        seed: an integer; None draws one from Python's ``random``.

    >>> import numpy as np
    >>> GaussianNoise(0.5)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        if not isinstance(stddev, (int, float)) or not 0 <= stddev <= 1:
            raise ValueError(f"GaussianNoise: stddev must be a number from 0 to 1, got {stddev!r}")
        self.stddev = stddev

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.stddev == 0:
            return inputs
        return inputs + self._noise(inputs, 0.0, self.stddev)

    def get_config(self) -> dict:
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """Multiplies by normal noise of mean 1 and standard deviation sqrt(rate / (1 - rate)).

    While training only (Srivastava et al., "Dropout", 2014, section 10).

    Args:
        rate: what the rate of a ``Dropout`` of equal variance would be, 0 to below 1.
        seed: an integer; None draws one from Python's ``random``.

    >>> import numpy as np
    >>> GaussianDropout(0.5)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise ValueError(
                f"GaussianDropout: rate must be a number from 0 to below 1, got {rate!r}"
            )
        self.rate = rate

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        return inputs * self._noise(inputs, 1.0, math.sqrt(self.rate / (1 - self.rate)))

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate}
