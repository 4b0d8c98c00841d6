"""Word hashing: a word as the letter trigrams that it has."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fastnn import config
from fastnn.text._trigrams import trigram_places
from fastnn.text.arguments import items_of

LETTERS = 26


def word_hash(words: Iterable[str]) -> np.ndarray:
    """Rows of 26 x 26 x 26 columns: 1 where a word has the letter trigram, else 0.

    The column of a trigram, such as p-l-e, is its three letters as a number of base 26; the first
    is a-a-a. The case of letters does not matter; what is not one of a to z is in no trigram, so
    that the row of a word of one or two letters is empty (`letter_trigrams` can count the word's
    ends as letters).

    Args:
        words: iterable of str.

    Returns:
        array of floatx, (number of words, 17576).

    Raises:
        TypeError: `words` is one str or not iterable, or a word is not a str.

    Source: Hung-yi Lee, "Understanding deep learning in one day" (DSC 2016), slide "Beyond 1-of-N
    encoding"; P.-S. Huang and others, "Learning deep structured semantic models for web search
    using clickthrough data", CIKM 2013.

    >>> rows = word_hash(["apple", "app"])
    >>> rows.shape, rows.sum(axis=1)
    ((2, 17576), array([3., 1.], dtype=float32))
    >>> np.unravel_index(rows[1].argmax(), (26, 26, 26)) == np.array([0, 15, 15])  # a, p, p
    array([ True,  True,  True])
    """
    if isinstance(words, str):
        raise TypeError("word_hash: words must be an iterable of str, got one str")
    words = list(items_of(words, "word_hash: words must be an iterable of str"))
    rows = np.zeros((len(words), LETTERS**3), config.floatx())
    rows.reshape(-1)[np.frombuffer(trigram_places(words), np.int64)] = 1
    return rows
