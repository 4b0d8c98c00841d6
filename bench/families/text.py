"""A text's words to their numbers in a vocabulary, beside a loop in Python."""

from collections.abc import Iterator

import numpy as np

from bench.row import Engine, Row
from fastnn.text import Vocabulary

WORDS, SIZE, OTHER = 100_000, 10_000, 1


def operands() -> tuple[str, Vocabulary]:
    """Words of 1 to 12 letters, few of them frequent; some are none of the vocabulary's."""
    random = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlu"))
    lexicon = ["".join(random.choice(letters, random.integers(1, 13))) for _ in range(2 * SIZE)]
    words = [lexicon[rank % len(lexicon)] for rank in random.zipf(1.3, WORDS)]
    ends = random.choice([" ", " ", " ", " ", ", ", ". "], WORDS)
    text = "".join(word.capitalize() + end for word, end in zip(words, ends))
    return text, Vocabulary(words, size=SIZE)


def ours(text: str, vocabulary: Vocabulary) -> Engine:
    return Engine(lambda: vocabulary.encode_text(text))


def plain(text: str, vocabulary: Vocabulary) -> Engine:
    ids = {token: number for number, token in enumerate(vocabulary.tokens)}

    def call() -> list[int]:
        numbers, word, low = [], "", text.lower() + " "
        for i, letter in enumerate(low):
            if letter.isalnum():
                word += letter
            elif word:
                if letter == "'" and low[i + 1].isalnum():
                    word += letter
                else:
                    numbers.append(ids.get(word, OTHER))
                    word = ""
        return numbers

    return Engine(call, lambda: np.array(call()))


def rows() -> Iterator[Row]:
    engines = {"fastnn": ours, "plain Python": plain}
    yield Row(f"{WORDS:,} words to numbers", operands, engines, tolerance=0)
