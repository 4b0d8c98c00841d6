"""Dense: activation(x @ kernel + bias)."""

from __future__ import annotations

from typing import Any

from fastnn import activations, constraints, initializers, regularizers
from fastnn.layers.layer import Layer
from fastnn.layers.sizes import positive_integer
from fastnn.ops.products import dense
from fastnn.tensor import Tensor
from fastnn.utils.serialization import serialize_keras_object


class Dense(Layer):
    """A fully connected layer: activation(x @ kernel + bias).

    Input [..., features], output [..., units]; weights kernel [features, units], bias [units].

    Args:
        units: how many outputs, a positive integer.
        activation: a name or function; None for none. The matrix product applies the common ones
            on its way.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: names, initializers or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions, names or None.
        kernel_constraint, bias_constraint: functions, names or None.

    >>> import numpy as np
    >>> Dense(4, activation="relu")(np.ones((2, 3))).shape
    (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive_integer("Dense", "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel: Any = None
        self.bias: Any = None
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                f"{self.name}: the input must have two axes or more and a known last one, "
                f"its shape is {tuple(input_shape)}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self._width()),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self._width(),),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _width(self) -> int:
        """How many columns the kernel has."""
        return self.units

    def call(self, inputs: Tensor) -> Tensor:
        return self._activated(inputs, self.kernel, self.bias)

    def _activated(self, inputs: Tensor, kernel: Any, bias: Any) -> Tensor:
        fused = activations.FUSED.get(self.activation)
        if fused is None:
            return self.activation(dense(inputs, kernel, bias))
        return dense(inputs, kernel, bias, fused)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        if self.built and input_shape[-1] not in (None, self.kernel.shape[0]):
            raise ValueError(
                f"{self.name}: kernel has shape {self.kernel.shape} but the input's last axis is "
                f"{input_shape[-1]}"
            )
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        kept = ("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
                "activity_regularizer", "kernel_constraint", "bias_constraint")  # fmt: skip
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **{name: serialize_keras_object(getattr(self, name)) for name in kept},
        }
