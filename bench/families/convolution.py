"""Convolutions of images, and their gradients."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import fastnn as fn
from bench.row import ALL, FORWARD, Engine, Row, Streams, both_ways
from bench.shapes import CONV, DEPTHWISE
from bench.windows import Windows

BY_INPUT, BY_KERNEL = "gradient by input", "gradient by kernel"
TOLERANCE = 1e-4  # Winograd's method rounds sums and differences of what a plain one multiplies


@dataclass(frozen=True)
class Conv:
    """A convolution, depthwise if it has as many groups as channels."""

    windows: Windows
    filters: int
    groups: int = 1

    @property
    def name(self) -> str:
        return self.windows.name(f" to {self.filters}" if self.groups == 1 else " depthwise")

    @property
    def w_shape(self) -> tuple[int, int, int, int]:
        w = self.windows
        return w.rows, w.columns, w.channels // self.groups, self.filters

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        return self.windows.y_shape(self.filters)

    def data(self):
        """x, the kernel, the gradient of what comes out."""
        random = np.random.default_rng(0)
        shapes = self.windows.x_shape, self.w_shape, self.y_shape
        return [random.standard_normal(shape, dtype=np.float32) for shape in shapes]

    def flops(self, kind: str) -> float:
        rows, columns, channels, _ = self.w_shape
        one = 2.0 * math.prod(self.y_shape) * rows * columns * channels
        return 3 * one if kind == ALL else one

    def streams(self, kind: str) -> tuple[Streams, ...]:
        """Each of the three reads two arrays and writes the third."""
        x, w, y = map(math.prod, (self.windows.x_shape, self.w_shape, self.y_shape))
        written = {FORWARD: (0, 0, 1), BY_INPUT: (1, 0, 0), BY_KERNEL: (0, 1, 0), ALL: (1, 1, 1)}
        calls = 3 if kind == ALL else 1
        return tuple(
            Streams(size, read=calls - output, written=output)
            for size, output in zip((x, w, y), written[kind])
        )


# ---- fastnn --------------------------------------------------------------------------------------


def ours(conv: Conv, kind: str, *operands) -> Engine:
    x, w, dy = map(fn.tensor, operands)
    s, p = conv.windows.stride, conv.windows.pad
    places = ((s, s), (p, p, p, p), (1, 1), conv.groups)
    forward = partial(fn.ops.conv, strides=s, padding=((p, p), (p, p)))
    if kind == FORWARD:
        return Engine(partial(forward, x, w))
    if kind == BY_INPUT:
        arguments = (dy, w, *places, x.shape[1:3], "auto")
        return Engine(lambda: fn._core.conv_backward_input(*arguments))
    if kind == BY_KERNEL:
        arguments = (x, dy, *places, w.shape[:2], False, "auto")
        return Engine(lambda: fn._core.conv_backward_kernel(*arguments)[0])
    return both_ways(forward, dy, [x, w])


# ---- NumPy ---------------------------------------------------------------------------------------


def patches(conv: Conv, x):
    """A matrix with a row for each window: what it has of x, in the kernel's order."""
    window, s = conv.w_shape[:2], conv.windows.stride
    views = sliding_window_view(x, window, (1, 2))[:, ::s, ::s]
    return views.transpose(0, 1, 2, 4, 5, 3).reshape(-1, math.prod(conv.w_shape[:3]))


def input_gradient(conv: Conv, x, w, dy, multiply):
    """Tap by tap what `multiply` makes of the result's gradient, where the tap was."""
    dx = conv.windows.padded(np.zeros_like(x))
    for tap, part in conv.windows.taps(dx):
        part += multiply(dy, w[tap]).reshape(part.shape)
    return conv.windows.inner(dx)


def with_patches(conv: Conv, gradients: bool, x, w, dy):
    rows = patches(conv, conv.windows.padded(x))
    y = (rows @ w.reshape(rows.shape[1], -1)).reshape(dy.shape)
    if not gradients:
        return y
    signal = dy.reshape(len(rows), -1)
    dx = input_gradient(conv, x, w, signal, lambda signal, tap: signal @ tap.T)
    return y, dx, (rows.T @ signal).reshape(w.shape)


