"""What normalizing layers share: weights gamma and beta, and an axis or several."""

from __future__ import annotations

from typing import Any

from fastnn import constraints, initializers, regularizers
from fastnn.layers.layer import Layer
from fastnn.utils.serialization import serialize_keras_object

_KEPT = tuple(
    f"{weight}_{kind}"
    for kind in ("initializer", "regularizer", "constraint")
    for weight in ("beta", "gamma")
)


def extents(layer: Layer, axis: Any, input_shape: tuple) -> tuple:
    """The extents of the normalized axes, which must be known."""
    for i in axis if isinstance(axis, (list, tuple)) else (axis,):
        if not -len(input_shape) <= i < len(input_shape):
            raise ValueError(
                f"{layer.name}: axis {i} is outside an input of shape {tuple(input_shape)}"
            )
        if input_shape[i] is None:
            raise ValueError(
                f"{layer.name}: axis {i} of the input must have a known extent, its shape is "
                f"{tuple(input_shape)}"
            )
    return tuple(input_shape[i] for i in (axis if isinstance(axis, (list, tuple)) else (axis,)))


class ScaleAndShift(Layer):
    """A layer whose result is multiplied by gamma (if scale) and moved by beta (if center)."""

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Any = None
        self.beta: Any = None
        self.supports_masking = True

    def add_scale_and_shift(self, shape: tuple) -> None:
        """Makes gamma and beta, as far as they are wanted."""
        for name in [n for n, wanted in (("gamma", self.scale), ("beta", self.center)) if wanted]:
            weight = self.add_weight(
                name=name,
                shape=shape,
                initializer=getattr(self, f"{name}_initializer"),
                regularizer=getattr(self, f"{name}_regularizer"),
                constraint=getattr(self, f"{name}_constraint"),
            )
            setattr(self, name, weight)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **{name: serialize_keras_object(getattr(self, name)) for name in _KEPT},
        }
