"""Lambda: any function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastnn.layers import masks
from fastnn.layers.layer import Layer
from fastnn.utils.serialization import deserialize_keras_object, serialize_keras_object


class Lambda(Layer):
    """Applies a function of the inputs, made of `fastnn.ops`; it may have no weights of its own.

    Args:
        function: takes the inputs; also ``mask`` and ``training``, if it has such arguments.
        output_shape: a tuple without the batch, or a function of the input's shape; if None, a
            trial call finds out.
        mask: the output's mask: a Tensor, or a function of inputs and mask.
        arguments: further arguments of the function, by name.

    A model can only be saved with functions that have a name and are registered
    (``fastnn.saving.register_keras_serializable``): no code is stored in a file.

    >>> import numpy as np
    >>> Lambda(lambda x: x * 2)(np.array([1.0, 2.0])).tolist()
    [2.0, 4.0]
    """

    def __init__(
        self,
        function: Callable,
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda: function must be a function, got {function!r}")
        self.function = function
        self.arguments = dict(arguments or {})
        self._output_shape = output_shape
        self.mask = mask
        self.supports_masking = mask is not None
        self._expect_masks()
        names = inspect.signature(function).parameters
        self._passes = [name for name in ("mask", "training") if name in names]

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        given = {"mask": mask, "training": training}
        return self.function(
            inputs, **{name: given[name] for name in self._passes}, **self.arguments
        )

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return self._spec_by_trial(args, kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            raise NotImplementedError(f"{self.name}: output_shape was not given")
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        return (input_shape[0], *self._output_shape)

    def _expect_masks(self) -> None:
        masks.state.in_use |= getattr(self, "mask", None) is not None

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "function": serialize_keras_object(self.function),
            "output_shape": serialize_keras_object(self._output_shape),
            "mask": serialize_keras_object(self.mask),
            "arguments": serialize_keras_object(self.arguments),
        }

    @classmethod
    def from_config(cls, config: dict) -> Lambda:
        names = ("function", "output_shape", "mask", "arguments")
        objects = {name: deserialize_keras_object(config.get(name)) for name in names}
        return super().from_config({**config, **objects})
