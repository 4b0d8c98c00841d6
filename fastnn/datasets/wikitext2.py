"""WikiText-2: articles of Wikipedia, as words."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.datasets.fetch import RemoteFile, find, load

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


def load_data(parts: Sequence[str] = ("train", "valid", "test")) -> tuple[list[str], ...]:
    """Loads parts from FASTNN_DATA, the cache folder or GitHub (13 MB in all), and checks them.

    Args:
        parts: which ones; "valid" and "test" are a tenth of "train".

    Returns:
        the tokens of each part: 2,088,628, 217,646 and 245,569 str, with ``END`` at the end of
        each line. Rare words are "<unk>" already.

    Raises:
        TypeError: `parts` is one str.
        ValueError: there is no such part, or a local file is damaged.
        OSError: not here, and GitHub did not give it.
        ImportError: not here, and pooch (extra ``data``) is not installed.

    Source: S. Merity et al., "Pointer sentinel mixture models", arXiv:1609.07843 (2016),
    CC BY-SA 3.0.
    """
    if isinstance(parts, str):
        raise TypeError(f"wikitext2: parts must be a sequence such as ({parts!r},), got one str")
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise ValueError(f"wikitext2: there is no part {min(unknown)!r}, there are {list(PARTS)}")
    return tuple(tokens(load("wikitext2", PARTS[part], MIRRORS)) for part in parts)


def is_here(parts: Sequence[str] = ("valid", "test")) -> bool:
    """Whether `load_data` finds these parts without a download."""
    return all(find("wikitext2", PARTS[part]) is not None for part in parts)


def tokens(content: bytes) -> list[str]:
    """The words of a text, and ``END`` after each line."""
    lines = content.decode("utf-8").splitlines()
    return [token for line in lines for token in (*line.split(), END)]
