"""Convolution over one to three spatial axes, channels last: conv and its two gradients.

Plain sums over the taps of the window: for each, the part of the padded image that it meets.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .elementwise import unary
from .windows import Windows


def _taps(windows: Windows) -> Iterator[tuple]:
    """Each tap of the window, and the padded elements that it meets."""
    return zip(np.ndindex(windows.window), windows.taps(), strict=True)


def _grouped(x: np.ndarray, groups: int) -> np.ndarray:
    return x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)


@np.errstate(all="ignore")
def conv(
    x: np.ndarray,
    w: np.ndarray,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    *,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
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
    windows = Windows(x.shape[1:-1], w.shape[:-2], strides, pads, dilation)
    padded, kernel = _grouped(windows.padded(x, 0), groups), _grouped(w, groups)
    z = np.zeros((x.shape[0], *windows.out, groups, w.shape[-1] // groups), x.dtype)
    for tap, met in _taps(windows):
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
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    groups: int = 1,
    extents: tuple = (),
    algorithm: str = "auto",
) -> np.ndarray:
    """The gradient of ``conv`` by x, whose spatial axes have these extents."""
    windows = Windows(extents, w.shape[:-2], strides, pads, dilation)
    kernel = _grouped(w, groups)
    channels = groups * w.shape[-2]
    dx = windows.padded(np.zeros((dy.shape[0], *extents, channels), dy.dtype), 0)
    parts = _grouped(dx, groups)
    for tap, met in _taps(windows):
        parts[met] += np.einsum("...gf,cgf->...gc", _grouped(dy, groups), kernel[tap])
    return windows.inner(dx)


@np.errstate(all="ignore")
def conv_backward_kernel(
    x: np.ndarray,
    dy: np.ndarray,
    *,
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    groups: int = 1,
    window: tuple = (),
    want_db: bool = True,
    algorithm: str = "auto",
) -> tuple[np.ndarray, np.ndarray | None]:
    """The gradients of ``conv`` by w, whose windows have these extents, and by the bias."""
    windows = Windows(x.shape[1:-1], window, strides, pads, dilation)
    padded, signal = _grouped(windows.padded(x, 0), groups), _grouped(dy, groups)
    shape = (*window, x.shape[-1] // groups, groups, dy.shape[-1] // groups)
    dw = np.zeros(shape, x.dtype)
    for tap, met in _taps(windows):
        dw[tap] = np.einsum(
            "ngc,ngf->cgf", *(part.reshape(-1, *part.shape[-2:]) for part in (padded[met], signal))
        )
    dw = dw.reshape(*shape[:-2], dy.shape[-1])
    return dw, dy.reshape(-1, dy.shape[-1]).sum(axis=0) if want_db else None
