"""Tatoeba: short English sentences and their translations into French or German."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnn.datasets.fetch import RemoteFile, find, load
from fastnn.utils.choices import one_of
from fastnn.utils.integers import integer
from fastnn.utils.numbers import share

FOLDER = "tatoeba"
FILES = {
    "fra": RemoteFile(
        "eng-fra.txt", "d952b56a181da5270b7bb4ded3f3bbe61e67a9b1de0e0fbc1d46438c71fb55a7"
    ),
    "deu": RemoteFile(
        "eng-deu.txt", "f2a35f69ffb6aa62f866c5106288cc670ae33dff14ecb25ea253db9ce0da28cf"
    ),
}


class Pairs(NamedTuple):
    """Sentences in English and, at the same places, in the other language."""

    english: list[str]
    other: list[str]


def load_data(
    language: str = "fra", count: int | None = None, test_split: float = 0.1, seed: int = 113
) -> tuple[Pairs, Pairs]:
    """Loads pairs of sentences, shortest English first in the file, and deals them out.

    An English sentence with several translations makes several pairs; all of them are for training
    or all for testing. A file has a pair a line: English, tab, translation, perhaps a tab and the
    attribution. Looked for in FASTNN_DATA and the cache folder are eng-fra.txt (5,000 pairs) or
    eng-deu.txt (50,000); then, with whatever it holds, fra.txt or deu.txt, which
    https://www.manythings.org/anki/ has in fra-eng.zip and deu-eng.zip and renews now and then.

    Args:
        language: "fra", French, or "deu", German.
        count: only the first so many pairs of the file; None: all.
        test_split: the share of English sentences, each counted once, for testing.
        seed: of the choice of these.

    Returns:
        ``(english, other), (test_english, test_other)``: lists of str.

    Raises:
        TypeError: an argument of another kind.
        ValueError: another language or test_split, a count below 1, a seed below 0, a file that is
            damaged.
        FileNotFoundError: not here.

    Source: https://tatoeba.org, CC BY 2.0 FR.
    """
    one_of("tatoeba: language", language, FILES)
    tests = share("tatoeba: test_split", test_split)
    most = None if count is None else integer("tatoeba: count", count, least=1)
    seed = integer("tatoeba: seed", seed)
    pairs = parse(_content(language))
    pairs = Pairs(*(sentences[:most] for sentences in pairs))
    different = list(dict.fromkeys(pairs.english))
    order = np.random.default_rng(seed).permutation(len(different))
    tested = {different[i] for i in order[: round(len(different) * tests)]}

    def part(test: bool) -> Pairs:
        chosen = [pair for pair in zip(*pairs) if (pair[0] in tested) == test]
        return Pairs([e for e, _ in chosen], [o for _, o in chosen])

    return part(False), part(True)


def is_here(language: str = "fra") -> bool:
    """Whether `load_data` finds a file; raises what it does for another language."""
    one_of("tatoeba: language", language, FILES)
    return any(find(FOLDER, file) for file in (FILES[language], _renewed(language)))


def _renewed(language: str) -> RemoteFile:
    return RemoteFile(f"{language}.txt")  # of no lasting content


def _content(language: str) -> bytes:
    file = FILES[language]
    if find(FOLDER, file) is None and find(FOLDER, _renewed(language)) is not None:
        file = _renewed(language)
    try:
        return load(FOLDER, file, ())
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}. Or put {language}.txt there, from {language}-eng.zip of "
            "https://www.manythings.org/anki/"
        ) from None


def parse(content: bytes) -> Pairs:
    """The pairs of a file as ``load_data`` describes it.

    Raises:
        ValueError: not UTF-8, no pairs, or a line without two sentences.
    """
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"tatoeba: the file is not UTF-8: {error}") from error
    pairs = Pairs([], [])
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        english, _, rest = line.rstrip("\r").partition("\t")
        other = rest.partition("\t")[0]
        if not english or not other:
            raise ValueError(
                f"tatoeba: line {number} must have English, a tab and a translation; it is "
                f"{line[:60]!r}"
            )
        pairs.english.append(english)
        pairs.other.append(other)
    if not pairs.english:
        raise ValueError("tatoeba: the file has no pairs")
    return pairs
