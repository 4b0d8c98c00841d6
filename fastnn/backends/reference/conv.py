"""Convolution over one to three spatial axes, channels last: conv and its two gradients.

Plain sums over the taps of the window: for each, the part of the padded image that it meets.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from .elementwise import unary

Axes = Sequence[int]


def _each(values: Axes, rank: int, absent: int) -> tuple[int, ...]:
    return tuple(values) if values else (absent,) * rank


class _Windows:
    """Strides, pads and dilation of a call, one an axis, and the extents of the result."""

    def __init__(self, extents: Axes, window: Axes, strides: Axes, pads: Axes, dilation: Axes):
        rank = len(extents)
        self.window = tuple(window)
        self.strides = _each(strides, rank, 1)
        self.dilation = _each(dilation, rank, 1)
        flat = _each(pads, 2 * rank, 0)
        self.pads = tuple(zip(flat[::2], flat[1::2], strict=True))
        self.extents = tuple(extents)
        self.padded = tuple(n + sum(p) for n, p in zip(extents, self.pads, strict=True))
        self.out = tuple(
            (n - (size - 1) * step - 1) // stride + 1
            for n, size, step, stride in zip(
                self.padded, window, self.dilation, self.strides, strict=True
            )
        )

    def pad(self, x: np.ndarray) -> np.ndarray:
        return np.pad(x, ((0, 0), *self.pads, (0, 0)))

    def unpad(self, x: np.ndarray) -> np.ndarray:
        inside = (
            slice(p[0], p[0] + n) for p, n in zip(self.pads, self.extents, strict=True)
        )
        return x[(slice(None), *inside)]

    def taps(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """Each tap, and the padded elements that it meets."""
        for tap in itertools.product(*map(range, self.window)):
            yield (
                tap,
                (
                    slice(None),
                    *(
                        slice(t * step, t * step + (n - 1) * stride + 1, stride)
                        for t, step, n, stride in zip(
                            tap, self.dilation, self.out, self.strides, strict=True
                        )
                    ),
                ),
            )


def _grouped(x: np.ndarray, groups: int) -> np.ndarray:
    return x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)


@np.errstate(all="ignore")
def conv(
    x: np.ndarray,
    w: np.ndarray,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    *,
    strides: Axes = (),
    pads: Axes = (),
    dilation: Axes = (),
    groups: int = 1,
    activation: str = "linear",
    a: float = 0,
    want_preactivation: bool = False,
    algorithm: str = "auto",
) -> tuple[np.ndarray, np.ndarray | None]:
    """y = activation(z) and, when wanted, z = x * w + bias + residual (a cross-correlation).

    x [images, spatial.., channels], w [window.., channels / groups, filters], bias [filters],
    residual as y; pads (before, after) for each spatial axis. Filters fall into groups as channels
    do, and read those of their own group.
    """
    windows = _Windows(x.shape[1:-1], w.shape[:-2], strides, pads, dilation)
    padded, kernel = _grouped(windows.pad(x), groups), _grouped(w, groups)
    z = np.zeros((x.shape[0], *windows.out, groups, w.shape[-1] // groups), x.dtype)
    for tap, met in windows.taps():
        z += np.einsum("...gc,cgf->...gf", padded[met], kernel[tap])
    z = z.reshape(*z.shape[:-2], w.shape[-1])
    if bias is not None:
        z = z + bias
    if residual is not None:
        z = z + residual
    return unary(z, op=activation, a=a), z if want_preactivation else None


@np.errstate(all="ignore")
def conv_backward_input(
    dy: np.ndarray,
    w: np.ndarray,
    *,
    strides: Axes = (),
    pads: Axes = (),
    dilation: Axes = (),
    groups: int = 1,
    extents: Axes = (),
    algorithm: str = "auto",
) -> np.ndarray:
    """The gradient of ``conv`` by x, whose spatial axes have these extents."""
    windows = _Windows(extents, w.shape[:-2], strides, pads, dilation)
    kernel = _grouped(w, groups)
    dx = np.zeros((dy.shape[0], *windows.padded, groups, w.shape[-2]), dy.dtype)
    for tap, met in windows.taps():
        dx[met] += np.einsum("...gf,cgf->...gc", _grouped(dy, groups), kernel[tap])
    return windows.unpad(dx.reshape(*dx.shape[:-2], groups * w.shape[-2]))


@np.errstate(all="ignore")
def conv_backward_kernel(
    x: np.ndarray,
    dy: np.ndarray,
    *,
    strides: Axes = (),
    pads: Axes = (),
    dilation: Axes = (),
    groups: int = 1,
    window: Axes = (),
    want_db: bool = True,
    algorithm: str = "auto",
) -> tuple[np.ndarray, np.ndarray | None]:
    """The gradients of ``conv`` by w, whose windows have these extents, and by the bias."""
    windows = _Windows(x.shape[1:-1], window, strides, pads, dilation)
    padded, signal = _grouped(windows.pad(x), groups), _grouped(dy, groups)
    shape = (*window, x.shape[-1] // groups, groups, dy.shape[-1] // groups)
    dw = np.zeros(shape, x.dtype)
    for tap, met in windows.taps():
        dw[tap] = np.einsum("ngc,ngf->cgf", *(
            part.reshape(-1, *part.shape[-2:]) for part in (padded[met], signal)
        ))
    dw = dw.reshape(*shape[:-2], dy.shape[-1])
    return dw, dy.reshape(-1, dy.shape[-1]).sum(axis=0) if want_db else None
