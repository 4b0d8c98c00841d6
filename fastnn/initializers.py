"""First values of weights, with Keras 3's names and defaults.

A random initializer draws its seed when it is made: one instance gives the same values each time
it is called with the same shape.

>>> initializers = Zeros(), GlorotUniform(seed=1)
>>> [initializer((2, 3)).shape for initializer in initializers]
[(2, 3), (2, 3)]
"""

from __future__ import annotations

import math
import random as python_random
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn import random
from fastnn.dtypes import standardize_dtype
from fastnn.tensor import Tensor, from_data
from fastnn.utils.naming import to_snake_case
from fastnn.utils.serialization import (
    deserialize_keras_object,
    find_by_name,
    serialize_keras_object,
    without_unset,
)

# The standard deviation of a normal distribution cut at two standard deviations.
_TRUNCATED_STD = 0.87962566103423978


class Initializer:
    """Base class: ``initializer(shape, dtype=None)`` returns a Tensor."""

    def __call__(self, shape: tuple, dtype: str | None = None) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(shape, dtype)")

    def get_config(self) -> dict:
        """The arguments to make an equal initializer with."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Initializer:
        """An initializer from ``get_config``'s dictionary."""
        return cls(**config)

    def clone(self) -> Initializer:
        """A new instance with the same arguments."""
        return type(self).from_config(self.get_config())


class Constant(Initializer):
    """Every element is ``value``, a number or an array that broadcasts to the shape."""

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: tuple, dtype: str | None = None) -> Tensor:
        value = np.asarray(self.value)
        return from_data(np.broadcast_to(value, shape).astype(standardize_dtype(dtype)))

    def get_config(self) -> dict:
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict) -> Constant:
        return cls(deserialize_keras_object(config["value"]))


class Zeros(Constant):
    """All zeros."""

    def __init__(self) -> None:
        super().__init__(0)

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Zeros:
        return cls(**config)


class Ones(Zeros):
    """All ones."""

    def __init__(self) -> None:
        Constant.__init__(self, 1)


class Identity(Initializer):
    """The identity matrix times ``gain``; for square or other 2-D shapes."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: tuple, dtype: str | None = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity: shape must have two axes, got {tuple(shape)}")
        return from_data((self.gain * np.eye(*shape)).astype(standardize_dtype(dtype)))

    def get_config(self) -> dict:
        return {"gain": self.gain}


class _Random(Initializer):
    """An initializer with a seed: an integer, a SeedGenerator, or None for one of Python's."""

    def __init__(self, seed: Any = None):
        self._init_seed = seed
        self.seed = python_random.randint(1, 10**9) if seed is None else seed

    def get_config(self) -> dict:
        return {"seed": serialize_keras_object(self._init_seed)}

    @classmethod
    def from_config(cls, config: dict) -> _Random:
        config = without_unset(config, ("input_axes", "output_axes"))
        return cls(**{**config, "seed": deserialize_keras_object(config.get("seed"))})


class RandomNormal(_Random):
    """Normal with ``mean`` and ``stddev``."""

    _draw = staticmethod(random.normal)

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def __call__(self, shape: tuple, dtype: str | None = None) -> Tensor:
        return self._draw(
            shape, self.mean, self.stddev, dtype=standardize_dtype(dtype), seed=self.seed
        )

    def get_config(self) -> dict:
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normal with draws beyond two ``stddev`` drawn again (so its real deviation is 0.88 of it)."""

    _draw = staticmethod(random.truncated_normal)


class RandomUniform(_Random):
    """Uniform on [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed)

    def __call__(self, shape: tuple, dtype: str | None = None) -> Tensor:
        return random.uniform(
            shape, self.minval, self.maxval, dtype=standardize_dtype(dtype), seed=self.seed
        )

    def get_config(self) -> dict:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


