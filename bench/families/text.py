"""The compiled text tools, each beside a loop in Python that takes and refuses the same."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from bench.row import Engine, Row
from fastnn.text import Vocabulary, count_words, hashing, letter_trigrams, split_words

WORDS, SIZE, OTHER = 100_000, 10_000, 1
LINE = 1000  # letters


def operands() -> tuple[str, Vocabulary]:
    """Words of 1 to 12 letters, few of them frequent; some are none of the vocabulary's."""
    random = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlu"))
    lexicon = ["".join(random.choice(letters, random.integers(1, 13))) for _ in range(2 * SIZE)]
    words = [lexicon[rank % len(lexicon)] for rank in random.zipf(1.3, WORDS)]
    ends = random.choice([" ", " ", " ", " ", ", ", ". "], WORDS)
    text = "".join(word.capitalize() + end for word, end in zip(words, ends))
    return text, Vocabulary(words, size=SIZE)


def text() -> tuple[str]:
    return operands()[:1]


def lines() -> tuple[list[str]]:
    (one,) = text()
    return ([one[i : i + LINE] for i in range(0, len(one), LINE)],)


def words() -> tuple[list[str]]:
    return (split_words(*text()),)


def plain_words(text: str, lower: bool = True) -> list[str]:
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, got {type(text).__name__}")
    found, word, low = [], "", (text.lower() if lower else text) + " "
    for i, letter in enumerate(low):
        if letter.isalnum() or (word and letter == "'" and low[i + 1].isalnum()):
            word += letter
        elif word:
            found.append(word)
            word = ""
    return found


def plain_counts(texts: Iterable[str], lower: bool = True) -> dict[str, int]:
    if isinstance(texts, str):
        raise TypeError("texts must be an iterable of str, got one str")
    counts: dict[str, int] = {}
    for text in texts:
        for word in plain_words(text, lower):
            counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def plain_trigrams(word: str, boundary: bool = False) -> tuple[str, ...]:
    if not isinstance(word, str):
        raise TypeError(f"a word must be a str, got {type(word).__name__}")
    trigrams, last = [], "#" if boundary else ""
    for letter in word.lower():
        last = (last + letter)[-3:] if "a" <= letter <= "z" else ""
        if len(last) == 3:
            trigrams.append(last)
    if boundary and len(last) > 1:
        trigrams.append(last[-2:] + "#")
    return tuple(trigrams)


def plain_places(words: list[str]) -> list[int]:
    places = []
    for row, word in enumerate(words):
        for trigram in plain_trigrams(word):
            column = 0
            for letter in trigram:
                column = column * 26 + ord(letter) - ord("a")
            places.append(row * 26**3 + column)
    return places


def numbers(text: str, vocabulary: Vocabulary) -> np.ndarray:
    return vocabulary.encode_text(text)


def plain_numbers(text: str, vocabulary: Vocabulary) -> list[int]:
    ids = {token: number for number, token in enumerate(vocabulary.tokens)}
    return [ids.get(word, OTHER) for word in plain_words(text)]


def places(words: list[str]) -> np.ndarray:
    return np.frombuffer(hashing.trigram_places(words), np.int64)


def codes(words: Iterable[str]) -> np.ndarray:
    """Words as numbers, to be compared."""
    return np.array(list(map(ord, " ".join(words))))


def engine(function: Callable, compared: Callable) -> Callable[..., Engine]:
    """Times a function of the operands; results are compared as what `compared` makes of them."""
    return lambda *operands: Engine(
        lambda: function(*operands), lambda: compared(function(*operands))
    )


def word_by_word(function: Callable[[str], tuple[str, ...]]) -> Callable[..., Engine]:
    """No result outlives its word: time would go into so many lists."""
    return lambda words: Engine(
        lambda: deque(map(function, words), maxlen=0),
        lambda: codes(map(" ".join, map(function, words))),
    )


def row(name: str, data: Callable, ours: Callable, plain: Callable, compared: Callable) -> Row:
    engines = {"fastnn": engine(ours, compared), "plain Python": engine(plain, compared)}
    return Row(name, data, engines, tolerance=0)


def rows() -> Iterator[Row]:
    n = f"{WORDS:,} words"
    yield row(f"{n} to numbers", operands, numbers, plain_numbers, np.array)
    yield row(f"a text split into {n}", text, split_words, plain_words, codes)
    yield row(
        f"{n} counted",
        lines,
        count_words,
        plain_counts,
        lambda counts: (codes(counts), list(counts.values())),
    )
    engines = {
        "fastnn": word_by_word(letter_trigrams),
        "plain Python": word_by_word(plain_trigrams),
    }
    yield Row(f"trigrams of {n}", words, engines, tolerance=0)
    yield row(f"places of the trigrams of {n}", words, places, plain_places, np.array)
