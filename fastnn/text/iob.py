"""IOB tags: which words of a sentence make up a slot, and how many slots were found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral

from fastnn.messages import shown
from fastnn.text.arguments import items_of, row_of, texts_of
from fastnn.utils.integers import integer

Span = tuple[str, int, int]
_PARTS = (str, Integral, Integral)


def iob_to_spans(tags: Sequence[str]) -> list[Span]:
    """The slots of a sentence that is tagged word by word.

    ``B-name`` begins a slot, ``I-name`` continues it, ``O`` is outside. An ``I-name`` that
    continues nothing of that name begins a slot, as in the CoNLL evaluation.

    Args:
        tags: the tags of the words.

    Returns:
        list of (name, first word, the word after the last).

    Raises:
        TypeError: one str instead of a row, or a tag that is no str.
        ValueError: a tag is neither ``O`` nor begins with ``B-`` or ``I-``.

    >>> iob_to_spans(["O", "B-city", "I-city", "O", "B-day"])
    [('city', 1, 3), ('day', 4, 5)]
    """
    return _spans("iob_to_spans: tags", tags)


def _spans(what: str, tags: Iterable[str]) -> list[Span]:
    spans: list[Span] = []
    name, start = None, 0
    for i, tag in enumerate([*texts_of(what, tags), "O"]):
        kind, _, here = tag.partition("-")
        if tag != "O" and (kind not in ("B", "I") or not here):
            raise ValueError(f"{what}[{i}] is {shown(tag)}, expected 'O', 'B-name' or 'I-name'")
        if kind == "I" and here == name:
            continue
        if name is not None:
            spans.append((name, start, i))
        name, start = here or None, i
    return spans


def spans_to_iob(spans: Iterable[Span], length: int) -> list[str]:
    """The tags of a sentence of so many words with these slots: `iob_to_spans` turned round.

    Raises:
        TypeError: a slot is not a str and two integers, or `length` is no integer.
        ValueError: a slot is empty or has no name, leaves the sentence, or overlaps another, or
            `length` is negative.
        MemoryError: `length` is too large.

    >>> spans_to_iob([("city", 1, 3)], 4)
    ['O', 'B-city', 'I-city', 'O']
    """
    length = integer("spans_to_iob: length", length)
    try:
        tags = ["O"] * length
    except (MemoryError, OverflowError):
        raise MemoryError(f"spans_to_iob: length is {shown(length)}, too large") from None
    for i, span in enumerate(items_of(spans, "spans_to_iob: spans must be an iterable of slots")):
        what = f"spans_to_iob: spans[{i}]"
        parts = span if isinstance(span, (tuple, list)) and len(span) == len(_PARTS) else ()
        if not parts or not all(map(isinstance, parts, _PARTS)):
            raise TypeError(f"{what} must be (str, int, int), got {shown(span)}")
        name, start, end = parts
        if not name:
            raise ValueError(f"{what} has no name: {shown(span)}")
        if not 0 <= start < end <= length:
            raise ValueError(f"{what} must be within {length} words, got {shown(span)}")
        if any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"{what} overlaps another slot: {shown(span)}")
        tags[start:end] = [f"B-{name}", *[f"I-{name}"] * (end - start - 1)]
    return tags


def slot_f1(truth: Iterable[Iterable[str]], guesses: Iterable[Iterable[str]]) -> float:
    """F1 of slots: the harmonic mean of precision and recall over all slots of all sentences.

    A slot is right if its name, its first and its last word are. It is the measure of CoNLL's
    evaluation and of seqeval's ``f1_score``.

    Args:
        truth: a row of IOB tags a sentence.
        guesses: the same of what was predicted.

    Returns:
        from 0 to 1; 0 where neither has a slot.

    Raises:
        TypeError: not rows of str.
        ValueError: sentences differ in number or length, or a tag is no IOB tag.

    Source: E. F. Tjong Kim Sang, S. Buchholz, "Introduction to the CoNLL-2000 shared task:
    chunking", 2000.

    >>> slot_f1([["B-city", "I-city", "O", "B-day"]], [["B-city", "I-city", "B-day", "O"]])
    0.5
    """
    truth, guesses = _sentences("truth", truth), _sentences("guesses", guesses)
    lengths = [list(map(len, rows)) for rows in (truth, guesses)]
    if lengths[0] != lengths[1]:
        raise ValueError(
            "slot_f1: truth and guesses must have the same sentences, got "
            f"{len(truth)} of {sum(lengths[0])} tags and {len(guesses)} of {sum(lengths[1])} tags"
        )
    right = total = 0
    for i, (tags, guessed) in enumerate(zip(truth, guesses)):
        slots = set(_spans(f"slot_f1: truth[{i}]", tags))
        found = set(_spans(f"slot_f1: guesses[{i}]", guessed))
        right += len(slots & found)
        total += len(slots) + len(found)
    return 2 * right / total if total else 0.0


def _sentences(name: str, rows: Iterable[Iterable[str]]) -> list[list[str]]:
    name, kind = f"slot_f1: {name}", "a row of rows of str"
    return [row_of(f"{name}[{i}]", row) for i, row in enumerate(row_of(name, rows, kind))]
