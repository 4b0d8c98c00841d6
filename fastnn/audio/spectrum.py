"""A signal cut into frames, and the spectrum of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.audio.arguments import as_floats, as_numbers, size
from fastnn.messages import shown
from fastnn.utils.numbers import positive


def frame(signal: Any, sequence_length: int, sequence_stride: int) -> np.ndarray:
    """Overlapping pieces of a signal; samples after the last whole one are left out.

    Args:
        signal: [..., samples].
        sequence_length: samples in a frame.
        sequence_stride: samples from the beginning of a frame to that of the next.

    Returns:
        [..., frames, sequence_length], a view that cannot be written to, of
        ``1 + (samples - sequence_length) // sequence_stride`` frames.

    Raises:
        ValueError: a signal that is shorter than a frame, lengths below 1, NaN or infinity.
        TypeError: a signal of integers, lengths that are none.

    >>> frame([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 3, 2).tolist()
    [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]
    """
    return _frame("frame", signal, sequence_length, sequence_stride)


def _frame(operation: str, signal: Any, length: Any, stride: Any) -> np.ndarray:
    signal = as_floats(f"{operation}: signal", signal, 1)
    length = size(f"{operation}: sequence_length", length)
    stride = size(f"{operation}: sequence_stride", stride)
    if signal.shape[-1] < length:
        raise ValueError(
            f"{operation}: the signal has {signal.shape[-1]} samples, fewer than the {length} of a "
            "frame"
        )
    return np.lib.stride_tricks.sliding_window_view(signal, length, axis=-1)[..., ::stride, :]


def hann(length: int, periodic: bool = True) -> np.ndarray:
    """The Hann window, ``sin(pi n / period) ** 2``, as float64 [length].

    Args:
        length: number of samples.
        periodic: whether the period is `length`, as spectra want it, or ``length - 1``, which
            makes the window symmetric.

    >>> hann(4).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    length = size("hann: length", length)
    period = length if periodic else max(length - 1, 1)
    return np.sin(np.pi * np.arange(length) / period) ** 2 if length > 1 else np.ones(1)


def spectrogram(
    signal: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int | None = None,
    window: Any = "hann",
    power: float = 2.0,
) -> np.ndarray:
    """The spectrum of every frame, ``abs(rfft(window * frame)) ** power``.

    Frames are those of `frame`: nothing is padded, so the first is centred on half its length.

    Args:
        signal: [..., samples].
        sequence_length, sequence_stride: as in `frame`.
        fft_length: points of the transform, at least sequence_length (and that if None); zeros
            follow each frame.
        window: "hann", None for none, or [sequence_length] numbers.
        power: 2 for power, 1 for magnitude.

    Returns:
        [..., frames, fft_length // 2 + 1]; bin k is at k / fft_length of the sampling rate.

    Raises:
        ValueError: as `frame`; a transform shorter than a frame, an unknown window, one of
            another length or with NaN or infinity, a power that is not above 0 and finite, a
            signal so large that the result is not finite.
        TypeError: a signal of integers; a window or a power that is no number.

    >>> import numpy as np
    >>> wave = np.sin(2 * np.pi * 1000 * np.arange(400) / 8000)  # 1 kHz
    >>> spectrogram(wave, 80, 40).argmax(axis=-1).tolist()  # bins of 100 Hz
    [10, 10, 10, 10, 10, 10, 10, 10, 10]
    """
    return spectra_of(
        "spectrogram", signal, sequence_length, sequence_stride, fft_length, window, power
    )


def spectra_of(
    operation: str,
    signal: Any,
    sequence_length: Any,
    sequence_stride: Any,
    fft_length: Any,
    window: Any = "hann",
    power: Any = 2.0,
) -> np.ndarray:
    """`spectrogram` for another operation, which messages name."""
    frames = _frame(operation, signal, sequence_length, sequence_stride)
    length = frames.shape[-1]
    points = length if fft_length is None else size(f"{operation}: fft_length", fft_length)
    if points < length:
        raise ValueError(
            f"{operation}: fft_length is {points}, shorter than a frame of {length} samples"
        )
    power = positive(f"{operation}: power", power)
    weights = _window(window, length)
    with np.errstate(over="ignore", invalid="ignore"):
        spectra = np.abs(np.fft.rfft(frames * weights.astype(frames.dtype), points)) ** power
    if not np.isfinite(spectra).all():
        raise ValueError(
            f"{operation}: signal must be smaller: its windowed spectrum to the power of {power:g} "
            f"is beyond {spectra.dtype}"
        )
    return spectra


def _window(window: Any, length: int) -> np.ndarray:
    if window is None:
        return np.ones(length)
    if isinstance(window, str):
        if window != "hann":
            raise ValueError(
                f"spectrogram: window is {shown(window)}, expected 'hann', None or an array"
            )
        return hann(length)
    weights = as_numbers("spectrogram: window", window)
    if weights.shape != (length,):
        raise ValueError(
            f"spectrogram: window has shape {weights.shape}, expected ({length},), a frame's"
        )
    return weights
