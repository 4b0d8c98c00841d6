"""Reading WAV files: what most hold by the standard library, the rest by soundfile."""

from __future__ import annotations

import io
import os
import struct
import wave
from typing import Any, BinaryIO

import numpy as np

from fastnn.audio.arguments import whole


def read_wav(
    file: str | os.PathLike | bytes | bytearray | memoryview | BinaryIO, rate: int | None = None
) -> tuple:
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
        TypeError: `file` is none of these.
        ValueError: not a WAV file, a truncated or damaged one, one without samples or with NaN or
            infinity, another rate, or `rate` is no positive integer.
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
    if rate is not None:
        whole("read_wav", "rate", rate)
    if isinstance(file, (bytes, bytearray, memoryview)):
        name, content = "the file", bytes(file)
    elif isinstance(file, (str, os.PathLike)):
        name = os.fspath(file)
        with open(file, "rb") as opened:
            content = opened.read()
    elif not hasattr(file, "read"):
        raise TypeError(
            "read_wav: file must be a path, bytes or an open binary file, got "
            f"{type(file).__name__}"
        )
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


def _check_length(content: bytes) -> None:
    """ValueError if the samples' chunk is longer than what is left of the file."""
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        here = len(content) - place - 8
        if name == b"data" and size > here:
            raise ValueError(f"is truncated: it promises {size} bytes of samples, {here} are there")
        place += 8 + size + size % 2


def _decode_by_soundfile(content: bytes) -> tuple[Any, int]:
    _check_length(content)  # soundfile reads what is there
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
    if not np.isfinite(signal).all():
        raise ValueError("has samples that are NaN or infinite")
    return signal, rate
