"""The file format: safetensors, with a format number and a checksum in its metadata.

A file is written under a temporary name in the same folder and renamed when it is complete, so a
failed write leaves the old file. Reading verifies everything before anything is used.
"""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any

import numpy as np

FORMAT = "fastnn"
FORMAT_VERSION = 1


def _checksum(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> str:
    """A digest of names, types, shapes and bytes of the tensors, and of the metadata."""
    digest = hashlib.sha256()
    for key in sorted(metadata):
        if key != "checksum":
            digest.update(f"{len(key)}:{key}{len(metadata[key])}:{metadata[key]}".encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        digest.update(f"{len(name)}:{name}{array.dtype.str}{tensors[name].shape}".encode())
        digest.update(memoryview(array.reshape(-1).data).cast("B") if array.size else b"")
    return digest.hexdigest()


def write(path: Any, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes arrays and texts to a file, all or nothing.

    Raises:
        OSError: the file cannot be written; an old one is unchanged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    path = os.path.realpath(path)  # a link stays one
    metadata = {"format": FORMAT, "format_version": str(FORMAT_VERSION), **metadata}
    metadata["checksum"] = _checksum(tensors, metadata)
    temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
    try:
        with open(temporary, "wb") as file:
            mode = os.fstat(file.fileno()).st_mode  # what new files get; save_file is stricter
        save_file(tensors, temporary, metadata)
        os.chmod(temporary, mode)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (SafetensorError, OSError) as error:
        raise OSError(f"{path}: cannot be written: {error}") from error
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def read(path: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and texts of a file written by ``write``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, of another program, or of a newer format.
    """
    from safetensors import SafetensorError, safe_open

    path = os.fspath(path)
    if os.path.isdir(path):
        raise ValueError(f"{path}: is a folder, not a file that fastnn saved")
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        with safe_open(path, framework="np") as file:
            metadata = dict(file.metadata() or {})
            _check_format(path, metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: is damaged or was not saved by fastnn: it cannot be read as safetensors "
            f"({error})"
        ) from error
    if metadata["checksum"] != _checksum(tensors, metadata):
        raise ValueError(f"{path}: is damaged: its content does not fit its checksum")
    return tensors, metadata


def _check_format(path: str, metadata: dict[str, str]) -> None:
    version = metadata.get("format_version", "")
    if metadata.get("format") != FORMAT or "checksum" not in metadata or not version.isdecimal():
        raise ValueError(f"{path}: was not saved by fastnn: its metadata lacks fastnn's marks")
    if int(version) > FORMAT_VERSION:
        raise ValueError(
            f"{path}: has format {version}, this fastnn reads formats up to {FORMAT_VERSION}: "
            "install a newer one"
        )
