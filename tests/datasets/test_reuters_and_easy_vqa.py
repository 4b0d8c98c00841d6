"""Loaders of files without a lasting address: what they read, and what they say without it."""

import numpy as np
import pytest

from fastnn.datasets import easy_vqa, reuters
from fastnn.recipes.common import is_here

HEADER = b"label\ttopic\tall_topics\tnewid\tlewissplit\ttopics_attr\ttitle\tbody\n"


def test_a_table_of_documents():
    texts, labels = reuters.parse(HEADER + b'3\tearn\tearn\t1\tTRAIN\tYES\tA "title\tThe body.\n')
    assert texts == ['A "title The body.'] and labels.tolist() == [3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"other\tcolumns\n", "the columns are"),
        (b"", "the columns are"),
        (HEADER + b"\xff", "the table is not UTF-8"),
        (HEADER + "²\ta\tb\t1\tc\td\te\tf\n".encode(), "line 2 has no label from 0 to 45"),
        (HEADER + b"46\ta\tb\t1\tc\td\te\tf\n", "line 2 has no label from 0 to 45"),
        (HEADER + b"1\ttoo few\n", "line 2 has no label"),
        (HEADER + b"1\t" + b"a" * 131_073, "the table is damaged"),
    ],
)
def test_damaged_tables(content, message):
    with pytest.raises(ValueError, match=message):
        reuters.parse(content)


def test_attributes_follow_from_answers():
    pictures = np.array([0, 1, 1, 2, 2, 3])
    questions = [
        "what color is the circle?",
        "is there a triangle?",
        "is there not a teal shape in the image?",
        "is no circle present?",
        "does the image contain a rectangle?",
        "is there a red shape?",
    ]
    answers = ["red", "yes", "no", "yes", "no", "no"]
    labels = easy_vqa.attributes(pictures, questions, answers)
    assert labels.tolist() == [[0, 5], [2, 6], [2, -1], [-1, -1]]


@pytest.mark.parametrize("loader", [reuters, easy_vqa])
def test_missing_files_say_where_to_put_them(loader, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="By hand: put"):
        loader.load_data()
    assert not loader.is_here()


def test_the_documents():
    if not is_here("reuters"):
        pytest.skip("reuters46 is not here: set FASTNN_DATA to a folder with it")
    (texts, labels), (test_texts, test_labels) = reuters.load_data()
    assert (len(texts), len(test_texts)) == (8982, 2246)
    counts = np.bincount(np.concatenate([labels, test_labels]))
    assert len(counts) == 46 and counts.argmax() == 3 and counts[3] == 3972


def test_the_pictures():
    if not is_here("easy_vqa"):
        pytest.skip("easy_vqa is not here: set FASTNN_DATA to a folder with it")
    (x, y), (x_test, y_test) = easy_vqa.load_data()
    assert x.shape == (4000, 64, 64, 3) and x_test.shape == (1000, 64, 64, 3)
    for channel, color in enumerate(("red", "green", "blue")):  # as the ink says
        shown = x[y[:, 1] == easy_vqa.COLORS.index(color)].astype(int)
        ink = shown.reshape(len(shown), -1, 3).min(axis=1)
        assert (ink.argmax(axis=1) == channel).all()
    assert (y_test >= 0).all(axis=1).mean() > 0.85
    (pictures, questions, answers), _ = easy_vqa.load_questions()
    assert len(pictures) == len(questions) == len(answers) == 38575
