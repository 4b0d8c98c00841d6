"""WikiText-2: articles of Wikipedia, as words."""

from __future__ import annotations

from collections.abc import Iterable

from fastnn.datasets.fetch import RemoteFile, find, load
from fastnn.text.arguments import items_of
from fastnn.utils.choices import one_of

MIRRORS = (
    "https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2",
)
PARTS = {
    part: RemoteFile(f"wiki.{part}.tokens", digest, published=f"{part}.txt")
    for part, digest in (
        ("train", "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f"),
        ("valid", "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8"),
        ("test", "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0"),
    )
}
END = "<eos>"


def load_data(parts: Iterable[str] = ("train", "valid", "test")) -> tuple[list[str], ...]:
    """Loads parts from FASTNN_DATA, the cache folder or GitHub (13 MB in all), and checks them.

    Args:
        parts: which ones; "valid" and "test" are a tenth of "train".

    Returns:
        the tokens of each part: 2,088,628, 217,646 and 245,569 str, with ``END`` at the end of
        each line. Rare words are "<unk>" already.

    Raises:
        TypeError: `parts` is one str, or not of str.
        ValueError: there is no such part, or a local file is damaged.
        OSError: not here, and GitHub did not give it.
        ImportError: not here, and pooch (extra ``data``) is not installed.

    Source: S. Merity et al., "Pointer sentinel mixture models", arXiv:1609.07843 (2016),
    CC BY-SA 3.0.
    """
    return tuple(tokens(load("wikitext2", file, MIRRORS)) for file in _files(parts))


def is_here(parts: Iterable[str] = ("valid", "test")) -> bool:
    """Whether `load_data` finds these parts without a download; raises what it does for others."""
    return all(find("wikitext2", file) is not None for file in _files(parts))


def _files(parts: Iterable[str]) -> list[RemoteFile]:
    expected = "wikitext2: parts must be several, such as ('valid',)"
    if isinstance(parts, str):
        raise TypeError(f"{expected}, got one str")
    return [
        PARTS[one_of("wikitext2: each of parts", part, PARTS)] for part in items_of(parts, expected)
    ]


def tokens(content: bytes) -> list[str]:
    """The words of a text, and ``END`` after each line."""
    lines = content.decode("utf-8").splitlines()
    return [token for line in lines for token in (*line.split(), END)]
