"""IOB tags: which words of a sentence make up a slot, and how many slots were found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[str, int, int]


def iob_to_spans(tags: Sequence[str]) -> list[Span]:
    """The slots of a sentence that is tagged word by word.

    ``B-name`` begins a slot, ``I-name`` continues it, ``O`` is outside. An ``I-name`` that
    continues nothing of that name begins a slot, as in the CoNLL evaluation.

    Args:
        tags: the tags of the words.

    Returns:
        list of (name, first word, the word after the last).

    Raises:
        ValueError: a tag is neither ``O`` nor begins with ``B-`` or ``I-``.

    >>> iob_to_spans(["O", "B-city", "I-city", "O", "B-day"])
    [('city', 1, 3), ('day', 4, 5)]
    """
    spans: list[Span] = []
    name, start = None, 0
    for i, tag in enumerate([*tags, "O"]):
        kind, _, here = tag.partition("-")
        if tag != "O" and (kind not in ("B", "I") or not here):
            raise ValueError(
                f"iob_to_spans: tags[{i}] is {tag!r}, expected 'O', 'B-name' or 'I-name'"
            )
        if kind == "I" and here == name:
            continue
        if name is not None:
            spans.append((name, start, i))
        name, start = here or None, i
    return spans


def spans_to_iob(spans: Iterable[Span], length: int) -> list[str]:
    """The tags of a sentence of so many words with these slots: `iob_to_spans` turned round.

    Raises:
        ValueError: a slot is empty or has no name, leaves the sentence, or overlaps another.

    >>> spans_to_iob([("city", 1, 3)], 4)
    ['O', 'B-city', 'I-city', 'O']
    """
    tags = ["O"] * length
    for name, start, end in spans:
        if not name:
            raise ValueError(f"spans_to_iob: {(name, start, end)} has no name")
        if not 0 <= start < end <= length:
            raise ValueError(
                f"spans_to_iob: {(name, start, end)} is not a part of a sentence of {length} words"
            )
        if any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"spans_to_iob: {(name, start, end)} overlaps another slot")
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
        ValueError: sentences differ in number or length, or a tag is no IOB tag.

    Source: E. F. Tjong Kim Sang, S. Buchholz, "Introduction to the CoNLL-2000 shared task:
    chunking", 2000.

    >>> slot_f1([["B-city", "I-city", "O", "B-day"]], [["B-city", "I-city", "B-day", "O"]])
    0.5
    """
    truth, guesses = ([list(row) for row in rows] for rows in (truth, guesses))
    lengths = [list(map(len, rows)) for rows in (truth, guesses)]
    if lengths[0] != lengths[1]:
        raise ValueError(
            "slot_f1: truth and guesses must have the same sentences, got "
            f"{len(truth)} of {sum(lengths[0])} tags and {len(guesses)} of {sum(lengths[1])} tags"
        )
    right = total = 0
    for i, pair in enumerate(zip(truth, guesses)):
        try:
            slots, found = (set(iob_to_spans(tags)) for tags in pair)
        except ValueError as error:
            raise ValueError(f"slot_f1: sentence {i}: {error}") from error
        right += len(slots & found)
        total += len(slots) + len(found)
    return 2 * right / total if total else 0.0
