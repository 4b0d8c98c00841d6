"""FSDD, the Free Spoken Digit Dataset: six speakers who say the digits 0 to 9."""

from __future__ import annotations

import io
import lzma
import os
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from fastnn.audio import read_wav
from fastnn.datasets.archive import leaves_folder
from fastnn.datasets.fetch import RemoteFile, load
from fastnn.messages import shown
from fastnn.utils.files import content_of

FOLDER = "fsdd"
FILES = (
    RemoteFile(
        "recordings.zip",
        "9438027e30e1960bc409ceffc2786decb7d28c49cbcc8c566f32c3a78ba28adb",
        source="https://github.com/Jakobovski/free-spoken-digit-dataset",
    ),
)
RATE = 8000  # samples a second
TEST_TAKES = range(5)
NAME = re.compile(r"([0-9])_([A-Za-z]+)_([0-9]{1,9})\.wav")
# What reading an entry of a damaged, encrypted or unusual archive raises.
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,  # of bz2
    EOFError,
    RuntimeError,
    NotImplementedError,
)
MOST_BYTES = 10_000_000  # of a recording: ten minutes

Split = tuple[list[np.ndarray], np.ndarray]


class Recording(NamedTuple):
    """What the name of a file tells, ``digit_speaker_take.wav``."""

    digit: int
    speaker: str
    take: int


def load_data(path: str | Path | None = None) -> tuple[Split, Split]:
    """Loads the recordings, in the order of digit, speaker and take.

    Takes 0 to 4 of each speaker and digit are for testing, as the publishers have it.

    Args:
        path: a zip archive of ``digit_speaker_take.wav`` in any folder, such as a release of the
            publishers'; None: ``fsdd/recordings.zip`` in the folder that FASTNN_DATA names, or in
            the cache folder: takes 0 to 19, 900 recordings to train on and 300 to test on.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: x a list of signals, float32 [samples] from -1
        to 1 at RATE samples a second; y the digits, int64 [n].

    Raises:
        TypeError: no path.
        ValueError: a damaged archive, or one with names that leave its folder; a recording that is
            damaged, or has another rate or several channels; no recordings; a path that no file
            can have.
        IsADirectoryError: the path is that of a folder.
        FileNotFoundError: not here (FASTNN_DATA, the cache folder).

    Nothing is unpacked to the disk.

    Source: Z. Jackson et al., "Free Spoken Digit Dataset" (2016),
    https://github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0.
    """
    with _archive(path) as archive:
        train, test = (
            (
                [_signal(archive, member) for _, member in part],
                np.array([recording.digit for recording, _ in part], np.int64),
            )
            for part in _split(archive)
        )
    return train, test


def load_speakers(path: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Who speaks in the recordings of `load_data`: names, for training and for testing.

    Returns:
        Two arrays of str, [n]. Raises what `load_data` does, but listens to no recording.
    """
    with _archive(path) as archive:
        train, test = (
            np.array([recording.speaker for recording, _ in part], str) for part in _split(archive)
        )
    return train, test


def _archive(path: str | Path | None) -> zipfile.ZipFile:
    if path is not None and not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"fsdd: path must be a str, a Path or None, got {shown(path)}")
    content = load(FOLDER, FILES[0], ()) if path is None else content_of("fsdd: path", path)
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ValueError(f"fsdd: {path or FILES[0].name} is not a zip archive: {error}") from error


def _split(archive: zipfile.ZipFile) -> tuple[list, list]:
    """(recording, its entry) of all to train on, and of all to test on."""
    found = []
    for member in archive.infolist():
        path = PurePosixPath(member.filename)
        if leaves_folder(member.filename):
            raise ValueError(f"fsdd: the archive has {member.filename!r}, outside of its folder")
        if path.suffix == ".wav":
            name = NAME.fullmatch(path.name)
            if name is None:
                raise ValueError(
                    f"fsdd: the archive has {member.filename!r}, expected digit_speaker_take.wav"
                )
            digit, speaker, take = name.groups()
            found.append((Recording(int(digit), speaker, int(take)), member))
    if not found:
        raise ValueError("fsdd: the archive has no recordings, digit_speaker_take.wav")
    found.sort(key=lambda pair: pair[0])
    tests = [pair for pair in found if pair[0].take in TEST_TAKES]
    return [pair for pair in found if pair[0].take not in TEST_TAKES], tests


def _signal(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.file_size > MOST_BYTES:
        raise ValueError(
            f"fsdd: {member.filename} has {member.file_size:,} bytes, more than {MOST_BYTES:,}"
        )
    try:
        signal, _ = read_wav(archive.read(member), RATE)
    except (ValueError, *DAMAGES) as error:
        raise ValueError(f"fsdd: {member.filename}: {error}") from error
    if signal.ndim > 1:
        raise ValueError(f"fsdd: {member.filename} has {signal.shape[1]} channels, expected 1")
    return signal
