"""BatchNormalization: each channel by its mean and variance over the batch."""

from __future__ import annotations

from operator import index
from typing import Any

from fastnn import config, initializers
from fastnn.layers.input_spec import InputSpec
from fastnn.layers.scale_and_shift import ScaleAndShift, extents
from fastnn.ops.batch_normalization import batch_normalization, masked_moments, normalize_batch
from fastnn.ops.core import as_tensor
from fastnn.tensor import Tensor
from fastnn.utils.serialization import serialize_keras_object


class BatchNormalization(ScaleAndShift):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta for every channel.

    Ioffe and Szegedy, "Batch normalization" (2015). While training, mean and (biased) variance are
    those of the batch over all axes but ``axis``, and moving ones follow them: moving * momentum +
    own * (1 - momentum). In inference, or if the layer is not trainable, the moving ones are used.
    Weights, as far as wanted: gamma, beta, moving_mean, moving_variance.

    Args:
        axis: the channels.
        momentum: of the moving mean and variance.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer:
            names, initializers or functions.
        beta_regularizer, gamma_regularizer: functions, names or None.
        beta_constraint, gamma_constraint: functions, names or None.
        renorm, synchronized: must be False.

    With a mask of the input's shape without its last axis, elements where it is false do not count.

    >>> import numpy as np
    >>> layer = BatchNormalization(epsilon=0.0)
    >>> layer(np.array([[1.0], [3.0]]), training=True).tolist()
    [[-1.0], [1.0]]
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ):
        if renorm or synchronized:
            raise ValueError("BatchNormalization: renorm and synchronized are not available")
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        try:
            self.axis = index(axis)
        except TypeError:
            message = f"BatchNormalization: axis must be an integer, got {axis!r}"
            raise TypeError(message) from None
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.moving_mean: Any = None
        self.moving_variance: Any = None

    def build(self, input_shape: tuple) -> None:
        shape = extents(self, self.axis, input_shape)
        self.add_scale_and_shift(shape)
        for name in ("moving_mean", "moving_variance"):
            initializer = getattr(self, f"{name}_initializer")
            weight = self.add_weight(
                name=name, shape=shape, initializer=initializer, trainable=False
            )
            setattr(self, name, weight)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def call(self, inputs: Tensor, training: bool = False, mask: Any = None) -> Tensor:
        moments = self.moving_mean, self.moving_variance
        if training and self.trainable:
            if mask is None:
                return normalize_batch(
                    inputs, self.axis, self.beta, self.gamma, self.epsilon, *moments, self.momentum
                )
            mask = as_tensor(mask, None, f"{self.name}: mask")
            if mask.ndim != inputs.ndim - 1:
                raise ValueError(
                    f"{self.name}: mask has shape {mask.shape}, expected {inputs.shape[:-1]}"
                )
            own = masked_moments(inputs, mask, self.axis, config.epsilon())
            for moving, value in zip(moments, own):
                rest = value.detach() * (1.0 - self.momentum)
                moving.assign(moving.detach() * self.momentum + rest)
            moments = own
        return batch_normalization(inputs, *moments, self.axis, self.beta, self.gamma, self.epsilon)

    def get_config(self) -> dict:
        kept = ("moving_mean_initializer", "moving_variance_initializer")
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            **{name: serialize_keras_object(getattr(self, name)) for name in kept},
        }
