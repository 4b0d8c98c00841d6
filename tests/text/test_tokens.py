"""Words and their counts, against regular expressions and collections.Counter."""

import re
from collections import Counter

import pytest

from fastnn.text import count_words, split_words

TEXT = "Don't stop -- 'quoted' words, naïve café No. 42; it's o'clock' x''y."


def test_against_a_regular_expression():
    expected = re.findall(r"[^\W_]+(?:'[^\W_]+)*", TEXT.lower())
    assert split_words(TEXT) == expected


def test_case_is_kept_when_asked():
    assert split_words("One TWO", lower=False) == ["One", "TWO"]


@pytest.mark.parametrize("text", ["", "  ", "'", "--"])
def test_no_words(text):
    assert split_words(text) == []


def test_counts():
    texts = ["a rose is a rose", "is it"]
    counts = count_words(texts)
    assert counts == dict(Counter(w for t in texts for w in t.split()))
    assert list(counts) == ["a", "rose", "is", "it"]


@pytest.mark.parametrize("bad", [None, 3, b"bytes", ["list"]])
def test_only_text_is_split(bad):
    with pytest.raises(TypeError, match="split_words: text must be a str"):
        split_words(bad)


def test_one_string_is_not_a_list_of_texts():
    with pytest.raises(TypeError, match="iterable of str"):
        count_words("one text")
