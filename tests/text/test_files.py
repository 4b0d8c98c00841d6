"""Text files: whole, compressed, and what is none."""

import gzip

import pytest

from fastnn.text import read_text

TEXT = "naïve café\r\n東京\n"


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, b"\xef\xbb\xbf".__add__])
def test_a_file(wrap, tmp_path):
    (tmp_path / "file").write_bytes(wrap(TEXT.encode()))
    assert read_text(tmp_path / "file") == read_text(str(tmp_path / "file")) == TEXT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (gzip.compress(b""), "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"fine\nna\xefve\n", "is not UTF-8: byte 0xef in line 2"),
        (TEXT.encode("utf-16"), "is not UTF-8: byte 0xff in line 1"),
        (gzip.compress(TEXT.encode())[:-9], "is a damaged gzip file"),
    ],
    ids=["nothing", "nothing, compressed", "a mark", "latin 1", "utf-16", "a part"],
)
def test_what_is_no_text(content, message, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=f"read_text: .*file {message}"):
        read_text(tmp_path / "file")


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none")


def test_what_is_no_path(tmp_path):
    for path in (None, 5, 1.5):
        with pytest.raises(
            TypeError, match=r"read_text: path must be a str or of os.PathLike, got"
        ):
            read_text(path)
    with pytest.raises(ValueError, match=r"read_text: path .* names no file"):
        read_text("a\0b")
    with pytest.raises(IsADirectoryError, match="read_text: path must be a file, got a folder"):
        read_text(tmp_path)
