"""Text files."""

from __future__ import annotations

import gzip
import os
import zlib

from fastnn.utils.files import content_of


def read_text(path: str | os.PathLike) -> str:
    """The text of a file in UTF-8, which may be compressed by gzip.

    Raises:
        FileNotFoundError: it is not there.
        IsADirectoryError: it is a folder.
        TypeError: `path` is neither a str nor of `os.PathLike`.
        ValueError: no file can have that name, or it is empty, not UTF-8 (the message has the first
            bad byte and its line), or a damaged gzip file.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "text.txt"
    >>> _ = file.write_text("apple, bag", encoding="utf-8")
    >>> read_text(file)
    'apple, bag'
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"read_text: path must be a str or of os.PathLike, got {type(path).__name__}"
        )
    content = content_of("read_text: path", path)
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"read_text: {path} is a damaged gzip file ({error})") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"read_text: {path} is not UTF-8: byte {content[error.start]:#04x} in line {line}"
        ) from error
    if not text:
        raise ValueError(f"read_text: {path} is empty")
    return text
