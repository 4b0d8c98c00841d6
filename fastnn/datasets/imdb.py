"""IMDB: reviews of films with their ratings, half of them good and half bad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from fastnn.datasets.archive import read_tar
from fastnn.datasets.fetch import RemoteFile, find, load

MIRRORS = ("https://ai.stanford.edu/~amaas/data/sentiment",)
FILES = (
    RemoteFile("aclImdb_v1.tar", md5="7c2ac02c03563afcf9b574c7e56c153a", patience=4),  # 84 MB
)
SUBSET = (
    RemoteFile("train.tsv", "25fb687b1ee2b206f2bc2f4af4992b954468a80db7b6c236d377324c713a48ed"),
    RemoteFile("test.tsv", "cdf1acdee5e7876d1b51ea586f353c0fbcdb47964448d84a457d4dc66e3db79f"),
)
COUNT = 25_000  # reviews for training, and as many for testing
STARS = [str(rating) for rating in range(1, 11)]
LARGEST = 1 << 20  # bytes of a review; the longest has 14,000


class Reviews(NamedTuple):
    """Reviews of films.

    Attributes:
        texts: as they were written, with ``<br />`` where a line ends.
        labels: int64 [n], 1 for good, 0 for bad.
        ratings: int64 [n], stars from 1 to 4 (bad) and from 7 to 10 (good); others are left out.
    """

    texts: list[str]
    labels: np.ndarray
    ratings: np.ndarray


def load_data() -> tuple[Reviews, Reviews]:
    """Loads all 25,000 + 25,000 reviews, from FASTNN_DATA, the cache folder or their site (84 MB).

    Returns:
        ``(train, test)``, the bad ones first; no film is in both.

    Raises:
        ValueError: a local file is damaged, or has not all of the reviews.
        OSError: not here, and the site did not give it.
        ImportError: not here, and pooch (extra ``data``) is not installed.

    Source: A. Maas et al., "Learning word vectors for sentiment analysis", ACL (2011);
    https://ai.stanford.edu/~amaas/data/sentiment.
    """
    rows: dict[str, list] = {"train": [], "test": []}
    name = r"aclImdb/(train|test)/(?:neg|pos)/(\d+)_(\d+)\.txt"
    for match, text in read_tar("imdb", load("imdb", FILES[0], MIRRORS), name, LARGEST):
        rating = int(match[3])
        rows[match[1]].append((rating > 5, int(match[2]), rating, _text(text)))
    for part, found in rows.items():
        if len(found) != COUNT:
            raise ValueError(
                f"imdb: the archive has {len(found):,} reviews in {part}, expected {COUNT:,}"
            )
    train, test = (
        _reviews((rating, text) for _, _, rating, text in sorted(rows[part])) for part in rows
    )
    return train, test


def load_subset() -> tuple[Reviews, Reviews]:
    """A part of the reviews, 5,000 + 5,000, half of them good.

    From ``train.tsv`` and ``test.tsv`` (label, rating, number and text, without a header) if they
    are in FASTNN_DATA or the cache folder; else the first of each label that `load_data` gives.

    Raises:
        as `load_data`.
    """
    if all(find("imdb", file) is not None for file in SUBSET):
        train, test = (parse(load("imdb", file, ())) for file in SUBSET)
    else:
        train, test = (_first(reviews, 2500) for reviews in load_data())
    return train, test


def is_here() -> bool:
    """Whether `load_subset` needs no download."""
    subset = all(find("imdb", file) is not None for file in SUBSET)
    return subset or find("imdb", FILES[0]) is not None


def parse(content: bytes) -> Reviews:
    """The reviews of a table as `load_subset` describes it.

    Raises:
        ValueError: not UTF-8, no reviews, or a line of another form.
    """
    rows = []
    for number, line in enumerate(_text(content).split("\n"), 1):
        if not line:
            continue
        fields = line.rstrip("\r").split("\t")
        good = len(fields) == 4 and fields[1] in STARS
        if not good or fields[0] != str(int(int(fields[1]) > 5)):
            raise ValueError(f"imdb: line {number} is not a label, its rating, a number and a text")
        rows.append((int(fields[1]), fields[3]))
    if not rows:
        raise ValueError("imdb: the file has no reviews")
    return _reviews(rows)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"imdb: a file is not UTF-8: {error}") from error


def _reviews(rows: Iterable[tuple[int, str]]) -> Reviews:
    ratings, texts = zip(*rows)
    stars = np.array(ratings, np.int64)
    return Reviews(list(texts), (stars > 5).astype(np.int64), stars)


def _first(reviews: Reviews, count: int) -> Reviews:
    """The first so many of each label."""
    rows = [i for label in (0, 1) for i in np.flatnonzero(reviews.labels == label)[:count]]
    return Reviews([reviews.texts[i] for i in rows], reviews.labels[rows], reviews.ratings[rows])
