"""CIFAR-10: colour pictures of 32x32 in ten classes.

The binary version is read, which is plain bytes; the version for Python is pickled, and reading a
pickle may run what is in it.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.datasets.fetch import RemoteFile, find, load, local_folders
from fastnn.datasets.idx import Split
from fastnn.utils.images import read_image

MIRRORS = ("https://www.cs.toronto.edu/~kriz",)
FILES = (
    RemoteFile("cifar-10-binary.tar", md5="c32a1d4ab5d03f1284b67883e8d87530", patience=6),  # 162 MB
)
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
TRAIN_FILES = tuple(f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6))
TEST_FILES = ("cifar-10-batches-bin/test_batch.bin",)
SUBSET = ("train", "test")
RECORD = 1 + 3 * 32 * 32
# No file of the subset is larger (they have a kilobyte), none of the published ones either.
PICTURE_BYTES, FILE_BYTES = 1 << 16, 10_000 * RECORD


def load_data() -> tuple[Split, Split]:
    """Loads CIFAR-10 from FASTNN_DATA, the cache folder or its site (162 MB), and checks it.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: uint8 arrays of shapes (50000, 32, 32, 3),
        (50000, 1), (10000, 32, 32, 3), (10000, 1). `CLASSES` names the labels.

    Raises:
        ValueError: a local file is damaged.
        OSError: not here, and the site did not give it.
        ImportError: not here, and pooch (extra ``data``) is not installed.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009);
    https://www.cs.toronto.edu/~kriz/cifar.html describes the format.
    """
    content = load("cifar10", FILES[0], MIRRORS)
    return _from_tar(content, TRAIN_FILES), _from_tar(content, TEST_FILES)


def load_subset(folder: str | Path | None = None) -> tuple[Split, Split]:
    """A small part of CIFAR-10, 500 + 100 pictures a class, from picture files.

    Args:
        folder: has ``train.zip`` and ``test.zip``, or folders ``train`` and ``test``, with files
            ``class/name.jpg``; None: looked for where `load_data` looks. If they are nowhere, the
            first pictures of each class of the published files are taken.

    Returns:
        as `load_data`, in the classes' order.

    Raises:
        FileNotFoundError: the folder given has neither.
        ValueError: a picture is damaged or not 32x32, or a class is unknown.
        ImportError: Pillow (extra ``images``) is not installed.
        others: as `load_data`, which is called if there are no picture files.
    """
    folder = _subset_folder() if folder is None else Path(folder)
    if folder is None:
        train, test = load_data()
        return _first(*train, 500), _first(*test, 100)
    train, test = (_from_pictures(folder, part) for part in SUBSET)
    return train, test


def is_here() -> bool:
    """Whether `load_subset` works without a download and without installing anything."""
    if _subset_folder() is not None:
        return find_spec("PIL") is not None
    return find("cifar10", FILES[0]) is not None


def parse_batch(content: bytes) -> Split:
    """Reads records of a label and 3072 bytes: 32x32 of red, of green, of blue.

    Raises:
        ValueError: not a whole number of records, or a label above 9.
    """
    if len(content) % RECORD:
        raise ValueError(f"cifar10: {len(content)} bytes are not records of {RECORD} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    labels = records[:, :1].copy()
    if labels.max(initial=0) >= len(CLASSES):
        raise ValueError(f"cifar10: label {labels.max()}, expected 0 to {len(CLASSES) - 1}")
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


def _from_tar(content: bytes, names: tuple[str, ...]) -> Split:
    """The records of some files of the archive, which are read in memory and nowhere unpacked."""
    parts = []
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for name in names:
                member = archive.getmember(name)
                file = archive.extractfile(member)
                if file is None or member.size > FILE_BYTES:
                    raise ValueError(f"cifar10: {name} is no file of at most {FILE_BYTES} bytes")
                parts.append(parse_batch(file.read()))
    except (tarfile.TarError, KeyError) as error:
        raise ValueError(f"cifar10: the archive is not the published one: {error}") from error
    images, labels = zip(*parts)
    return np.concatenate(images), np.concatenate(labels)


def _first(images: np.ndarray, labels: np.ndarray, count: int) -> Split:
    rows = [np.flatnonzero(labels[:, 0] == c)[:count] for c in range(len(CLASSES))]
    chosen = np.concatenate(rows)
    return images[chosen], labels[chosen]


def _subset_folder() -> Path | None:
    for folder in local_folders("cifar10"):
        if all((folder / f"{p}.zip").is_file() or (folder / p).is_dir() for p in SUBSET):
            return folder
    return None


def _from_pictures(folder: Path, part: str) -> Split:
    images, labels = [], []
    for name, file in _pictures(folder, part):
        kind = name.split("/")[0]
        if kind not in CLASSES:
            raise ValueError(f"cifar10: {part}: {name} is in no folder of a class")
        try:
            images.append(read_image(file, size=(32, 32)))
        except ValueError as error:
            raise ValueError(f"cifar10: {part}: {name}: {error}") from error
        labels.append(CLASSES.index(kind))
    if not images:
        raise ValueError(f"cifar10: {folder / part} holds no pictures")
    return np.stack(images), np.array(labels, np.uint8)[:, None]


def _pictures(folder: Path, part: str) -> Iterator[tuple[str, Any]]:
    """(class/name.jpg, path or open file) of a zip file or of a folder, sorted."""
    packed = folder / f"{part}.zip"
    if not packed.is_file():
        if not (folder / part).is_dir():
            raise FileNotFoundError(f"cifar10: {folder} has neither {part}.zip nor {part}/")
        for path in sorted((folder / part).glob("*/*.jpg")):
            yield path.relative_to(folder / part).as_posix(), path
        return
    try:
        with zipfile.ZipFile(packed) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith(".jpg")):
                if archive.getinfo(name).file_size > PICTURE_BYTES:
                    raise ValueError(f"cifar10: {packed}: {name} is larger than a picture of 32x32")
                yield name, io.BytesIO(archive.read(name))
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # RuntimeError: encrypted
        raise ValueError(f"cifar10: {packed} is damaged: {error}") from error