def tap_by_tap(conv: Conv, gradients: bool, x, w, dy):
    """Depthwise."""
    parts = list(conv.windows.taps(conv.windows.padded(x)))
    y = np.zeros_like(dy)
    for tap, part in parts:
        y += part * w[tap]
    if not gradients:
        return y
    dw = np.empty_like(w)
    for tap, part in parts:
        dw[tap] = np.einsum("nhwc,nhwc->c", part, dy)
    return y, input_gradient(conv, x, w, dy, np.multiply), dw


def numpys(conv: Conv, kind: str, *operands) -> Engine:
    method = with_patches if conv.groups == 1 else tap_by_tap
    return Engine(partial(method, conv, kind == ALL, *operands))


# ---- PyTorch -------------------------------------------------------------------------------------


def torchs(layout: str, conv: Conv, kind: str, *operands) -> Engine:
    import torch

    order = {"memory_format": getattr(torch, layout)}
    x, w, dy = map(torch.as_tensor, operands)
    x, dy = (part.permute(0, 3, 1, 2).contiguous(**order) for part in (x, dy))
    w = w.permute(3, 2, 0, 1).contiguous(**order)
    s, p, groups = conv.windows.stride, conv.windows.pad, conv.groups
    forward = partial(torch.nn.functional.conv2d, stride=s, padding=p, groups=groups)
    places = (None, (s, s), (p, p), (1, 1), False, (0, 0), groups)

    def gradient(*wanted):
        return torch.ops.aten.convolution_backward(dy, x, w, *places, (*wanted, False))

    if kind == ALL:
        call = both_ways(forward, dy, [x, w]).call
    else:
        call = {
            FORWARD: lambda: forward(x, w),
            BY_INPUT: lambda: gradient(True, False)[0],
            BY_KERNEL: lambda: gradient(False, True)[1],
        }[kind]

    def result():
        y_or_all = call()
        parts = y_or_all if kind == ALL else (y_or_all,)
        images, kernel = (0, 2, 3, 1), (2, 3, 1, 0)
        orders = (kernel,) if kind == BY_KERNEL else (images, images, kernel)
        return [part.permute(order) for part, order in zip(parts, orders)]

    return Engine(call, result)


# ---- JAX -----------------------------------------------------------------------------------------


def jaxs(conv: Conv, kind: str, *operands) -> Engine:
    import jax
    import jax.numpy as jnp

    s, p = conv.windows.stride, conv.windows.pad

    def forward(x, w):
        return jax.lax.conv_general_dilated(
            x,
            w,
            (s, s),
            ((p, p), (p, p)),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=conv.groups,
        )

    @jax.jit
    def call(x, w, dy):
        if kind == FORWARD:
            return forward(x, w)
        y, gradients = jax.vjp(forward, x, w)
        dx, dw = gradients(dy)  # what is not returned is not computed
        return {BY_INPUT: dx, BY_KERNEL: dw, ALL: (y, dx, dw)}[kind]

    arrays = [jnp.asarray(part) for part in operands]
    return Engine(lambda: jax.block_until_ready(call(*arrays)))


PEERS = {
    "PyTorch": partial(torchs, "contiguous_format"),
    "PyTorch, channels last": partial(torchs, "channels_last"),
    "JAX": jaxs,
}
ENGINES = {"fastnn": ours, "NumPy": numpys, **PEERS}


def rows() -> Iterator[Row]:
    convs = [Conv(Windows(n, h, w, c, *places), k) for n, h, w, c, k, *places in CONV]
    convs += [Conv(Windows(*shape), shape[3], shape[3]) for shape in DEPTHWISE]
    for kind in (FORWARD, ALL, BY_INPUT, BY_KERNEL):
        # NumPy computes the gradients once, for both.
        engines = ENGINES if kind in (FORWARD, ALL) else {"fastnn": ours, **PEERS}
        for conv in convs:
            yield Row(
                f"{conv.name}: {kind}",
                conv.data,
                {name: partial(make, conv, kind) for name, make in engines.items()},
                flops=conv.flops(kind),
                streams=conv.streams(kind),
                tolerance=TOLERANCE,
            )
