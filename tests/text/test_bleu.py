"""BLEU: its formula on sentences that need no smoothing and no tokenizer, and refusals."""

import math
import sys
from collections import Counter

import pytest

from fastnn.text import bleu


def by_formula(truth, guesses):
    """Papineni's: the geometric mean of clipped precisions of 1- to 4-grams, brevity punished."""
    logs = 0
    for n in range(1, 5):
        right = total = 0
        for sentence, guess in zip(truth, guesses):
            grams = [
                Counter(zip(*(words[i:] for i in range(n))))
                for words in (sentence.split(), guess.split())
            ]
            right += sum((grams[0] & grams[1]).values())
            total += sum(grams[1].values())
        logs += math.log(right / total) / 4
    lengths = [sum(len(s.split()) for s in part) for part in (truth, guesses)]
    return 100 * min(1, math.exp(1 - lengths[0] / lengths[1])) * math.exp(logs)


def test_by_formula():
    pytest.importorskip("sacrebleu", reason="BLEU needs sacrebleu (extra: text)")
    truth = ["the cat sat on the mat today", "a dog ran over the wide green field"]
    guesses = ["the cat sat on the mat", "a dog ran over the green field"]
    assert bleu(truth, guesses) == pytest.approx(by_formula(truth, guesses), rel=1e-9)
    assert bleu(truth, truth) == pytest.approx(100)
    assert bleu([[a, b] for a, b in zip(truth, guesses)], guesses) == pytest.approx(100)
    several = [[truth[0]], *([a, a, b] for a, b in zip(truth[1:], guesses[1:]))]  # not as many
    assert bleu(several, [truth[0], *guesses[1:]]) == pytest.approx(100)
    assert bleu(iter(truth), iter(truth)) == pytest.approx(100)
    assert bleu(guesses[:1], guesses[:1]) == 100  # by logarithms a little more


def test_refusals(monkeypatch):
    with pytest.raises(ValueError, match="bleu: 2 sentences of truth, 1 guesses"):
        bleu(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="bleu: there are no sentences"):
        bleu([], [])
    with pytest.raises(ValueError, match=r"bleu: truth\[1\] is empty"):
        bleu(["a", []], ["a", "b"])
    for wrong, said in (
        (("a", ["a"]), "truth must be a row of str, got one str"),
        ((5, 5), "truth must be a row of str, got int"),
        (([1], ["a"]), r"truth\[0\] must be one or several str, got int"),
        (([["a b", 5]], ["a b"]), r"truth\[0\]\[1\] must be a str, got int"),
        ((["a"], [None]), r"guesses\[0\] must be a str, got NoneType"),
    ):
        with pytest.raises(TypeError, match=f"bleu: {said}"):
            bleu(*wrong)
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(ImportError, match=r"pip install 'fastnn\[text\]'"):
        bleu(["a"], ["a"])
