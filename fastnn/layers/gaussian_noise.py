"""GaussianNoise and GaussianDropout: normal noise while training."""

from __future__ import annotations

from typing import Any

from fastnn import ops, random
from fastnn.layers.dropping import Dropping
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor
from fastnn.utils.numbers import share


class GaussianNoise(Layer):
    """Adds normal noise of mean zero while training; in inference it passes the input on.

    Args:
        stddev: its standard deviation, 0 to 1.
        seed: an integer; None draws one from Python's ``random``.

    >>> import numpy as np
    >>> GaussianNoise(0.5)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.stddev = share("GaussianNoise: stddev", stddev)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.stddev == 0:
            return inputs
        return inputs + random.normal(
            inputs.shape, 0.0, self.stddev, inputs.dtype, self.seed_generator
        )

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class GaussianDropout(Dropping):
    """Multiplies by normal noise of mean 1 and standard deviation sqrt(rate / (1 - rate)).

    While training only (Srivastava et al., "Dropout", 2014, section 10).

    Args:
        rate: what the rate of a ``Dropout`` of equal variance would be, 0 to below 1; it may be set
            between steps.
        seed: an integer; None draws one from Python's ``random``.

    >>> import numpy as np
    >>> GaussianDropout(0.5)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    allows_one = False  # the noise would be infinite

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        rate = ops.cast(self._rate, inputs.dtype)
        noise = random.normal(inputs.shape, dtype=inputs.dtype, seed=self.seed_generator)
        return inputs * (noise * ops.sqrt(rate / (1 - rate)) + 1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape
