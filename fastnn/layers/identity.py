"""Identity: the input as it is."""

from __future__ import annotations

from typing import Any

from fastnn.layers.layer import Layer
from fastnn.layers.symbolic import KerasTensor
from fastnn.utils import tree


class Identity(Layer):
    """Passes its input on, where a layer is expected and nothing is to happen.

    >>> import numpy as np
    >>> Identity()(np.array([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any) -> Any:
        return tree.map_structure(lambda x: KerasTensor(x.shape, x.dtype), inputs)
