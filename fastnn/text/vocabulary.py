"""A vocabulary: tokens with counts, numbers for them, 1-of-N rows."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from fastnn.messages import shown
from fastnn.text._words import Words
from fastnn.text.arguments import items_of, texts_of
from fastnn.utils.integers import integer

OTHER = "<other>"


class Vocabulary:
    """Numbers tokens by falling count, after the special ones.

    The special ``"<other>"`` stands for every token that the vocabulary lacks. Without it among
    the specials such a token is an error.

    Args:
        counts: mapping from token (str) to count, or an iterable of tokens, which are counted. A
            str is the iterable of its characters.
        size: how many tokens there are at most, specials included; no limit if None.
        min_count: rarer tokens are left out.
        specials: the first tokens, in this order. With the default, 0 is padding and 1 is
            every other token.

    Attributes:
        tokens: list of str; its index is the number of a token. Equal counts keep the order of
            first occurrence.
        counts: dict from token to count, in the order of ``tokens``; that of ``"<other>"`` is
            what was left out. ``Vocabulary(v.counts)`` has the same tokens if the specials are the
            same.

    Raises:
        TypeError: a token is not a str, a count, `size` or `min_count` is not an int, or `specials`
            is one str or a set, which has no order.
        ValueError: `size` has no room for the specials, a special occurs twice, or a count or
            `min_count` is negative.

    Source: 1-of-N encoding with a dimension for "other", Hung-yi Lee, "Understanding deep learning
    in one day" (DSC 2016), slides "1-of-N Encoding" and "Beyond 1-of-N encoding".

    >>> vocabulary = Vocabulary("the cat and the dog".split())
    >>> vocabulary.tokens
    ['<pad>', '<other>', 'the', 'cat', 'and', 'dog']
    >>> vocabulary.encode(["the", "dog", "Gandalf"])
    array([2, 5, 1], dtype=int32)
    >>> vocabulary.decode([2, 3])
    ['the', 'cat']
    >>> len(vocabulary), "cat" in vocabulary, vocabulary["cat"]
    (6, True, 3)
    """

    def __init__(
        self,
        counts: Mapping[str, int] | Iterable[str],
        size: int | None = None,
        min_count: int = 1,
        specials: Iterable[str] = ("<pad>", OTHER),
    ) -> None:
        counts = _checked_counts(counts)
        specials = texts_of("Vocabulary: specials", specials)
        if len(set(specials)) != len(specials):
            raise ValueError(f"Vocabulary: specials has a token twice: {shown(specials)}")
        min_count = integer("Vocabulary: min_count", min_count)
        size = None if size is None else integer("Vocabulary: size", size)
        if size is not None and size < len(specials):
            raise ValueError(
                f"Vocabulary: size is {size}, but there are {len(specials)} specials alone"
            )
        common = [
            token
            for token, count in sorted(counts.items(), key=lambda item: -item[1])
            if count >= min_count and token not in specials
        ]
        self.tokens: list[str] = [*specials, *common][:size]
        self.counts: dict[str, int] = {token: counts.get(token, 0) for token in self.tokens}
        if OTHER in specials:
            self.counts[OTHER] += sum(counts.values()) - sum(self.counts.values())
        self._ids = _Numbers((token, i) for i, token in enumerate(self.tokens))
        self._ids.other = specials.index(OTHER) if OTHER in specials else -1
        self._table = Words(self.tokens, self._ids.other)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __getitem__(self, token: str) -> int:
        """The number of a token; KeyError if it has none and there is no ``"<other>"``."""
        return int(self.encode([token])[0])

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self)} tokens>"

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """The numbers of tokens, int32 (n,); of characters where `tokens` is a str.

        Raises:
            KeyError: a token has no number, and there is no ``"<other>"``.
            TypeError: a token is not a str.
        """
        tokens = list(items_of(tokens, "Vocabulary.encode: tokens must be an iterable of str"))
        try:
            return np.fromiter(map(self._ids.__getitem__, tokens), np.int32, len(tokens))
        except TypeError as error:
            raise TypeError(f"Vocabulary.encode: tokens must be str: {error}") from None

    def encode_text(self, text: str, lower: bool = True) -> np.ndarray:
        """The numbers of a text's words, int32 (n,): ``encode(split_words(text, lower))``, but
        many times as fast, since no str is made of a word.

        Raises:
            KeyError: a word has no number, and there is no ``"<other>"``.
            TypeError: `text` is not a str.

        >>> Vocabulary(["cat", "here"]).encode_text("The cat? Here!")
        array([1, 2, 3], dtype=int32)
        """
        if not isinstance(text, str):
            raise TypeError(
                f"Vocabulary.encode_text: text must be a str, got {type(text).__name__}"
            )
        try:
            return np.frombuffer(self._table.numbers(text, lower), np.int32)
        except KeyError as error:
            raise _unknown(error.args[0], len(self)) from None

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The tokens of numbers.

        Raises:
            ValueError: a number is negative or not below ``len(self)``.
            TypeError: a number is not an integer.
        """
        ids = list(items_of(ids, "Vocabulary.decode: ids must be a row of integers"))
        try:
            numbers = [operator.index(number) for number in ids]
        except TypeError as error:
            raise TypeError(f"Vocabulary.decode: ids must be a row of integers: {error}") from None
        for place, number in enumerate(numbers):
            if not 0 <= number < len(self):
                raise ValueError(
                    f"Vocabulary.decode: ids[{place}] is {shown(number)}, expected 0 to "
                    f"{len(self) - 1}"
                )
        return [self.tokens[number] for number in numbers]

    def one_hot(self, tokens: Iterable[str]) -> np.ndarray:
        """1-of-N rows of tokens: floatx (n, len(self)), 1 at the token's number, else 0.

        >>> Vocabulary(["apple", "bag", "cat"], specials=()).one_hot(["bag"])
        array([[0., 1., 0.]], dtype=float32)
        """
        from fastnn.utils import to_categorical

        return to_categorical(self.encode(tokens), len(self))


class _Numbers(dict[str, int]):
    """The numbers of tokens; a token that is not there has that of the others, `other`, or none."""

    other: int  # -1: none

    def __missing__(self, token: object) -> int:
        if not isinstance(token, str):
            raise TypeError(f"got one that is {type(token).__name__}")
        if self.other < 0:
            raise _unknown(token, len(self))
        return self.other


def _unknown(token: str, among: int) -> KeyError:
    return KeyError(f"Vocabulary: {shown(token)} is not among its {among} tokens")


def _counted(tokens: Iterator[str]) -> Counter[str]:
    try:
        return Counter(tokens)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise  # of the caller's own generator
        raise TypeError(f"Vocabulary: a token must be a str: {error}") from error


def _checked_counts(counts: Mapping[str, int] | Iterable[str]) -> Mapping[str, int]:
    if not isinstance(counts, Mapping):
        counts = _counted(items_of(counts, "Vocabulary: counts must be a mapping or an iterable"))
    for token, count in counts.items():
        if not isinstance(token, str):
            raise TypeError(f"Vocabulary: a token must be a str, got {shown(token)}")
        if not isinstance(count, (int, np.integer)):
            raise TypeError(
                f"Vocabulary: the count of {shown(token)} must be an int, got {shown(count)}"
            )
        if count < 0:
            raise ValueError(
                f"Vocabulary: the count of {shown(token)} must not be negative, got {shown(count)}"
            )
    return counts
