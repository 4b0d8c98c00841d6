"""Reading archives in memory: nothing of them is written anywhere."""

import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import PureWindowsPath


def leaves_folder(name: str) -> bool:
    """Whether a member's path leaves the folder that its archive is unpacked in, on any system."""
    path = PureWindowsPath(name)  # which takes both slashes, and knows drives
    return bool(path.anchor) or ".." in path.parts


def read_tar(dataset: str, content: bytes, pattern: str, largest: int) -> Iterator[tuple]:
    """The files of an archive whose names match, in the archive's order.

    Args:
        dataset: for messages.
        content: the archive, not compressed.
        pattern: regular expression that a whole name must match.
        largest: bytes that such a file may have.

    Yields:
        the match and the file's content.

    Raises:
        ValueError: no tar archive, or a damaged one; any member's path leaves the folder that the
            archive would be unpacked in; a file that matches is none, or too large.
    """
    wanted = re.compile(pattern)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                if leaves_folder(member.name):
                    raise ValueError(f"{dataset}: the archive's {member.name!r} leaves its folder")
                match = wanted.fullmatch(member.name)
                if match is None:
                    continue
                if not member.isfile() or member.size > largest:
                    raise ValueError(
                        f"{dataset}: {member.name} is no file of at most {largest:,} bytes"
                    )
                file = archive.extractfile(member)
                assert file is not None  # it is a file
                yield match, file.read()
    except (tarfile.TarError, OverflowError) as error:  # the latter for sizes beyond all bounds
        raise ValueError(f"{dataset}: the archive is damaged: {error}") from error
