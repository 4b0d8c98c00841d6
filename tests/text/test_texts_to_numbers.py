"""Vocabulary.encode_text against a loop over letters, and over all of Unicode."""

import copy
import pickle
import random
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.text import Vocabulary, split_words

TEXT = "Don't stop -- 'quoted' words, naïve café No. 42; it's o'clock' x''y. Ἀθῆναι, 東京 2nd!"


def plainly(text, vocabulary, lower=True):
    """Letter by letter, with nothing but str."""
    words, word = [], ""
    text = text.replace("\u0130", "i").lower() if lower else text
    for i, letter in enumerate(text):
        inside = word and letter == "'" and text[i + 1 : i + 2].isalnum()
        if letter.isalnum() or inside:
            word += letter
        elif word:
            words.append(word)
            word = ""
    words += [word] if word else []
    known = {token: i for i, token in enumerate(vocabulary.tokens)}
    return [known.get(word, vocabulary["<other>"]) for word in words]


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("text", [TEXT, TEXT.encode("ascii", "ignore").decode(), "İΣ " + TEXT, ""])
def test_a_text(text, lower):
    words = split_words(text, lower)
    vocabulary = Vocabulary(words[::2])
    ids = vocabulary.encode_text(text, lower)
    assert ids.dtype == np.int32
    assert ids.tolist() == plainly(text, vocabulary, lower)
    assert ids.tolist() == vocabulary.encode(words).tolist()


@given(st.text(alphabet="aAbB'’ .İΣσéÉ東\U0001d400", max_size=30), st.booleans())
@settings(max_examples=200, deadline=None)
def test_drawn_texts(text, lower):
    vocabulary = Vocabulary(["a", "ab", "b'a", "aσ", "éa", "東", "i"])
    assert vocabulary.encode_text(text, lower).tolist() == plainly(text, vocabulary, lower)


def test_every_letter_of_unicode():
    """Lower case and what is a letter, one code at a time (two are not a letter's own matter)."""
    letters = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    text = " ".join(f"x{letter}y" for letter in letters if letter not in "İΣ")
    vocabulary = Vocabulary(split_words(text))
    expected = vocabulary.encode(split_words(text))
    np.testing.assert_array_equal(vocabulary.encode_text(text), expected)
    assert 1 not in expected


def test_a_vocabulary_with_crowded_slots():
    generator = random.Random(0)
    words = ["".join(generator.choices("ab", k=generator.randint(1, 14))) for _ in range(5000)]
    vocabulary = Vocabulary(words[:2500])
    text = " ".join(words)
    assert vocabulary.encode_text(text).tolist() == plainly(text, vocabulary)


def test_words_of_about_eight_letters():
    """Eight bytes of a word are seen at once."""
    words = ["\0a", "a", "a" * 8, "a" * 9, "aaaaaaab", "baaaaaaa", "abaaaaaaa"]
    words += ["é", "éaaaaaaa", "éa"]
    vocabulary = Vocabulary(words, specials=("<other>",))
    assert vocabulary.encode_text(" ".join(words)).tolist() == [2, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert vocabulary.encode_text("aa aaaaaaaaaa éaa bé").tolist() == [0] * 4


@pytest.mark.parametrize("letter", ["a", "é", "東", "\U0001d400"])
def test_words_that_differ_in_their_length_or_in_one_letter(letter):
    words = [letter * length for length in range(1, 40)]
    words += [letter * at + "b" + letter * (20 - at) for at in range(21)]
    expected = list(range(len(words)))
    assert Vocabulary(words, specials=()).encode_text(" ".join(words)).tolist() == expected
    assert split_words(" ".join(words)) == words


def test_tokens_that_no_text_has():
    tokens = ["a\0b", "", "\0", "\ud800", "long\0enough\0for\0two\0blocks", "long", "b", "a"]
    vocabulary = Vocabulary(tokens, specials=("<other>",))
    assert vocabulary.encode(tokens).tolist() == list(range(1, 9))
    text = " ".join(tokens)
    assert vocabulary.encode_text(text).tolist() == plainly(text, vocabulary)


@pytest.mark.parametrize("pair", ["ab 慢", "慢 ab", "bǩ cé", "cé bǩ"])
def test_words_with_the_same_key(pair):
    """慢 is U+6162, the codes of a and b; b, c and é, ǩ differ by the same bit."""
    one, other = pair.split()
    assert Vocabulary([one, other], specials=()).encode_text(pair).tolist() == [0, 1]
    assert Vocabulary([one]).encode_text(pair).tolist() == [2, 1]


@pytest.mark.parametrize("text", ["ΑΣ ΣΑ ΑΣ.Β", "İA A"])
def test_lower_case_that_depends_on_neighbours(text):
    vocabulary = Vocabulary(split_words(text))
    assert vocabulary.encode_text(text).tolist() == plainly(text, vocabulary)
    assert 1 not in vocabulary.encode_text(text)


def test_a_word_of_a_megabyte():
    word = "w" * 2**20
    vocabulary = Vocabulary([word, "a"])
    assert vocabulary.encode_text(f"a {word} {word}w").tolist() == [3, 2, 1]


def test_unknown_words_are_named_without_other():
    vocabulary = Vocabulary(["a", "b"], specials=())
    assert vocabulary.encode_text("A, b").tolist() == [0, 1]
    with pytest.raises(KeyError, match="'c' is not among its 2 tokens"):
        vocabulary.encode_text("a b C d")
    with pytest.raises(TypeError, match="encode_text: text must be a str, got bytes"):
        vocabulary.encode_text(b"a")


def test_copies_work():
    vocabulary = Vocabulary(["a", "b"])
    for twin in (copy.deepcopy(vocabulary), pickle.loads(pickle.dumps(vocabulary))):
        assert twin.encode_text("b c a").tolist() == [3, 1, 2]
        assert twin.tokens == vocabulary.tokens and twin.counts == vocabulary.counts
