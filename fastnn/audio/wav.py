"""Reading WAV files: what most hold by the standard library, the rest by soundfile."""

from __future__ import annotations

import io
import os
import struct
import wave
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from fastnn.utils.files import content_of
from fastnn.utils.integers import integer

# A file says how its samples are coded by a number; if it is this one, by 16 bytes further on.
EXTENSIBLE, PCM = b"\xfe\xff", b"\x01\x00"
PCM_FURTHER_ON = PCM + bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")


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
        TypeError: `file` is none of these, or `rate` no integer.
        ValueError: not a WAV file, a truncated or damaged one, one without samples or with NaN or
            infinity, a closed one, another rate, a path that no file can have, or `rate` is not
            positive.
        FileNotFoundError, IsADirectoryError: there is no such file, or it is a folder.
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
        integer("read_wav: rate", rate, least=1)
    name, content = _read(file)
    try:
        signal, found = _decode(content)
    except ValueError as error:
        raise ValueError(f"read_wav: {name} {error}") from error
    if rate is not None and found != rate:
        raise ValueError(f"read_wav: {name} has {found} samples a second, expected {rate}")
    return signal, found


def _read(file: Any) -> tuple[Any, bytes]:
    """The name of a file for messages, and its content."""
    if isinstance(file, (str, os.PathLike)):
        return os.fspath(file), content_of("read_wav: file", file)
    name = getattr(file, "name", "the file")
    if getattr(file, "closed", False):
        raise ValueError(f"read_wav: file must be open, got {name}, which is closed")
    content = file.read() if hasattr(file, "read") else file
    if not isinstance(content, (bytes, bytearray, memoryview)):
        found = type(content).__name__
        if content is not file:
            found = f"{type(file).__name__} that reads {found}"
        raise TypeError(f"read_wav: file must be a path, bytes or an open binary file, got {found}")
    return name, bytes(content)


def _decode(content: bytes) -> tuple[np.ndarray, int]:
    """(signal, rate); a ValueError that goes on after the file's name."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError(f"is not a WAV file: it begins with {content[:12]!r}")
    content = _plain(content)
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


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name of every chunk of the file, where what is in it begins, and its promised size."""
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        yield name, place + 8, size
        place += 8 + size + size % 2


def _plain(content: bytes) -> bytes:
    """An extensible file of integers as the plain one that it could be, which `wave` reads."""
    for name, place, _ in _chunks(content):
        coding, further_on = content[place : place + 2], content[place + 24 : place + 40]
        if (name, coding, further_on) == (b"fmt ", EXTENSIBLE, PCM_FURTHER_ON):
            return content[:place] + PCM + content[place + 2 :]
    return content


def _check_length(content: bytes) -> None:
    """ValueError if the samples' chunk is longer than what is left of the file."""
    for name, place, size in _chunks(content):
        here = len(content) - place
        if name == b"data" and size > here:
            raise ValueError(f"is truncated: it promises {size} bytes of samples, {here} are there")


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
        raise ValueError(f"is damaged: {error.error_string}") from error
    if not len(signal):
        raise ValueError("has no samples")
    if not np.isfinite(signal).all():
        raise ValueError("has samples that are NaN or infinite")
    return signal, rate
