"""Letter trigrams: the course's apple, and the definition by slices."""

import string
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.text import letter_trigrams, word_hash


def place(trigram):
    first, second, third = map(string.ascii_lowercase.index, trigram)
    return (first * 26 + second) * 26 + third


def test_the_apple_of_the_course():
    assert letter_trigrams("apple") == ("app", "ppl", "ple")
    (row,) = word_hash(["apple"])
    assert row.shape == (26**3,) and row.dtype == np.float32
    assert set(np.flatnonzero(row)) == {place("app"), place("ppl"), place("ple")}
    assert row.max() == 1 and place("aaa") == 0


@given(st.text(alphabet="abzAZ'#9é @[`{\0\u0130\u212a\ud800\U0001d400", max_size=12) | st.text())
def test_by_slices(word):
    low, letters = word.lower(), string.ascii_lowercase
    plain = [low[i : i + 3] for i in range(len(low) - 2) if set(low[i : i + 3]) <= set(letters)]
    assert letter_trigrams(word) == tuple(plain)
    marked = ["#"] + [c if c in letters else " " for c in low] + ["#"]
    runs = ["".join(marked[i : i + 3]) for i in range(len(marked) - 2)]
    assert letter_trigrams(word, boundary=True) == tuple(run for run in runs if " " not in run)
    assert set(np.flatnonzero(word_hash([word, "zzz"])[0])) == set(map(place, plain))


def test_all_trigrams():
    for first in string.ascii_lowercase:
        pairs = [x + y for x in string.ascii_lowercase for y in string.ascii_lowercase]
        trigrams = [first + pair for pair in pairs]
        assert [letter_trigrams(trigram.upper()) for trigram in trigrams] == [
            (t,) for t in trigrams
        ]
        assert word_hash(trigrams).argmax(1).tolist() == list(map(place, trigrams))


def test_references():
    (trigram,) = letter_trigrams("xyz")
    references = sys.getrefcount(trigram)
    again = letter_trigrams("XYZ xyz")
    assert again[0] is again[1] is trigram
    assert sys.getrefcount(trigram) == references + 2
    del again
    assert sys.getrefcount(trigram) == references


def test_words_that_have_none():
    assert not word_hash(["to", "", "838", "b/c"]).any()
    assert word_hash([]).shape == (0, 26**3)
    assert letter_trigrams("a", boundary=True) == ("#a#",)


def test_a_word_of_a_megabyte():
    word = "abc" * 2**18
    assert len(letter_trigrams(word)) == len(word) - 2
    assert word_hash([word]).sum() == 3


@pytest.mark.parametrize("bad", [3, None, b"apple"])
def test_only_words(bad):
    with pytest.raises(TypeError, match="letter_trigrams: a word must be a str"):
        letter_trigrams(bad)
    with pytest.raises(TypeError, match="word_hash: a word must be a str"):
        word_hash(["apple", bad])
    for words, got in (("apple", "one str"), (5, "int")):
        with pytest.raises(TypeError, match=f"word_hash: words must be .* of str, got {got}"):
            word_hash(words)
