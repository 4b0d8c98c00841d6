"""Reading WAV files: what most hold by the standard library, the rest by soundfile."""

from __future__ import annotations

import io
import os
import wave
from typing import Any, BinaryIO

import numpy as np


def read_wav(file: str | os.PathLike | bytes | BinaryIO, rate: int | None = None) -> tuple:
    """Reads the samples of a WAV file.

    Integer samples (PCM of 8, 16, 24 or 32 bits) are read without another library; floats and
    compressed ones by soundfile (extra ``audio``).

    Args:
        file: a path, the content of a file as bytes, or an open binary file.
        rate: the samples a second that it must have; any if None.

    Returns:
        ``(signal, rate)``: float32 from -1 to 1 of shape [samples], of several channels
        [samples, channels]; and the samples a second.

    Raises:
        ValueError: not a WAV file, a truncated or damaged one, one without samples, another rate.
        FileNotFoundError: there is no such file.
        ImportError: it holds other samples than integers, and soundfile is not installed.

    >>> import io, wave
    >>> file = io.BytesIO()
    >>> with wave.open(file, "wb") as writer:
    ...     writer.setparams((1, 2, 8000, 0, "NONE", ""))  # mono, two bytes a sample
    ...     writer.writeframes(b"\\x00\\x40\\x00\\xc0")
    >>> signal, rate = read_wav(file.getvalue())
    >>> signal.tolist(), rate
    ([0.5, -0.5], 8000)
    """
    if isinstance(file, bytes):
        name, content = "the file", file
    elif isinstance(file, (str, os.PathLike)):
        name = os.fspath(file)
        with open(file, "rb") as opened:
            content = opened.read()
    else:
        name, content = getattr(file, "name", "the file"), file.read()
    try:
        signal, found = _decode(content)
    except ValueError as error:
        raise ValueError(f"read_wav: {name} {error}") from error
    if rate is not None and found != rate:
        raise ValueError(f"read_wav: {name} has {found} samples a second, expected {rate}")
    return signal, found


def _decode(content: bytes) -> tuple[np.ndarray, int]:
    """(signal, rate); a ValueError that goes on after the file's name."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError(f"is not a WAV file: it begins with {content[:12]!r}")
    try:
        with wave.open(io.BytesIO(content)) as reader:
            channels, width, rate, frames = reader.getparams()[:4]
            samples = reader.readframes(frames)
    except wave.Error as error:
        if "unknown format" in str(error):
            return _decode_by_soundfile(content)
        raise ValueError(f"is damaged: {error}") from error
    except (EOFError, RuntimeError) as error:  # the latter for a chunk that leaves its bounds
        raise ValueError("is truncated: it ends before its samples") from error
    wanted = frames * channels * width
    if len(samples) < wanted:
        raise ValueError(
            f"is truncated: it promises {frames} samples, {len(samples) // (channels * width)} "
            "are there"
        )
    if width > 4:
        raise ValueError(f"has samples of {8 * width} bits, expected 8, 16, 24 or 32")
    if not frames or rate < 1:
        raise ValueError(f"has {frames} samples, {rate} a second")
    signal = _to_floats(samples, width)
    return (signal if channels == 1 else signal.reshape(-1, channels)), rate


def _to_floats(samples: bytes, width: int) -> np.ndarray:
    """float32 from -1 to 1 of little-endian integers of `width` bytes; of one byte: unsigned."""
    if width == 1:
        return (np.frombuffer(samples, np.uint8).astype(np.float32) - 128) / 128
    if width == 3:  # the upper bytes of four
        wider = np.zeros((len(samples) // 3, 4), np.uint8)
        wider[:, 1:] = np.frombuffer(samples, np.uint8).reshape(-1, 3)
        samples, width = wider.tobytes(), 4
    return np.frombuffer(samples, f"<i{width}").astype(np.float32) / 2.0 ** (8 * width - 1)


def _decode_by_soundfile(content: bytes) -> tuple[Any, int]:
    try:
        import soundfile
    except ImportError as error:
        raise ImportError(
            "read_wav: samples that are not integers need soundfile: pip install 'fastnn[audio]'",
            name="soundfile",
        ) from error
    try:
        signal, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    except soundfile.LibsndfileError as error:
        raise ValueError(f"is damaged: {error}") from error
    if not len(signal):
        raise ValueError("has no samples")
    return signal, rate
