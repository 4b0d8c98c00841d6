"""IOB tags and slots: by hand, both ways round, and seqeval's F1 under parity."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.text import iob_to_spans, slot_f1, spans_to_iob

TAGS = ["O", "B-a", "I-a", "B-b", "I-b"]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        ("B-a I-a O B-b", [("a", 0, 2), ("b", 3, 4)]),
        ("B-a B-a I-a", [("a", 0, 1), ("a", 1, 3)]),
        ("B-a I-b I-b", [("a", 0, 1), ("b", 1, 3)]),
        ("I-a I-a O I-b", [("a", 0, 2), ("b", 3, 4)]),
        ("B-city-name I-city-name", [("city-name", 0, 2)]),
    ],
)
def test_by_hand(tags, spans):
    assert iob_to_spans(tags.split()) == spans


@given(st.lists(st.sampled_from(TAGS)))
def test_there_and_back(tags):
    spans = iob_to_spans(tags)
    again = spans_to_iob(spans, len(tags))
    assert iob_to_spans(again) == spans
    assert [tag == "O" for tag in again] == [tag == "O" for tag in tags]


@pytest.mark.parametrize("tag", ["", "B", "B-", "X-a", "o", "O-a"])
def test_what_is_no_tag(tag):
    with pytest.raises(ValueError, match=r"iob_to_spans: tags\[1\] is"):
        iob_to_spans(["O", tag])


@pytest.mark.parametrize("span", [("a", 2, 2), ("a", -1, 1), ("a", 2, 4), ("a", 0, 2), ("", 0, 1)])
def test_slots_that_do_not_fit(span):
    with pytest.raises(ValueError, match=r"spans_to_iob: spans\[1\]"):
        spans_to_iob([("b", 1, 2), span], 3)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ("OOO", "tags must be a row of str, got one str"),
        ({"O"}, "tags must be a row of str, got one set"),
        (5, "tags must be a row of str, got int"),
        (["O", 5], r"tags\[1\] must be a str, got int"),
        ([None], r"tags\[0\] must be a str, got NoneType"),
        (np.arange(2), r"tags\[0\] must be a str, got int64"),
    ],
)
def test_what_is_no_row_of_tags(tags, said):
    with pytest.raises(TypeError, match=f"iob_to_spans: {said}"):
        iob_to_spans(tags)
    if not isinstance(tags, int):
        with pytest.raises(TypeError, match=f"slot_f1: {said.replace('tags', 'guesses.0.')}"):
            slot_f1([["O"] * len(tags)], [tags])


@pytest.mark.parametrize(
    ("spans", "length", "said"),
    [
        (5, 3, "spans must be an iterable of slots, got int"),
        ([("a", 1)], 3, r"spans\[0\] must be \(str, int, int\), got \('a', 1\)"),
        ([("a", 0.0, 1.0)], 3, r"spans\[0\] must be \(str, int, int\)"),
        ([(1, 0, 1)], 3, r"spans\[0\] must be \(str, int, int\)"),
        (["abc"], 3, r"spans\[0\] must be \(str, int, int\)"),
        ([], "3", "length must be an integer, got '3'"),
    ],
)
def test_what_is_no_slot(spans, length, said):
    with pytest.raises(TypeError, match=f"spans_to_iob: {said}"):
        spans_to_iob(spans, length)


def test_lengths_of_no_sentence():
    with pytest.raises(ValueError, match="spans_to_iob: length must not be negative, got -3"):
        spans_to_iob([], -3)
    for length in (10**15, 10**5000):
        with pytest.raises(MemoryError, match=r"spans_to_iob: length is .*, too large"):
            spans_to_iob([], length)


@pytest.mark.parametrize(("truth", "guesses"), [("OO", "OO"), (5, 5), ([5], [5]), (["O"], ["O"])])
def test_what_is_no_row_of_sentences(truth, guesses):
    with pytest.raises(TypeError, match=r"slot_f1: truth(\[0\])? must be a row of .*, got"):
        slot_f1(truth, guesses)


@pytest.mark.parametrize(
    "call",
    [
        lambda long: iob_to_spans([long]),
        lambda long: slot_f1([[long]], [[long]]),
        lambda long: spans_to_iob([(long, 3, 9)], 3),
        lambda long: spans_to_iob([(long, 0, 1)] * 2, 3),
    ],
)
def test_messages_are_short(call):
    with pytest.raises(ValueError, match="aaaaaaaaa") as error:
        call("a" * 10**6)
    assert len(str(error.value)) < 120


def test_f1_by_hand():
    truth = [["B-a", "I-a", "O", "B-b"], ["O"], ["B-a"]]  # 3 slots
    guess = [["B-a", "I-a", "B-b", "B-b"], ["B-b"], ["O"]]  # 4, of which 2 are right
    assert slot_f1(truth, guess) == pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3))
    assert slot_f1(truth, truth) == 1
    assert slot_f1(iter(truth), (iter(row) for row in truth)) == 1
    with pytest.raises(ValueError, match=r"slot_f1: guesses\[1\]\[0\] is 'X'"):
        slot_f1(truth, [["O"] * 4, ["X"], ["O"]])
    assert slot_f1([["O"]], [["O"]]) == slot_f1([], []) == 0
    for wrong in ([["O"] * 4, ["O"]], [["O"] * 4, ["O"], ["O", "O"]]):
        with pytest.raises(ValueError, match="slot_f1: truth and guesses"):
            slot_f1(truth, wrong)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
def test_f1_is_seqevals():
    from seqeval.metrics import f1_score
    from seqeval.metrics.sequence_labeling import get_entities

    generator = random.Random(0)
    for _ in range(200):
        lengths = [generator.randrange(8) for _ in range(4)]
        truth, guess = ([generator.choices(TAGS, k=n) for n in lengths] for _ in range(2))
        assert slot_f1(truth, guess) == pytest.approx(float(f1_score(truth, guess)), abs=1e-12)
        for row in truth:
            assert iob_to_spans(row) == [(name, a, b + 1) for name, a, b in get_entities(row)]
