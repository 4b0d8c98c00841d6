"""BLEU, by sacrebleu."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from fastnn.text.arguments import row_of, texts_of


def bleu(truth: Sequence[str | Sequence[str]], guesses: Sequence[str]) -> float:
    """BLEU of translations, of all sentences together, by sacrebleu's ``corpus_bleu``.

    Args:
        truth: the sentence that each should be; or, for each, a list of sentences that it may be.
        guesses: the sentences, as text (sacrebleu splits them by its tokenizer 13a).

    Returns:
        from 0 to 100.

    Raises:
        ImportError: sacrebleu (extra ``text``) is not installed.
        TypeError: one str instead of sentences, or a sentence that is no str.
        ValueError: different numbers of sentences, none at all, or one that has no truth.

    Source: K. Papineni and others, "BLEU: a method for automatic evaluation of machine
    translation", ACL 2002; M. Post, "A call for clarity in reporting BLEU scores", 2018.
    """
    truth, guesses = row_of("bleu: truth", truth), texts_of("bleu: guesses", guesses)
    if len(truth) != len(guesses):
        raise ValueError(f"bleu: {len(truth)} sentences of truth, {len(guesses)} guesses")
    if not truth:
        raise ValueError("bleu: there are no sentences")
    choices = [
        [text]
        if isinstance(text, str)
        else texts_of(f"bleu: truth[{i}]", text, "one or several str")
        for i, text in enumerate(truth)
    ]
    for i, texts in enumerate(choices):
        if not texts:
            raise ValueError(f"bleu: truth[{i}] is empty, expected at least one sentence")
    try:
        from sacrebleu import corpus_bleu
    except ImportError as error:
        raise ImportError("bleu needs sacrebleu: pip install 'fastnn[text]'") from error
    score = corpus_bleu(guesses, [list(column) for column in zip_longest(*choices)]).score
    return min(score, 100.0)  # a mean by logarithms may end above
