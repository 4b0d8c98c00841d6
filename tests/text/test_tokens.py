"""Words and their counts, against regular expressions and collections.Counter."""

import itertools
import random
import re
import string
import sys
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.text import Vocabulary, count_words, split_words

TEXT = "Don't stop -- 'quoted' words, naïve café No. 42; it's o'clock' x''y."


def plain_words(text, lower=True):
    if lower:
        text = text.replace("\u0130", "i").lower()
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text)


def plain_counts(texts, lower=True):
    return Counter(word for text in texts for word in plain_words(text, lower)).most_common()


CASES = [
    TEXT,
    "'tis the dogs' o''clock, y'all'd've'",
    "a\0b \0 \0a a a\0",
    "x\ud800y \udfff \ud800",  # halves of surrogate pairs
    "\u0130stanbul \u0130\u0130 \u03a3\u03a3 \u0391\u03a3. \u0391\u03a3'\u0392",
    "\u212aelvin stra\u00dfe \u01c5 \u00b2 x\u0301y \ufb01n \u2160 \u0661\u0662",
    "ab \u6162 ab \u6162",  # U+6162 is the codes of a and b
    "\U0001d400\U0001d401 \U00010400 \U0001f600 x",
    # Words and gaps that end everywhere in the blocks of eight bytes; words that differ at one end.
    "".join("w" * length + " " * gap for length in range(1, 34) for gap in (1, 2, 7, 8, 9, 17)),
    " ".join(f"{'w' * length}{end} {end}{'w' * length}" for length in range(34) for end in "abb"),
    "".join("\u00e9" * length + " " * gap for length in range(1, 18) for gap in (1, 2, 8)),
    "eight888 nine99999 " * 3 + "w" * 100_000 + " " + "w" * 100_001,
    "",
    "'",
]


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("text", CASES, ids=range(len(CASES)))
def test_against_a_regular_expression(text, lower):
    for _ in range(2):  # the second time every word is known
        assert split_words(text, lower) == plain_words(text, lower)
    assert list(count_words([text, text], lower).items()) == plain_counts([text, text], lower)


@given(
    st.lists(st.text() | st.text(alphabet="aAbB'\u2019 .\u0130\u03a3\u03c3\u00e9\u6771")),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_drawn_texts(texts, lower):
    assert [split_words(text, lower) for text in texts] == [plain_words(t, lower) for t in texts]
    assert list(count_words(texts, lower).items()) == plain_counts(texts, lower)


@pytest.mark.parametrize("letters", ["ab", "ab\u00e9", string.ascii_letters])
def test_crowded_slots(letters):
    generator = random.Random(0)
    words = ["".join(generator.choices(letters, k=generator.randint(1, 14))) for _ in range(5000)]
    text = " ".join(words + words[::3])
    assert split_words(text) == plain_words(text)
    assert list(count_words([text]).items()) == plain_counts([text])


def seconds(texts):
    """The least of several, so that others at work do not count."""
    samples = []
    for _ in range(7):
        start = time.perf_counter()
        count_words(texts)
        samples.append(time.perf_counter() - start)
    return min(samples)


def crowded(factor):
    """Words whose bytes, as a number times the factor, have the same upper bits."""
    keys = np.zeros(1, np.uint64)
    for _ in range(5):
        keys = (keys[:, None] << np.uint64(8) | np.arange(97, 113, dtype=np.uint64)).ravel()
    keys = keys[keys * np.uint64(factor) >> np.uint64(56) == 0]
    return [int(key).to_bytes(5, "little").decode() for key in keys]


@pytest.mark.parametrize(
    "words",
    [
        crowded(0x9E3779B97F4A7C15),  # 2^64 over the golden ratio: the usual one
        [f"{a}{b}{c}ation" for a, b, c in itertools.product(string.ascii_lowercase, repeat=3)],
        # A sum of letters, each a byte further than the last, is the same for all of them.
        [
            "".join(map(chr, (0x5000 | x, (x ^ 1) << 8 | y, (y ^ 2) << 8 | z, (z ^ 3) << 8 | 16)))
            for x, y, z in itertools.product(range(80, 144, 5), repeat=3)
        ],
    ],
    ids=["a known factor", "the same end", "overlapping letters"],
)
def test_chosen_words_take_no_longer_than_drawn_ones(words):
    words = [word for word in words if word.isalnum()]
    generator, letters = random.Random(0), sorted({letter for word in words for letter in word})
    drawn = ["".join(generator.choices(letters, k=len(words[0]))) for _ in words]
    chosen, usual = seconds([" ".join(words)]), seconds([" ".join(drawn)])
    assert chosen < 8 * usual  # crowded, sixteen times as long and more


def test_references_and_how_many_words_are_kept():
    (word,) = split_words("Remembered")
    references = sys.getrefcount(word)
    again = split_words("remembered REMEMBERED")
    assert again[0] is again[1] is word
    assert sys.getrefcount(word) == references + 2
    del again
    assert sys.getrefcount(word) == references
    many = " ".join(f"w{i}" for i in range(2**15 + 1))
    assert split_words(many) == many.split()
    assert sys.getrefcount(word) == references - 1
    assert split_words("Remembered") == [word]


class Lying(str):
    """A str whose methods say nothing of its letters."""

    def __contains__(self, part):
        return False

    def isascii(self):
        return True

    def lower(self):
        return "lower"

    def __len__(self):
        return 1


def test_a_str_of_another_class_is_its_letters():
    text = "\u0130z \u0391\u03a3 plain \u00e9"
    assert split_words(Lying(text)) == split_words(text) == plain_words(text)
    assert count_words([Lying(text)]) == count_words([text])
    assert Vocabulary([Lying("\u00e9")], specials=()).encode_text("\u00e9").tolist() == [0]


def test_case_is_kept_when_asked():
    assert split_words("One TWO", lower=False) == ["One", "TWO"]


def test_a_dotted_capital_i_is_within_a_word():
    text = "D\u0130YARBAKIR'DA \u0130z"
    assert split_words(text) == ["diyarbakir'da", "iz"]
    assert count_words([text]) == {"diyarbakir'da": 1, "iz": 1}
    assert split_words(text, lower=False) == text.split()


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


@pytest.mark.parametrize("bad", [None, 3, b"bytes", ["list"]])
def test_only_texts_are_counted(bad):
    with pytest.raises(TypeError, match="count_words: a text must be a str"):
        count_words(["text", bad])


@pytest.mark.parametrize(("bad", "got"), [("one text", "one str"), (5, "int")])
def test_what_is_not_a_list_of_texts(bad, got):
    with pytest.raises(TypeError, match=f"count_words: texts must be .* of str, got {got}"):
        count_words(bad)
