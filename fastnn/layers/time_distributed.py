"""TimeDistributed: a layer at each step."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.inner import with_dtype_of
from fastnn.layers.layer import Layer
from fastnn.layers.symbolic import KerasTensor
from fastnn.tensor import Tensor
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object


class TimeDistributed(Layer):
    """A layer applied to each step of [batch, steps, ...]: its input is [batch, ...].

    A layer of fastnn that knows no mask sees all steps at once, as a larger batch; any other one is
    called for each step.

    Args:
        layer: the layer.

    Its call takes ``mask`` [batch, steps, ..], of which the layer gets [:, step] if its call has a
    mask.

    Raises:
        ValueError: ``layer`` is none; the input has less than three axes or no steps; the mask does
            not fit it.

    >>> import numpy as np
    >>> from fastnn.layers import Conv2D
    >>> TimeDistributed(Conv2D(4, 3))(np.ones((2, 5, 8, 8, 3))).shape
    (2, 5, 6, 6, 4)
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ValueError(f"TimeDistributed: layer must be a layer, got {layer!r}")
        super().__init__(**with_dtype_of("TimeDistributed", layer, kwargs))
        self.layer = layer
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        shape = self._step_shape(input_shape)
        if not self.layer.built and type(self.layer).build is not Layer.build:
            self.layer.build(shape)

    def _step_shape(self, shape: tuple) -> tuple:
        if not isinstance(shape, (tuple, list)) or len(shape) < 3:
            raise ValueError(
                f"{self.name}: the input must have the axes batch, steps and one more at least, "
                f"its shape is {shape}"
            )
        return (shape[0], *shape[2:])

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        self._step_shape(inputs.shape)
        batch, steps = inputs.shape[:2]
        if steps == 0:
            raise ValueError(f"{self.name}: the input has no steps, its shape is {inputs.shape}")
        if mask is not None and tuple(mask.shape[:2]) != (batch, steps):
            raise ValueError(
                f"{self.name}: mask has shape {tuple(mask.shape)}, which must begin with "
                f"{(batch, steps)}: batch and steps"
            )
        if self._takes_all_steps():
            y = self.layer(ops.reshape(inputs, (batch * steps, *inputs.shape[2:])))
            return ops.reshape(y, (batch, steps, *y.shape[1:]))
        options: list[dict] = [{} for _ in range(steps)]
        if mask is not None and "mask" in self.layer._call_signature.names:
            options = [{"mask": part} for part in ops.unstack(mask, axis=1)]
        parts = zip(ops.unstack(inputs, axis=1), options)
        return ops.stack([self.layer(x, **given) for x, given in parts], axis=1)

    def _takes_all_steps(self) -> bool:
        """Whether the layer computes each row of a batch by itself."""
        layer = self.layer
        known = type(layer).call.__module__.startswith("fastnn.layers.")
        return known and "mask" not in layer._call_signature.names

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        step = KerasTensor(self._step_shape(inputs.shape), inputs.dtype)
        y = self.layer.compute_output_spec(step)
        return KerasTensor((y.shape[0], inputs.shape[1], *y.shape[1:]), y.dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        shape = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (shape[0], input_shape[1], *shape[1:])

    def get_config(self) -> dict:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict) -> TimeDistributed:
        return super().from_config({**config, "layer": deserialize_keras_object(config["layer"])})
