"""IOB tags and slots: by hand, both ways round, and seqeval's F1 under parity."""

import random

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
    with pytest.raises(ValueError, match="spans_to_iob"):
        spans_to_iob([("b", 1, 2), span], 3)


def test_f1_by_hand():
    truth = [["B-a", "I-a", "O", "B-b"], ["O"], ["B-a"]]  # 3 slots
    guess = [["B-a", "I-a", "B-b", "B-b"], ["B-b"], ["O"]]  # 4, of which 2 are right
    assert slot_f1(truth, guess) == pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3))
    assert slot_f1(truth, truth) == 1
    assert slot_f1(iter(truth), (iter(row) for row in truth)) == 1
    with pytest.raises(ValueError, match=r"slot_f1: sentence 1: .*tags\[0\] is 'X'"):
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
