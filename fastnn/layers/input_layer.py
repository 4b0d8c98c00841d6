"""Input: where a functional model begins."""

from __future__ import annotations

from typing import Any

from fastnn import config
from fastnn.layers.layer import Layer
from fastnn.layers.symbolic import KerasTensor, Node, standardize_shape


class InputLayer(Layer):
    """The layer behind ``Input``: passes data on.

    Args:
        shape: without the batch axis; None for free axes.
        batch_size: the extent of the batch axis; None for any.
        dtype: floatx if None.
        batch_shape: the whole shape, instead of shape and batch_size.
        input_tensor: a symbolic value to take shape and dtype from.
    """

    def __init__(
        self,
        shape: tuple | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: tuple | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        if sparse or ragged:
            raise ValueError("Input: sparse and ragged tensors are not supported")
        if batch_shape is None:
            batch_shape = kwargs.pop("batch_input_shape", None)
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        if shape is not None and batch_shape is not None:
            raise ValueError("Input: give shape or batch_shape, not both")
        if batch_shape is None:
            if shape is None:
                raise ValueError("Input: a shape is needed (without the batch axis)")
            batch_shape = (batch_size, *standardize_shape(shape))
        super().__init__(name=name, dtype=dtype or config.floatx(), **kwargs)
        self.batch_shape = standardize_shape(batch_shape)
        self.optional = optional
        self._finish_build((), {})
        Node(self, (), {}, KerasTensor(self.batch_shape, self.dtype, self.name))

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: tuple | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: tuple | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic value to write a functional model with.

    Args:
        shape: without the batch axis; None for free axes.
        batch_size: the extent of the batch axis; None for any.
        dtype: floatx if None.
        batch_shape: the whole shape, instead of shape and batch_size.
        name: of the input, by which data in dictionaries is found.
        tensor: a symbolic value to take shape and dtype from.
        optional: whether None may be passed for it.

    >>> Input((28, 28), name="image")
    <KerasTensor shape=(None, 28, 28), dtype=float32, name=image>
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output
