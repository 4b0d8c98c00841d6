"""The mel scale, on which equal steps sound equally wide, and spectra on it.

Two formulas are in use. HTK's: S. Young et al., "The HTK book" (2006), section 5.4. The other, a
line up to 1 kHz and a logarithm above: M. Slaney, "Auditory toolbox" (1998). Names and defaults
are librosa's.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastnn.audio.arguments import as_numbers, size
from fastnn.audio.spectrum import spectra_of
from fastnn.utils.choices import one_of
from fastnn.utils.numbers import number, positive

# Slaney: 200/3 Hz a mel up to 1,000 Hz, which is 15 mel, then 27 mel for a factor of 6.4.
HZ_A_MEL = 200 / 3
BEND_HZ, BEND_MEL = 1000.0, 15.0
LOG_STEP = np.log(6.4) / 27


def hz_to_mel(frequencies: Any, htk: bool = False) -> np.ndarray:
    """Frequencies in mel, float64 of the same shape.

    Args:
        frequencies: hertz, from 0 on.
        htk: whether ``2595 log10(1 + f / 700)`` is meant, else Slaney's formula.

    Raises:
        ValueError: below 0, NaN or infinity.
        TypeError: no numbers.

    >>> hz_to_mel([0.0, 1000.0, 6400.0]).round(6).tolist()
    [0.0, 15.0, 42.0]
    >>> round(float(hz_to_mel(1000.0, htk=True)), 2)
    999.99
    """
    hz = as_numbers("hz_to_mel: frequencies", frequencies, least=0)
    if htk:
        return 2595 * np.log10(1 + hz / 700)
    above = BEND_MEL + np.log(np.maximum(hz, BEND_HZ) / BEND_HZ) / LOG_STEP
    return np.where(hz < BEND_HZ, hz / HZ_A_MEL, above)


def mel_to_hz(mels: Any, htk: bool = False) -> np.ndarray:
    """The inverse of `hz_to_mel`, with its errors.

    Raises:
        ValueError: mels so large (10,000 in Slaney's formula, 790,000 in HTK's) that float64 has
            no such frequency.

    >>> mel_to_hz([15.0, 42.0]).round(6).tolist()
    [1000.0, 6400.0]
    """
    mel = as_numbers("mel_to_hz: mels", mels, least=0)
    with np.errstate(over="ignore"):
        if htk:
            hz = 700 * (10 ** (mel / 2595) - 1)
        else:
            above = BEND_HZ * np.exp(LOG_STEP * (np.maximum(mel, BEND_MEL) - BEND_MEL))
            hz = np.where(mel < BEND_MEL, mel * HZ_A_MEL, above)
    if not np.isfinite(hz).all():
        raise ValueError(
            f"mel_to_hz: mels must have frequencies below {np.finfo(float).max:.3g}, "
            f"got {mel.max():g} mel"
        )
    return hz


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
        TypeError: what is no number, no integer or no str where one is expected.

    A filter too narrow to hold a bin is all zeros, and a warning says how many are.

    >>> mel_filters(8000, 256, 40).shape
    (129, 40)
    """
    return _filters(
        "mel_filters", sampling_rate, fft_length, num_mel_bins, min_freq, max_freq, htk, norm
    )


def _filters(
    operation: str,
    sampling_rate: Any,
    fft_length: Any,
    num_mel_bins: Any,
    min_freq: Any,
    max_freq: Any,
    htk: bool,
    norm: Any,
) -> np.ndarray:
    """`mel_filters` for another operation, which messages name; warnings point at its caller."""
    rate = positive(f"{operation}: sampling_rate", sampling_rate)
    points = size(f"{operation}: fft_length", fft_length)
    count = size(f"{operation}: num_mel_bins", num_mel_bins)
    bottom = number(f"{operation}: min_freq", min_freq)
    top = rate / 2 if max_freq is None else number(f"{operation}: max_freq", max_freq)
    if not 0 <= bottom < top <= rate / 2:
        raise ValueError(
            f"{operation}: expected 0 <= min_freq < max_freq <= {rate / 2:g} (half of "
            f"sampling_rate), got min_freq {bottom:g} and max_freq {top:g}"
        )
    one_of(f"{operation}: norm", norm, ("slaney", None))
    hz = np.arange(points // 2 + 1)[:, None] * (rate / points)
    first, last = hz_to_mel([bottom, top], htk)
    edges = mel_to_hz(np.linspace(first, last, count + 2), htk)
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    filters = np.maximum(0, np.minimum((hz - low) / (peak - low), (high - hz) / (high - peak)))
    empty = np.count_nonzero(~filters.any(axis=0))
    if empty:
        warnings.warn(
            f"{operation}: {empty} of {count} filters hold no bin of the spectrum: fewer filters "
            "or a longer fft_length have none that are empty",
            stacklevel=3,
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
        min_power: above 0 in the result's dtype, what smaller powers are taken for, so that
            silence has a logarithm.

    Returns:
        [..., frames, num_mel_bins].

    Raises:
        ValueError, TypeError: as `spectrogram` and `mel_filters`; min_power is not above 0; a rate
            so low that 25 or 10 milliseconds have no sample.

    >>> import numpy as np
    >>> log_mel(np.sin(np.arange(8000.0)), 8000).shape  # a second
    (98, 40)
    """
    rate = positive("log_mel: sampling_rate", sampling_rate)
    length = _samples("sequence_length", sequence_length, 0.025, rate)
    stride = _samples("sequence_stride", sequence_stride, 0.010, rate)
    points = length if fft_length is None else fft_length
    spectra = spectra_of("log_mel", signal, length, stride, points)
    least = positive("log_mel: min_power", min_power, spectra.dtype)
    filters = _filters("log_mel", rate, points, num_mel_bins, min_freq, max_freq, htk, norm)
    return np.log(np.maximum(spectra @ filters.astype(spectra.dtype), least))


def _samples(name: str, given: Any, seconds: float, rate: float) -> Any:
    """What is given, or so many seconds."""
    if given is not None:
        return given
    return size(
        f"log_mel: {name}, if None {seconds:g} s at sampling_rate {rate:g},", round(seconds * rate)
    )
