"""Calls of the primitives that every backend has: names, operands, attributes."""

from collections.abc import Callable
from functools import partial

import numpy as np

from fastnn.backends.reference import FUNCTIONS

LABELS = np.arange(256) % 100


def numbers(*shape: int) -> np.ndarray:
    """The same normal numbers every time."""
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def recurrent(cell: str, gates: int) -> list:
    """x and the weights of 64 units; gru has a second bias."""
    w, u, b = (numbers(*shape) / 8 for shape in ((64, gates * 64), (64, gates * 64), (gates * 64,)))
    b = np.stack([b, b]) if cell == "gru" else b
    return [numbers(32, 40, 64), [w, u, b], None, None]


def recurrent_backward(cell: str, gates: int) -> list:
    """Gradients of all outputs, and what the forward call kept."""
    x, weights, *rest = recurrent(cell, gates)
    _, last, kept, history = FUNCTIONS["rnn"](x, weights, *rest, cell=cell, want_history=True)
    return [numbers(32, 40, 64), [numbers(*a.shape) for a in last], x, weights, None, kept, history]


def adam() -> list:
    """One weight of 1e6 elements, its two slots, its gradient, and the numbers of the rule."""
    w, mean, square, g = (numbers(10**6) for _ in range(4))
    hyper = np.array([0.9, 0.999, 1e-7])
    return [[w], [mean, square**2], [g], np.array(1e-3), hyper, np.array(0), *[None] * 5]


def beginning() -> np.ndarray:
    """A position in data, which a call moves on: an operand that is made for each call."""
    return np.zeros(1, np.int64)


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, count).astype(np.uint8)


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
    "batch of pictures": (
        "gather_batch",
        lambda: [[pixels(1000 * 784).reshape(1000, 784)], np.arange(1000) * 7 % 1000, beginning],
        (100, (1,), 1 / 255),
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
    # the way back, and what else every backend has
    "select": ("select", lambda: [numbers(10**6) > 0, numbers(10**6), numbers(10**6)], ()),
    "pixels to floats": ("copy", lambda: [pixels(10**6)], ("float32", 1 / 255)),
    "transposition": ("copy", lambda: [numbers(1000, 1000).T], ()),
    "one of 100": ("one_hot", lambda: [np.tile(LABELS, 16)], (100,)),
    "softmax backward": ("softmax_backward", lambda: [numbers(1000, 1000)] * 2, ()),
    "binary cross-entropy": (
        "binary_cross_entropy",
        lambda: [numbers(256, 100), (numbers(256, 100) > 0).astype(np.float32), None],
        (),
    ),
    "layer normalization backward": (
        "row_norm_backward",
        lambda: [*[numbers(1000, 1, 1, 512)] * 2, numbers(1000, 1), numbers(1000, 1), numbers(512)],
        (),
    ),
    "batch normalization backward": (
        "batch_norm_backward",
        lambda: [*[numbers(4096, 64)] * 2, *[numbers(64)] * 3],
        (),
    ),
    "convolution backward, input": (
        "conv_backward_input",
        lambda: [numbers(8, 28, 28, 32), numbers(3, 3, 16, 32)],
        ((), (1, 1, 1, 1), (), 1, (28, 28)),
    ),
    "convolution backward, kernel": (
        "conv_backward_kernel",
        lambda: [numbers(8, 28, 28, 16), numbers(8, 28, 28, 32)],
        ((), (1, 1, 1, 1), (), 1, (3, 3)),
    ),
    "max pooling backward": (
        "max_pool_backward",
        lambda: [numbers(32, 14, 14, 16), None, numbers(32, 28, 28, 16)],
        ((28, 28), (2, 2), (2, 2)),
    ),
    "average pooling": ("average_pool", lambda: [numbers(32, 28, 28, 16)], ((2, 2), (2, 2))),
    "average pooling backward": (
        "average_pool_backward",
        lambda: [numbers(32, 14, 14, 16)],
        ((28, 28), (2, 2), (2, 2)),
    ),
    "LSTM backward": ("rnn_backward", partial(recurrent_backward, "lstm", 4), ("lstm",)),
    "GRU backward": ("rnn_backward", partial(recurrent_backward, "gru", 3), ("gru",)),
    "normal numbers": ("random_normal", lambda: [np.array([5, 7])], ((1000, 1000),)),
    "whole numbers": ("random_integers", lambda: [np.array([5, 7])], ((1000, 1000), 0, 10)),
    "dropout": ("dropout", lambda: [numbers(10**6), np.float32(0.5), np.array([5, 7])], ()),
    "dropout backward": (
        "dropout_backward",
        lambda: [numbers(10**6), pixels(10**6) % 2, np.float32(0.5)],
        (),
    ),
    "Adam": ("optimizer_step", adam, ("adam",)),
}
