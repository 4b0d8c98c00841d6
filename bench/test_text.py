"""The loops in Python do what the compiled text tools do."""

import pytest

from bench.families import text
from fastnn.text import count_words, letter_trigrams, split_words

TEXTS = [
    "",
    "a",
    "To be, or not",
    "it's 'tis o''clock x'",
    "Stra\u00dfe \u01c5 \u00b2 9",
    "ab#cd EF",
]


@pytest.mark.parametrize("option", [False, True])
def test_they_find_the_same(option):
    for one in TEXTS:
        assert text.plain_words(one, option) == split_words(one, option)
        assert text.plain_trigrams(one, option) == letter_trigrams(one, option)
    theirs, ours = text.plain_counts(TEXTS, option), count_words(TEXTS, option)
    assert list(theirs.items()) == list(ours.items())


@pytest.mark.parametrize("ours", [split_words, letter_trigrams, count_words])
def test_they_refuse_the_same(ours):
    plain = {split_words: text.plain_words, letter_trigrams: text.plain_trigrams}
    for bad in (3, b"apple", "one str") if ours is count_words else (3, b"apple"):
        for function in (ours, plain.get(ours, text.plain_counts)):
            with pytest.raises(TypeError):
                function(bad)
