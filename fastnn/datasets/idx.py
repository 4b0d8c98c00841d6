"""The IDX format of MNIST and its kin. Source: http://yann.lecun.com/exdb/mnist/ (the format)."""

import struct
from collections.abc import Sequence

import numpy as np

from fastnn.datasets.fetch import RemoteFile, load

Split = tuple[np.ndarray, np.ndarray]


def parse_idx(content: bytes) -> np.ndarray:
    """Reads an IDX file of unsigned bytes into a uint8 array.

    Raises:
        ValueError: not an IDX file of unsigned bytes, or of another length than it says.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError("idx: not an IDX file of unsigned bytes")
    rank = content[3]
    header = 4 + 4 * rank
    if len(content) < header:
        raise ValueError("idx: the header is cut off")
    shape = struct.unpack(f">{rank}I", content[4:header])
    if len(content) - header != int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"idx: {len(content) - header} bytes of data do not fit shape {shape}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def load_splits(
    dataset: str, files: Sequence[RemoteFile], mirrors: Sequence[str]
) -> tuple[Split, Split]:
    """Loads training images and labels, test images and labels: four files in this order."""
    x_train, y_train, x_test, y_test = (parse_idx(load(dataset, f, mirrors)) for f in files)
    return (x_train, y_train), (x_test, y_test)
