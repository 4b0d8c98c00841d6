"""The primitives that networks are trained with, on every backend: C++, Numba, NumPy."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import fastnn as fn
from bench.row import JIT, Engine, Row
from fastnn import _core

LABELS = np.arange(256) % 100


def numbers(*shape: int) -> np.ndarray:
    """The same normal numbers every time."""
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def recurrent(cell: str, gates: int) -> list:
    """x and the weights of 64 units; gru has a second bias."""
    w, u, b = (numbers(*shape) / 8 for shape in ((64, gates * 64), (64, gates * 64), (gates * 64,)))
    b = np.stack([b, b]) if cell == "gru" else b
    return [numbers(32, 40, 64), [w, u, b], None, None]


# name: primitive, what makes its operands, its attributes
CALLS: dict[str, tuple[str, Callable[[], list], tuple]] = {
    "exp": ("unary", lambda: [numbers(10**6)], ("exp",)),
    "gelu": ("unary", lambda: [numbers(10**6)], ("gelu",)),
    "tanh backward": ("unary_backward", lambda: [numbers(10**6)] * 2, ("tanh",)),
    "add": ("binary", lambda: [numbers(10**6)] * 2, ("add",)),
    "add a row": ("binary", lambda: [numbers(1000, 1000), numbers(1000)], ("add",)),
    "sum of all": ("reduce", lambda: [numbers(1000, 1000)], ("sum", (0, 1))),
    "sum of columns": ("reduce", lambda: [numbers(1000, 1000)], ("sum", (0,))),
    "argmax": ("arg_reduce", lambda: [numbers(1000, 1000)], ("argmax", 1)),
    "softmax": ("softmax", lambda: [numbers(1000, 1000)], ()),
    "cross-entropy": ("cross_entropy", lambda: [numbers(256, 100), LABELS, None], ()),
    "layer normalization": (
        "row_norm",
        lambda: [numbers(1000, 1, 1, 512), numbers(512), numbers(512)],
        (),
    ),
    "batch normalization": ("batch_norm", lambda: [numbers(4096, 64), *[None] * 6], ()),
    "gather": ("gather", lambda: [numbers(5000, 128), np.arange(4096) * 7 % 5000], ()),
    "scatter_add": (
        "scatter_add",
        lambda: [np.zeros((5000, 128), np.float32), numbers(4096, 128), np.arange(4096) * 7 % 5000],
        (),
    ),
    "gemm": ("gemm", lambda: [numbers(512, 512), numbers(512, 512), *[None] * 3], ()),
    "dense backward": (
        "dense_backward",
        lambda: [numbers(100, 500), numbers(100, 784), numbers(784, 500), numbers(100, 500)],
        ("relu",),
    ),
    "convolution": (
        "conv",
        lambda: [numbers(8, 28, 28, 16), numbers(3, 3, 16, 32), None, None],
        ((), (1, 1, 1, 1)),
    ),
    "max pooling": ("max_pool", lambda: [numbers(32, 28, 28, 16)], ((2, 2), (2, 2))),
    "LSTM": ("rnn", partial(recurrent, "lstm", 4), ("lstm",)),
    "GRU": ("rnn", partial(recurrent, "gru", 3), ("gru",)),
    "uniform numbers": ("random_uniform", lambda: [np.array([5, 7])], ((1000, 1000),)),
}


def given(operand: Any) -> Any:
    """An operand as the core takes it."""
    if isinstance(operand, list):
        return [given(part) for part in operand]
    return operand if operand is None else _core.from_numpy(operand)


def on(backend: str, primitive: str, attributes: tuple, *operands: Any) -> Engine:
    """The call on a backend, which has computed once: Numba has compiled."""
    tensors = [given(operand) for operand in operands]
    function = getattr(_core, primitive)

    def call() -> list:
        with fn.use_backend(backend):
            results = function(*tensors, *attributes)
        flat = results if isinstance(results, tuple) else (results,)
        parts = [part for r in flat for part in (r if isinstance(r, list) else [r])]
        return [part for part in parts if part is not None]

    call()
    return Engine(call)


def rows() -> Iterator[Row]:
    """One a call, in the engines that are its backends."""
    for name, (primitive, operands, attributes) in CALLS.items():
        engines = {
            label: partial(on, backend, primitive, attributes)
            for label, backend in (("fastnn", "native"), (JIT, "jit_cpu"), ("NumPy", "reference"))
        }
        yield Row(name, operands, engines, tolerance=1e-4)