def compute_fans(shape: tuple) -> tuple[int, int]:
    """The numbers of inputs and outputs of a unit whose kernel has this shape.

    >>> compute_fans((784, 500)), compute_fans((3, 3, 8, 16)), compute_fans((7,))
    ((784, 500), (72, 144), (7, 7))
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class VarianceScaling(_Random):
    """Variance ``scale`` / n, n being the fan that ``mode`` names.

    Args:
        scale: a positive number.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (its real deviation is made right), "untruncated_normal"
            or "uniform".
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
    ):
        if not scale > 0:
            raise ValueError(f"VarianceScaling: scale must be positive, got {scale!r}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(
                f"VarianceScaling: mode must be fan_in, fan_out or fan_avg, got {mode!r}"
            )
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                "VarianceScaling: distribution must be truncated_normal, untruncated_normal or "
                f"uniform, got {distribution!r}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        super().__init__(seed)

    def __call__(self, shape: tuple, dtype: str | None = None) -> Tensor:
        fan_in, fan_out = compute_fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        drawn = {"dtype": standardize_dtype(dtype), "seed": self.seed}
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(shape, -limit, limit, **drawn)
        std = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, std, **drawn)
        return random.truncated_normal(shape, 0.0, std / _TRUNCATED_STD, **drawn)

    def get_config(self) -> dict:
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **super().get_config(),
        }


class _NamedScaling(VarianceScaling):
    """A variance scaling with fixed settings."""

    _settings: tuple[float, str, str]  # scale, mode, distribution

    def __init__(self, seed: Any = None):
        super().__init__(*self._settings, seed=seed)

    def get_config(self) -> dict:
        return _Random.get_config(self)


class GlorotUniform(_NamedScaling):
    """Uniform within sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    _settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal of deviation sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    _settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform within sqrt(6 / fan_in) (He et al., 2015)."""

    _settings = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal of deviation sqrt(2 / fan_in) (He et al., 2015)."""

    _settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform within sqrt(3 / fan_in) (LeCun et al., 1998)."""

    _settings = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal of deviation sqrt(1 / fan_in) (LeCun et al., 1998)."""

    _settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
    """Orthogonal rows or columns (Saxe et al., 2014), times ``gain``.

    The kernel is seen as a matrix of prod(shape[:-1]) rows: Q of a tall normal matrix, each column
    with the sign of R's diagonal, transposed for a wide one.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: tuple, dtype: str | None = None) -> Tensor:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: shape must have two axes or more, got {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        normal = random.normal(tall, 0.0, 1.0, dtype=standardize_dtype(dtype), seed=self.seed)
        q, r = np.linalg.qr(normal.numpy())
        q = q * np.sign(np.diag(r))
        q = q.T if rows < columns else q
        return from_data((self.gain * q).astype(standardize_dtype(dtype)).reshape(shape))

    def get_config(self) -> dict:
        return {"gain": self.gain, **super().get_config()}


OrthogonalInitializer = Orthogonal
IdentityInitializer = Identity
constant, zeros, ones, identity, orthogonal = Constant, Zeros, Ones, Identity, Orthogonal
random_normal, random_uniform = RandomNormal, RandomUniform
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal

_CLASSES = (
    Constant, Zeros, Ones, Identity, RandomNormal, TruncatedNormal, RandomUniform, VarianceScaling,
    GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal, Orthogonal,
)  # fmt: skip
_KNOWN = {to_snake_case(cls.__name__): cls for cls in _CLASSES} | {
    "zero": Zeros,
    "one": Ones,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "orthogonal_initializer": Orthogonal,
    "identity_initializer": Identity,
}


def get(identifier: Any) -> Callable | None:
    """An initializer from a name, class, instance, configuration, array, function or None.

    Raises:
        ValueError: unknown name; the message lists the known ones.

    >>> get("he_normal").get_config()
    {'seed': None}
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        identifier = deserialize_keras_object(identifier)
    if isinstance(identifier, str):
        identifier = find_by_name(identifier, _KNOWN, "initializer")
    if isinstance(identifier, type):
        return identifier()
    if callable(identifier):
        return identifier
    if isinstance(identifier, (np.ndarray, Tensor, int, float)):
        return Constant(np.asarray(identifier))
    raise ValueError(f"initializer: expected a name, class or function, got {identifier!r}")


serialize = serialize_keras_object
deserialize = deserialize_keras_object
