"""What is made of a log-mel spectrum: cepstra, slopes, several frames as one."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.audio.arguments import as_floats, size


def mfcc(log_mel: Any, num_coefficients: int = 13) -> np.ndarray:
    """Mel-frequency cepstral coefficients: the orthonormal DCT-II of log-mel spectra.

    S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences" (1980).

    Args:
        log_mel: [..., frames, mel bins], as of `log_mel`.
        num_coefficients: how many to keep, from the zeroth on.

    Returns:
        [..., frames, num_coefficients].

    Raises:
        ValueError: more coefficients than mel bins, fewer than two axes, NaN or infinity.
        TypeError: values that are no floats, or a number that is no integer.

    >>> import numpy as np
    >>> mfcc(np.ones((5, 40)), 1)[0].round(3).tolist()  # flat: sqrt(40)
    [6.325]
    """
    x = as_floats("mfcc: log_mel", log_mel, 2)
    count, bins = size("mfcc: num_coefficients", num_coefficients), x.shape[-1]
    if count > bins:
        raise ValueError(f"mfcc: num_coefficients is {count}, but log_mel has {bins} mel bins")
    angles = np.pi / bins * np.outer(np.arange(bins) + 0.5, np.arange(count))
    cosines = np.sqrt(2 / bins) * np.cos(angles)
    cosines[:, 0] = np.sqrt(1 / bins)
    return x @ cosines.astype(x.dtype)


def delta(features: Any, width: int = 9) -> np.ndarray:
    """The slope of each feature over time: of the line that fits `width` frames best.

    S. Young et al., "The HTK book" (2006), equation 5.16; the first and the last frame are
    repeated at the ends. The slope of the slopes is ``delta(delta(x))``.

    Args:
        features: [..., frames, features].
        width: frames that count, an odd number from 3 on.

    Returns:
        [..., frames, features], change per frame.

    Raises:
        ValueError: an even width, no frames, fewer than two axes, NaN or infinity.
        TypeError: values that are no floats, or a number that is no integer.

    >>> delta([[0.0], [1.0], [2.0], [3.0]], width=3).tolist()
    [[0.5], [1.0], [1.0], [0.5]]
    """
    x = as_floats("delta: features", features, 2)
    width = size("delta: width", width, 3)
    if width % 2 == 0:
        raise ValueError(f"delta: width must be odd, got {width}")
    frames, half = x.shape[-2], width // 2
    if not frames:
        raise ValueError("delta: features has no frames")
    padded = np.concatenate(
        [np.repeat(x[..., :1, :], half, -2), x, np.repeat(x[..., -1:, :], half, -2)], axis=-2
    )
    slopes = np.zeros_like(x)
    for n in range(1, half + 1):
        later, earlier = padded[..., half + n :, :], padded[..., half - n :, :]
        slopes += n * (later[..., :frames, :] - earlier[..., :frames, :])
    return slopes / (2 * sum(n * n for n in range(1, half + 1)))


def stack_frames(features: Any, count: int) -> np.ndarray:
    """`count` frames after each other as one, which shortens the sequence for a recurrent net.

    Args:
        features: [..., frames, features].
        count: how many; frames that do not fill the last one are left out.

    Returns:
        [..., frames // count, count * features].

    Raises:
        ValueError: a count below 1, fewer than two axes, NaN or infinity.
        TypeError: values that are no floats, or a number that is no integer.

    >>> stack_frames([[1.0], [2.0], [3.0], [4.0], [5.0]], 2).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    x = as_floats("stack_frames: features", features, 2)
    count = size("stack_frames: count", count)
    *batch, frames, width = x.shape
    whole = x[..., : frames // count * count, :]
    return whole.reshape(*batch, frames // count, count * width)
