"""The reference's CTC loss and beam search against the sum over every path, and differences."""

import ctc_alignments
import numpy as np
import pytest

from fastnn.backends import reference

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("blank", [0, 1, 2])
@pytest.mark.parametrize("time", [0, 1, 3, 5])
def test_loss_is_the_sum_over_all_paths(time, blank):
    """Of every labelling of up to four labels, with and without repeats."""
    logits = RNG.normal(size=(time, 3)) * 2
    probable = ctc_alignments.labellings(logits, blank)
    a, b = sorted({0, 1, 2} - {blank})
    for labels in [(), (a,), (b,), (a, a), (a, b), (b, a, b), (a, a, b), (a, a, a, b)]:
        loss, dx = reference.ctc_loss(
            logits[None],
            np.array([labels], int).reshape(1, -1),
            np.array([time]),
            np.array([len(labels)]),
            mask_index=blank,
            zero_infinity=False,
        )
        if labels in probable:
            assert abs(np.exp(-loss[0]) - probable[labels]) < 1e-14
            assert np.abs(dx.sum(-1)).max(initial=0) < 1e-14
        else:
            assert loss[0] == np.inf
            assert np.isnan(dx).all()


def test_gradient_by_differences():
    logits, labels = RNG.normal(size=(2, 6, 4)), np.array([[1, 3, 3], [2, 1, 0]])
    lengths = np.array([6, 4]), np.array([3, 2])
    options = {"mask_index": 0, "zero_infinity": False}
    dx = reference.ctc_loss(logits, labels, *lengths, **options)[1]
    for index in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[index] = 1e-5
        above, below = (
            reference.ctc_loss(logits + s * step, labels, *lengths, **options)[0].sum()
            for s in (1, -1)
        )
        assert abs((above - below) / 2e-5 - dx[index]) < 1e-9


def test_zero_infinity():
    logits = RNG.normal(size=(2, 2, 3))
    loss, dx = reference.ctc_loss(
        logits,
        np.array([[1, 1], [1, 2]]),
        np.array([2, 2]),
        np.array([2, 2]),
        mask_index=0,
        zero_infinity=True,
    )
    assert loss[0] == 0 and not dx[0].any()
    assert loss[1] > 0 and dx[1].all()


@pytest.mark.parametrize("blank", [0, 2])
def test_a_wide_beam_finds_every_labelling_with_its_probability(blank):
    logits = RNG.normal(size=(5, 3))
    probable = ctc_alignments.labellings(logits, blank)
    ranking = sorted(probable, key=lambda labels: -probable[labels])
    paths, scores = reference.ctc_decode(
        np.log(ctc_alignments.probabilities(logits))[None],
        np.array([5]),
        beam_width=1000,
        top_paths=len(ranking) + 1,
        mask_index=blank,
    )
    found = [tuple(int(label) for label in path if label != -1) for path in paths[:, 0]]
    assert found == [*ranking, ()]
    np.testing.assert_allclose(np.exp(scores[0, :-1]), [probable[k] for k in ranking], rtol=1e-12)
    assert scores[0, -1] == -np.inf
