"""Reading a file that an argument names."""

from __future__ import annotations

import os

from fastnn.messages import shown


def content_of(name: str, path: str | os.PathLike) -> bytes:
    """The content of a file. `name`, as in "read_text: path", begins messages.

    Raises:
        FileNotFoundError: it is not there.
        IsADirectoryError: it is a folder.
        ValueError: no file can have that name.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except IsADirectoryError as error:
        message = f"{name} must be a file, got a folder"
        raise IsADirectoryError(error.errno, message, os.fspath(path)) from None
    except ValueError as error:  # a zero, or half of a pair of code units
        raise ValueError(f"{name} {shown(path)} names no file: {error}") from None
