"""Counts against a loop; what stands in the picture; messages."""

import numpy as np
import pytest

from fastnn.plots import confusion_matrix

pytest.importorskip("matplotlib", reason="drawing needs matplotlib (extra: demo)")

RNG = np.random.default_rng(0)
TRUE, SCORES = RNG.integers(0, 4, 200), RNG.standard_normal((200, 5))


def counted(true, said, classes):
    counts = np.zeros((classes, classes), int)
    for t, s in zip(true, said):
        counts[t, s] += 1
    return counts


def test_counts():
    said = SCORES.argmax(axis=1)
    expected = counted(TRUE, said, 5)
    trues = (TRUE, TRUE[:, None], TRUE.astype(float), np.eye(5)[TRUE])
    for true, guess in zip(trues, (SCORES, said, said[:, None], SCORES)):
        np.testing.assert_array_equal(confusion_matrix(true, guess).values, expected)
    values = confusion_matrix(TRUE, SCORES, list("abcdefg")).values  # some classes nobody saw
    np.testing.assert_array_equal(values, counted(TRUE, said, 7))
    assert values.dtype == np.int64


def test_the_picture_shows_the_counts_and_names():
    drawing = confusion_matrix([0, 0, 1, 1, 1], [0, 1, 1, 1, 1], ["cat", "dog"])
    ax = drawing.figure.axes[0]
    texts = {t.get_position(): t.get_text() for t in ax.texts}
    assert texts == {(0, 0): "1", (1, 0): "1", (1, 1): "3"}  # column, row; no zeros
    assert [t.get_text() for t in ax.get_xticklabels()] == ["cat", "dog"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.5, 0.5], [0, 1]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


def test_many_classes_have_no_numbers():
    numbers = np.arange(60)
    drawing = confusion_matrix(numbers, numbers[::-1])
    assert not drawing.figure.axes[0].texts
    np.testing.assert_array_equal(drawing.values, np.eye(60)[::-1])


@pytest.mark.parametrize(
    "true, said, labels, message",
    [
        ([0, 1], [0], None, "y_true has 2 samples, y_pred 1"),
        ([], [], None, "at least one"),
        ([0, -1], [0, 0], None, "y_true must hold class numbers from 0, got -1"),
        ([0, 1], [0.2, 0.7], None, "y_pred must hold class numbers from 0, got 0.2"),
        ([0, 1], [[0.1, np.nan], [1, 2]], None, "y_pred holds NaN"),
        (["a"], [0], None, "y_true must be class numbers"),
        (np.zeros((2, 2, 2)), [0, 1], None, r"y_true must be .* of shape \(2, 2, 2\)"),
        ([0, 2], [0, 1], ["a", "b"], "labels has 2 names for 3 classes"),
    ],
)
def test_bad_input(true, said, labels, message):
    with pytest.raises(ValueError, match=f"confusion_matrix: .*{message}"):
        confusion_matrix(true, said, labels)
