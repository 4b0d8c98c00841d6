"""AlphaDropout: dropout that keeps mean and variance, for selu."""

from __future__ import annotations

from fastnn import ops, random
from fastnn.layers.dropout import Dropout
from fastnn.tensor import Tensor

_SATURATION = -1.7580993408473766  # selu's limit toward minus infinity: -alpha * scale


class AlphaDropout(Dropout):
    """Sets elements to selu's lowest value, then restores mean 0 and variance 1.

    Elements are dropped with probability ``rate`` while training; in inference the input passes
    on. Klambauer et al., "Self-normalizing neural networks" (2017).

    Args:
        rate: the share that is dropped, 0 to below 1; it may be set between steps.
        noise_shape: the shape of the mask, which broadcasts to the input's; None entries mean the
            input's extent.
        seed: an integer; None draws one from Python's ``random``.

    >>> import numpy as np
    >>> AlphaDropout(0.5)(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    allows_one = False  # nothing would be left to restore a variance from

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        rate = ops.cast(self._rate, inputs.dtype)
        shape = self._noise_shape(inputs) or inputs.shape
        drawn = random.uniform(shape, dtype=inputs.dtype, seed=self.seed_generator)
        mixed = ops.where(ops.greater_equal(drawn, rate), inputs, _SATURATION)
        variance = (1 - rate) * (1 + rate * _SATURATION**2)
        return (mixed - rate * _SATURATION) * ops.rsqrt(variance)
