"""Random numbers with keras.random's names. Every draw advances a counter-based state.

``seed`` is None (the global generator, set by ``fastnn.utils.set_random_seed``), a number (the same
values at every call) or a SeedGenerator (which moves on at every call).
"""

from __future__ import annotations

import random as _python_random
from operator import index
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.dtypes import is_float, is_int, standardize_dtype
from fastnn.messages import shown
from fastnn.ops import random as _ops
from fastnn.ops import reduce
from fastnn.ops.core import Tensor, Variable, as_float, as_tensor, cast, normalize_axis
from fastnn.ops.indexing import take
from fastnn.ops.shape import expand_dims, shape_argument
from fastnn.tensor import move

__all__ = [
    "SeedGenerator",
    "categorical",
    "dropout",
    "global_generator",
    "normal",
    "permutation",
    "randint",
    "seed_global_generator",
    "shuffle",
    "state_of",
    "truncated_normal",
    "uniform",
]


class SeedGenerator:
    """A random state of its own: a key made from the seed, and a counter that draws advance.

    seed: an integer; None draws one from Python's ``random``

    >>> a, b = SeedGenerator(1), SeedGenerator(1)
    >>> uniform((3,), seed=a).tolist() == uniform((3,), seed=b).tolist()
    True
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise TypeError(f"SeedGenerator: unknown argument {next(iter(kwargs))!r}")
        if seed is None:
            seed = _python_random.randint(1, 2**31 - 1)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ValueError(f"SeedGenerator: seed must be an integer or None, got {seed!r}")
        self._initial_seed = int(seed)
        self.name = "seed_generator" if name is None else name
        self.state = Variable(_state(seed), trainable=False, name=f"{self.name}_state")

    def next(self, ordered: bool = True) -> Tensor:
        """The state as it is, [key, counter]; the counter moves on by one."""
        before = self.state.detach()
        self.state.assign_add(np.array([0, 1], np.int64))
        return before

    def reset(self, seed: int | None = None) -> None:
        """Starts again, from another seed if one is given."""
        if seed is not None:
            self._initial_seed = int(seed)
        self.state.assign(_state(self._initial_seed))

    def get_config(self) -> dict:
        """What ``SeedGenerator(**config)`` needs to make one like it."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict) -> SeedGenerator:
        """A generator from what get_config returned."""
        return cls(**config)


def _state(seed: int | np.integer) -> np.ndarray:
    """[key, counter] as int64, whose bits are read as uint64."""
    return np.array([int(seed) & (2**64 - 1), 0], np.uint64).view(np.int64)


_global = None


def global_generator() -> SeedGenerator:
    """The generator that draws without a seed come from; made at the first use."""
    global _global
    if _global is None:
        _global = SeedGenerator(name="global_seed_generator")
    return _global


def seed_global_generator(seed: int) -> None:
    """Starts the global generator again from a seed."""
    global_generator().reset(seed)


def state_of(seed: Any, device: str | None = None) -> Variable:
    """The state that a draw advances for a ``seed`` argument; it moves to where the draw is made,
    on the thread's device unless told."""
    if seed is None:
        seed = global_generator()
    if isinstance(seed, SeedGenerator):
        seed = seed.state
    if not isinstance(seed, Variable):
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ValueError(
                f"random: seed must be None, an integer or a SeedGenerator, got {seed!r}"
            )
        seed = Variable(_state(seed), trainable=False)
    move(seed, device or _core.get_device())
    return seed


def _float_dtype(operation: str, dtype: Any) -> str:
    dtype = standardize_dtype(dtype)
    if not is_float(dtype):
        raise ValueError(f"{operation}: dtype is {dtype}, expected a floating-point type")
    return dtype


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers from a normal distribution.

    >>> normal((2, 3), seed=0).shape
    (2, 3)
    """
    dtype = _float_dtype("normal", dtype)
    shape = shape_argument("normal", shape)
    return _core.random_normal(state_of(seed), shape, float(mean), float(stddev), False, dtype)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers from a normal distribution, drawn again beyond two standard deviations."""
    dtype = _float_dtype("truncated_normal", dtype)
    shape = shape_argument("truncated_normal", shape)
    return _core.random_normal(state_of(seed), shape, float(mean), float(stddev), True, dtype)


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers with equal chances in [minval, maxval)."""
    dtype = _float_dtype("uniform", dtype)
    shape = shape_argument("uniform", shape)
    return _core.random_uniform(state_of(seed), shape, float(minval), float(maxval), dtype)


def _whole(what: str, value: Any) -> int:
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{what} must be an integer, got {shown(value)}") from None


def randint(shape: Any, minval: int, maxval: int, dtype: str = "int32", seed: Any = None) -> Tensor:
    """Integers with equal chances in [minval, maxval)."""
    dtype = standardize_dtype(dtype)
    if not is_int(dtype):
        raise ValueError(f"randint: dtype is {dtype}, expected an integer type")
    shape = shape_argument("randint", shape)
    low, high = _whole("randint: minval", minval), _whole("randint: maxval", maxval)
    return _core.random_integers(state_of(seed), shape, low, high, dtype)


def categorical(logits: Any, num_samples: int, dtype: str = "int32", seed: Any = None) -> Tensor:
    """Classes drawn with the chances softmax(logits).

    logits: [rows, classes]   result: [rows, num_samples]
    The largest of logits plus Gumbel noise (Gumbel, 1954; "Gumbel-max trick").
    """
    logits = as_float(logits, "categorical: logits").detach()
    if logits.ndim != 2:
        raise ValueError(f"categorical: logits has shape {logits.shape}, expected two axes")
    rows, classes = logits.shape
    noise = uniform((rows, num_samples, classes), dtype=logits.dtype, seed=seed)
    noise = -_core.unary(-_core.unary(noise, "log"), "log")
    return cast(reduce.argmax(expand_dims(logits, 1) + noise, axis=-1), standardize_dtype(dtype))


def dropout(inputs: Any, rate: float | Tensor, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """inputs with a fraction ``rate`` set to 0 and the others divided by 1 - rate."""
    device = inputs.device if isinstance(inputs, Tensor) else None
    return _ops.dropout(inputs, rate, state_of(seed, device), noise_shape)


def permutation(n: int, seed: Any = None) -> Tensor:
    """The numbers 0 to n - 1 in random order, int64."""
    return _core.random_permutation(state_of(seed), _whole("permutation: n", n))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The slices of x along an axis in random order."""
    x = as_tensor(x, None, "shuffle: x")
    axis = normalize_axis("shuffle", axis, x.ndim)
    return take(x, permutation(x.shape[axis], seed), axis)
