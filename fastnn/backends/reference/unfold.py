"""Windows over an image laid side by side (unfold, "im2col"), and their sum (fold)."""

from __future__ import annotations

import numpy as np

from .windows import Windows


def unfold(
    x: np.ndarray,
    *,
    window: tuple = (),
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
) -> np.ndarray:
    """y [images, results.., window.. * channels] of x [images, spatial.., channels].

    Element (t, c) of result o is x at o * stride - before + t * dilation, zero outside of x
    (K. Chellapilla et al., 2006).
    """
    windows = Windows(x.shape[1:-1], window, strides, pads, dilation)
    padded = windows.padded(x, 0)
    patches = np.stack([padded[met] for met in windows.taps()], axis=-2)
    return patches.reshape(*patches.shape[:-2], patches.shape[-2] * patches.shape[-1])


@np.errstate(all="ignore")
def fold(
    y: np.ndarray,
    *,
    window: tuple = (),
    strides: tuple = (),
    pads: tuple = (),
    dilation: tuple = (),
    extents: tuple = (),
) -> np.ndarray:
    """The transpose of ``unfold``: x, with spatial axes of these extents, adds up its windows."""
    windows = Windows(extents, window, strides, pads, dilation)
    taps = list(windows.taps())
    channels = y.shape[-1] // len(taps)
    patches = y.reshape(*y.shape[:-1], len(taps), channels)
    x = windows.padded(np.zeros((y.shape[0], *extents, channels), y.dtype), 0)
    for i, met in enumerate(taps):
        x[met] += patches[..., i, :]
    return windows.inner(x)
