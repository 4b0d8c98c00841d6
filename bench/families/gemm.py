"""Products of matrices, and the gradients of a dense layer."""

from collections.abc import Iterator
from functools import partial

import numpy as np

import fastnn as fn
from bench.row import Engine, Row, Streams
from bench.shapes import GEMM, gemm_name

SMALL = 10**6  # operations below which a call is overhead
IN_CACHE = 1 << 16  # elements below which memory is no bound


def operands(m: int, n: int, k: int, form: str, dtype: str):
    random = np.random.default_rng(0)
    a = random.random((k, m) if form[0] == "T" else (m, k), dtype) - 0.5
    b = random.random((n, k) if form[1] == "T" else (k, n), dtype) - 0.5
    return a, b, form


def oriented(a, b, form):
    """Both as they are multiplied; a transpose is a view."""
    return (a.T if form[0] == "T" else a), (b.T if form[1] == "T" else b)


def ours(a, b, form) -> Engine:
    x, y = fn.tensor(a), fn.tensor(b)
    if form == "NN":
        return Engine(lambda: x @ y)
    # Layers say so in the call: a transposed Tensor would be a copy.
    call = (x, y, None, None, None, form[0] == "T", form[1] == "T")
    return Engine(lambda: fn._core.gemm(*call)[0])


def numpys(a, b, form) -> Engine:
    left, right = oriented(a, b, form)
    return Engine(lambda: left @ right)


def torchs(a, b, form) -> Engine:
    import torch

    left, right = oriented(torch.as_tensor(a), torch.as_tensor(b), form)
    return Engine(lambda: left @ right)


def product_row(m: int, n: int, k: int, form: str, dtype: str) -> Row:
    words = np.dtype(dtype).itemsize // 4
    flops = 2.0 * m * n * k * words
    streams = ()
    if m * k + k * n + m * n >= IN_CACHE:
        streams = (Streams((m * k + k * n) * words, read=1), Streams(m * n * words, written=1))
    engines = {"fastnn": ours, "NumPy": numpys}
    if dtype == "float32":
        engines["PyTorch"] = torchs
    return Row(
        gemm_name(m, n, k, form, dtype),
        partial(operands, m, n, k, form, dtype),
        engines,
        flops=flops if flops >= SMALL else 0,
        streams=streams,
    )


# ---- a dense layer's gradients -------------------------------------------------------------------


def dense_operands(rows: int, inputs: int, units: int):
    random = np.random.default_rng(0)
    x, w, dy = (
        random.standard_normal(shape, dtype=np.float32)
        for shape in ((rows, inputs), (inputs, units), (rows, units))
    )
    return dy, x, w, np.maximum(x @ w, 0)


def our_dense(*operands) -> Engine:
    tensors = [fn.tensor(part) for part in operands]
    return Engine(lambda: fn._core.dense_backward(*tensors, "relu"))


def numpys_dense(dy, x, w, y) -> Engine:
    def call():
        g = dy * (y > 0)
        return g @ w.T, x.T @ g, g.sum(0)

    return Engine(call)


def torchs_dense(dy, x, w, y) -> Engine:
    import torch

    dy, x, w, y = (torch.as_tensor(part) for part in (dy, x, w, y))

    def call():
        g = dy * (y > 0)
        return g @ w.T, x.T @ g, g.sum(0)

    return Engine(call)


def rows() -> Iterator[Row]:
    for dtype in ("float32", "float64"):
        for shape in GEMM:
            yield product_row(*shape, dtype)
    rows, inputs, units = 100, 784, 500
    yield Row(
        f"gradients of dense {rows}x{inputs}x{units}, relu",
        partial(dense_operands, rows, inputs, units),
        {"fastnn": our_dense, "NumPy": numpys_dense, "PyTorch": torchs_dense},
        flops=4.0 * rows * inputs * units,
    )
