"""The recipes on spoken digits: their pieces by hand, and what quick runs reach."""

import numpy as np
import pytest

from fastnn.recipes import speech_ctc, speech_digits
from fastnn.recipes.common import is_here
from fastnn.recipes.spoken_digits import BINS, Spoken


@pytest.fixture
def fsdd():
    if not is_here("fsdd"):
        pytest.skip("fsdd is not here: set FASTNN_DATA to a folder with it")


def spoken(lengths, digits, speakers):
    """Recordings whose frames all hold their own number."""
    frames = [np.full((n, BINS), i, np.float32) for i, n in enumerate(lengths)]
    return Spoken(frames, np.array(digits), np.array(speakers))


def test_sentences_are_of_one_speaker_and_know_who_says_what():
    source = spoken([4, 7, 9, 5], [3, 8, 0, 5], ["ann", "bob", "ann", "bob"])
    drawn = speech_ctc.Sentences(source, np.random.default_rng(0), 50)
    for sound, said, by_step in zip(drawn.sounds, drawn.said, drawn.by_step):
        assert 3 <= len(said) <= 5
        numbers = sound.reshape(-1, BINS)[:, 0].astype(int)  # of recordings, a frame each
        assert len(set(source.speakers[numbers])) == 1
        assert (source.digits[numbers[1::3]] + 1 == by_step).all()  # the middle of three
        assert set(by_step) <= set(said) and all(said)
        frames = sum(len(source.frames[list(source.digits).index(c - 1)]) for c in said)
        assert len(sound) == len(by_step) == frames // 3
    assert {len(said) for said in drawn.said} == {3, 4, 5}


def test_batches_are_padded_with_zeros_and_blanks():
    source = spoken([30, 60], [3, 8], ["ann", "bob"])
    drawn = speech_ctc.Sentences(source, np.random.default_rng(0), 9)
    x, said = drawn.batch("said", [4, 0])
    _, by_step = drawn.batch("by_step", [4, 0])
    assert x.shape[1] % 16 == 0 and x.shape[:2] == by_step.shape and said.shape == (2, 5)
    for row, i in enumerate([4, 0]):
        steps, count = drawn.steps[i], len(drawn.said[i])
        assert np.array_equal(x[row, :steps], drawn.sounds[i]) and not x[row, steps:].any()
        assert said[row].tolist() == drawn.said[i] + [0] * (5 - count)
        assert np.array_equal(by_step[row, :steps], drawn.by_step[i])
        assert not by_step[row, steps:].any()


def test_trimming_cannot_repeat():
    assert speech_ctc.trim([3, 3, 3, 7, 7, 3]) == [3, 7, 3]
    said, heard = [[1, 1, 2], [1, 2], [3, 4]], [[1, 2], [1, 2], [3, 5]]
    found = speech_ctc.judge(heard, said)
    assert found == {"error_rate": 2 / 7, "repeating": 0.0, "others": 0.5}


def test_spoken_digits(fsdd, tmp_path, pictures):
    figures = speech_digits.run(quick=True, out=tmp_path)
    accuracy = figures[speech_digits.LSTM]["accuracy"]
    assert accuracy > 0.88
    assert accuracy - figures[speech_digits.NO_ORDER]["accuracy"] > 0.05
    assert all(0 <= claim.value <= 1 for claim in speech_digits.claims(figures))
    assert pictures("training.png", "confusion.png")


def test_spoken_sentences(fsdd, tmp_path, capsys, pictures):
    figures = speech_ctc.run(quick=True, out=tmp_path)
    greedy, trimmed = figures[speech_ctc.GREEDY], figures[speech_ctc.TRIMMED]
    assert greedy["error_rate"] < 0.15 and figures[speech_ctc.SEARCHED]["error_rate"] < 0.15
    assert trimmed["repeating"] == 0 and greedy["repeating"] > 0.4
    path = figures["CTC"]["path"]
    assert "φ" in path and f"{path} says {figures['said']}" in capsys.readouterr().out
    assert "φ" not in figures["frame by frame"]["path"]
    assert {claim.what for claim in speech_ctc.claims(figures) if claim.course == 0} == {
        "the same, trimmed"
    }
    assert pictures("training.png", "alignments.png")
