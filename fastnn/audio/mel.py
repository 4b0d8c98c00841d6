"""The mel scale, on which equal steps sound equally wide, and spectra on it.

Two formulas are in use. HTK's: S. Young et al., "The HTK book" (2006), section 5.4. The other, a
line up to 1 kHz and a logarithm above: M. Slaney, "Auditory toolbox" (1998). Names and defaults
are librosa's.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastnn.audio.arguments import positive, whole
from fastnn.audio.spectrum import spectrogram

# Slaney: 200/3 Hz a mel up to 1,000 Hz, which is 15 mel, then 27 mel for a factor of 6.4.
HZ_A_MEL = 200 / 3
BEND_HZ, BEND_MEL = 1000.0, 15.0
LOG_STEP = np.log(6.4) / 27


def hz_to_mel(frequencies: Any, htk: bool = False) -> np.ndarray:
    """Frequencies in mel, float64 of the same shape.

    Args:
        frequencies: hertz, from 0 on.
        htk: whether ``2595 log10(1 + f / 700)`` is meant, else Slaney's formula.

    >>> hz_to_mel([0.0, 1000.0, 6400.0]).round(6).tolist()
    [0.0, 15.0, 42.0]
    >>> round(float(hz_to_mel(1000.0, htk=True)), 2)
    999.99
    """
    hz = np.asarray(frequencies, np.float64)
    if htk:
        return 2595 * np.log10(1 + hz / 700)
    above = BEND_MEL + np.log(np.maximum(hz, BEND_HZ) / BEND_HZ) / LOG_STEP
    return np.where(hz < BEND_HZ, hz / HZ_A_MEL, above)


def mel_to_hz(mels: Any, htk: bool = False) -> np.ndarray:
    """The inverse of `hz_to_mel`.

    >>> mel_to_hz([15.0, 42.0]).round(6).tolist()
    [1000.0, 6400.0]
    """
    mel = np.asarray(mels, np.float64)
    if htk:
        return 700 * (10 ** (mel / 2595) - 1)
    above = BEND_HZ * np.exp(LOG_STEP * (np.maximum(mel, BEND_MEL) - BEND_MEL))
    return np.where(mel < BEND_MEL, mel * HZ_A_MEL, above)


def mel_filters(
    sampling_rate: float,
    fft_length: int,
    num_mel_bins: int = 128,
    min_freq: float = 0.0,
    max_freq: float | None = None,
    htk: bool = False,
    norm: str | None = "slaney",
) -> np.ndarray:
    """Triangular filters at equal distances on the mel scale: ``spectrum @ mel_filters(...)``.

    Args:
        sampling_rate: samples a second.
        fft_length: points of the spectrum's transform.
        num_mel_bins: number of filters.
        min_freq, max_freq: hertz where the first begins and the last ends; half of sampling_rate
            if None.
        htk: the formula, as in `hz_to_mel`.
        norm: "slaney" divides each filter by half its width, so that all have equal areas; None
            leaves peaks of 1.

    Returns:
        float64 [fft_length // 2 + 1, num_mel_bins].

    Raises:
        ValueError: numbers below 1, frequencies out of order or above half the rate, another norm.

    A filter too narrow to hold a bin is all zeros, and a warning says how many are.

    >>> mel_filters(8000, 256, 40).shape
    (129, 40)
    """
    positive("mel_filters", "sampling_rate", sampling_rate)
    points = whole("mel_filters", "fft_length", fft_length)
    count = whole("mel_filters", "num_mel_bins", num_mel_bins)
    top = sampling_rate / 2 if max_freq is None else max_freq
    if not 0 <= min_freq < top <= sampling_rate / 2:
        raise ValueError(
            f"mel_filters: expected 0 <= min_freq < max_freq <= {sampling_rate / 2:g} (half of "
            f"sampling_rate), got min_freq {min_freq:g} and max_freq {top:g}"
        )
    if norm not in ("slaney", None):
        raise ValueError(f"mel_filters: norm must be 'slaney' or None, got {norm!r}")
    hz = np.arange(points // 2 + 1)[:, None] * (sampling_rate / points)
    first, last = hz_to_mel([min_freq, top], htk)
    edges = mel_to_hz(np.linspace(first, last, count + 2), htk)
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    filters = np.maximum(0, np.minimum((hz - low) / (peak - low), (high - hz) / (high - peak)))
    empty = np.count_nonzero(~filters.any(axis=0))
    if empty:
        warnings.warn(
            f"mel_filters: {empty} of {count} filters hold no bin of the spectrum: fewer filters "
            "or a longer fft_length have none that are empty",
            stacklevel=2,
        )
    return filters if norm is None else filters * (2 / (high - low))


def log_mel(
    signal: Any,
    sampling_rate: float,
    sequence_length: int | None = None,
    sequence_stride: int | None = None,
    fft_length: int | None = None,
    num_mel_bins: int = 40,
    min_freq: float = 0.0,
    max_freq: float | None = None,
    htk: bool = False,
    norm: str | None = "slaney",
    min_power: float = 1e-10,
) -> np.ndarray:
    """The natural logarithm of a signal's power in mel filters, frame by frame.

    Args:
        signal: [..., samples].
        sampling_rate: samples a second.
        sequence_length, sequence_stride: samples, as in `frame`; 25 and 10 milliseconds if None.
        fft_length: points of the transform; sequence_length if None.
        num_mel_bins, min_freq, max_freq, htk, norm: as in `mel_filters`.
        min_power: above 0, what smaller powers are taken for, so that silence has a logarithm.

    Returns:
        [..., frames, num_mel_bins].

    Raises:
        ValueError, TypeError: as `spectrogram` and `mel_filters`; min_power is not above 0.

    >>> import numpy as np
    >>> log_mel(np.sin(np.arange(8000.0)), 8000).shape  # a second
    (98, 40)
    """
    positive("log_mel", "sampling_rate", sampling_rate)
    positive("log_mel", "min_power", min_power)
    length = round(0.025 * sampling_rate) if sequence_length is None else sequence_length
    stride = round(0.010 * sampling_rate) if sequence_stride is None else sequence_stride
    points = length if fft_length is None else fft_length
    spectra = spectrogram(signal, length, stride, points)
    filters = mel_filters(sampling_rate, points, num_mel_bins, min_freq, max_freq, htk, norm)
    return np.log(np.maximum(spectra @ filters.astype(spectra.dtype), min_power))
