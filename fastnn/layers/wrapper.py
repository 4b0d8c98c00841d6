"""Wrapper: the base of layers that change what another layer does."""

from __future__ import annotations

from typing import Any

from fastnn.layers.inner import with_dtype_of
from fastnn.layers.layer import Layer
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object


class Wrapper(Layer):
    """Base class of a layer around ``self.layer``: builds it, keeps its weights, saves it.

    Args:
        layer: the layer.

    >>> import numpy as np
    >>> from fastnn.layers import Dense
    >>> class Twice(Wrapper):
    ...     def call(self, inputs):
    ...         return self.layer(self.layer(inputs))
    >>> Twice(Dense(3))(np.ones((2, 3))).shape
    (2, 3)
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise TypeError(f"{type(self).__name__}: layer must be a layer, got {layer!r}")
        super().__init__(**with_dtype_of(type(self).__name__, layer, kwargs))
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built and type(self.layer).build is not Layer.build:
            self.layer.build(input_shape)

    def get_config(self) -> dict:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict) -> Wrapper:
        return super().from_config({**config, "layer": deserialize_keras_object(config["layer"])})
