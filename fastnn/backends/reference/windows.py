"""Windows over spatial axes, element by element of the window: what pooling and convolution share.

Arguments are those of the primitives: pads are (before, after) for each axis, one after the other;
empty strides, pads or dilation mean ones, zeros, ones. With ``ceil`` a last window may reach beyond
the padding, if it starts before its end.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np


class Windows:
    """Windows of extents ``window`` over spatial axes of extents ``extents``."""

    def __init__(
        self,
        extents: tuple,
        window: tuple,
        strides: tuple = (),
        pads: tuple = (),
        dilation: tuple = (),
        ceil: bool = False,
    ):
        rank = len(extents)
        self.extents, self.window = tuple(extents), tuple(window)
        self.strides = tuple(strides) or (1,) * rank
        self.dilation = tuple(dilation) or (1,) * rank
        pads = tuple(pads) or (0, 0) * rank
        self.before = pads[::2]
        self.out: tuple[int, ...] = ()
        self._padding = []
        for n, k, s, d, first, last in zip(
            extents, window, self.strides, self.dilation, self.before, pads[1::2], strict=True
        ):
            reach = (k - 1) * d + 1
            room = n + first + last - reach
            count = (-(-room // s) if ceil else room // s) + 1
            if ceil and (count - 1) * s >= n + first:
                count -= 1
            self.out = (*self.out, count)
            self._padding.append((first, max(last, (count - 1) * s + reach - n - first)))

    def padded(self, x: np.ndarray, value: float) -> np.ndarray:
        """x [batch, spatial..., channels] with ``value`` wherever windows reach beyond it."""
        return np.pad(x, [(0, 0), *self._padding, (0, 0)], constant_values=value)

    def inner(self, padded: np.ndarray) -> np.ndarray:
        """The part of a padded array that is not padding."""
        spatial = (slice(b, b + n) for b, n in zip(self.before, self.extents, strict=True))
        where = (slice(None), *spatial)
        return padded[where]

    def taps(self) -> Iterator[tuple]:
        """For each element of the window, in row-major order, where all windows have it.

        An index of a padded array, which gives [batch, *out, channels].
        """
        for tap in itertools.product(*map(range, self.window)):
            places = zip(tap, self.dilation, self.strides, self.out, strict=True)
            spatial = (slice(k * d, k * d + (o - 1) * s + 1, s) for k, d, s, o in places)
            yield (slice(None), *spatial)
