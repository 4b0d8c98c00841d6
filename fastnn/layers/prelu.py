"""PReLU: a rectifier whose negative slopes are learned."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.layers.input_spec import InputSpec
from fastnn.layers.parameters import Parameterized, weight_arguments
from fastnn.tensor import Tensor


class PReLU(Parameterized):
    """x if positive, else alpha * x; alpha is learned.

    Input and output [batch, ...]; weight alpha with the input's shape after the batch, and 1 for
    the shared axes.

    He et al., "Delving deep into rectifiers" (2015).

    Args:
        alpha_initializer: a name, initializer or function.
        alpha_regularizer: a function, name or None.
        alpha_constraint: a function, name or None.
        shared_axes: an axis, or several, along which alpha is one number; the batch is axis 0.
            [1, 2] gives each channel of [batch, height, width, channels] its own slope.

    Raises:
        ValueError: an axis that the input lacks or 0; an unknown extent that is not shared.

    >>> import numpy as np
    >>> layer = PReLU(alpha_initializer="ones", shared_axes=[1])
    >>> layer(np.array([[-1.0, 2.0]])).tolist(), layer.alpha.shape
    ([[-1.0, 2.0]], (1,))
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(weight_arguments(locals()), **kwargs)
        several = shared_axes is None or isinstance(shared_axes, (list, tuple))
        self.shared_axes = shared_axes if several else [shared_axes]
        self.alpha: Any = None
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        rank = len(input_shape)
        shared = tuple(self.shared_axes or ())
        for axis in shared:
            if not isinstance(axis, int) or not 0 < axis < rank:
                raise ValueError(
                    f"{self.name}: shared_axes are {list(shared)}, expected axes from 1 to "
                    f"{rank - 1}: the input's shape is {tuple(input_shape)}"
                )
        own = {axis: input_shape[axis] for axis in range(1, rank) if axis not in shared}
        if None in own.values():
            raise ValueError(
                f"{self.name}: axes that are not shared must have known extents, the input's "
                f"shape is {tuple(input_shape)}"
            )
        self.input_spec = InputSpec(ndim=rank, axes=own)
        shape = tuple(own.get(axis, 1) for axis in range(1, rank))
        self.alpha = self.add_parameter("alpha", "alpha", shape)

    def call(self, inputs: Tensor) -> Tensor:
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "shared_axes": self.shared_axes}
