"""ReLU, LeakyReLU, ELU: activation functions with their constants, as layers."""

from __future__ import annotations

from typing import Any

from fastnn import activations
from fastnn.layers.layer import Layer
from fastnn.tensor import Tensor
from fastnn.utils.numbers import not_negative, number


class Rectifier(Layer):
    """Base class: applies ``function`` with constants; the output has the input's shape.

    Args:
        constants: by the name of the argument, also the layer's and its configuration's.
    """

    function: Any

    def __init__(self, constants: dict, **kwargs: Any):
        super().__init__(**kwargs)
        self._names = tuple(constants)
        for name, value in constants.items():
            setattr(self, name, value)
        self.supports_masking = True
        self._finish_build((), {})

    def _constants(self) -> dict:
        return {name: getattr(self, name) for name in self._names}

    def call(self, inputs: Tensor) -> Tensor:
        return self.function(inputs, **self._constants())

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), **self._constants()}


class ReLU(Rectifier):
    """x above ``threshold``, at most ``max_value``; below it negative_slope * (x - threshold).

    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).

    Args:
        max_value: the largest result, a number from 0 on; None for no limit.
        negative_slope: the slope below the threshold, from 0 on.
        threshold: where the unit begins to be active, from 0 on.

    Raises:
        TypeError, ValueError: an argument is no number, or a negative one.

    >>> import numpy as np
    >>> ReLU(max_value=10, negative_slope=0.5)(np.array([-10.0, 5.0, 20.0])).tolist()
    [-5.0, 5.0, 10.0]
    """

    function = staticmethod(activations.relu)

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        constants = {
            "max_value": max_value, "negative_slope": negative_slope, "threshold": threshold,
        }  # fmt: skip
        for name, value in constants.items():
            if name != "max_value" or value is not None:
                constants[name] = not_negative(f"ReLU: {name}", value)
        super().__init__(constants, **kwargs)


class LeakyReLU(Rectifier):
    """x if positive, else negative_slope * x.

    Maas et al., "Rectifier nonlinearities improve neural network acoustic models" (2013).

    Args:
        negative_slope: a number from 0 on.

    Raises:
        TypeError, ValueError: an argument is no number, or a negative one.

    >>> import numpy as np
    >>> LeakyReLU(negative_slope=0.5)(np.array([-10.0, 5.0])).tolist()
    [-5.0, 5.0]
    """

    function = staticmethod(activations.leaky_relu)

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        slope = not_negative("LeakyReLU: negative_slope", negative_slope)
        super().__init__({"negative_slope": slope}, **kwargs)


class ELU(Rectifier):
    """x if positive, else alpha * (exp(x) - 1).

    Clevert et al., "Fast and accurate deep network learning by exponential linear units" (2015).

    Args:
        alpha: what negative results approach, with the sign turned.

    Raises:
        TypeError, ValueError: alpha is no finite number.

    >>> import numpy as np
    >>> ELU(alpha=2.0)(np.array([-100.0, 5.0])).tolist()
    [-2.0, 5.0]
    """

    function = staticmethod(activations.elu)

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__({"alpha": number("ELU: alpha", alpha)}, **kwargs)
