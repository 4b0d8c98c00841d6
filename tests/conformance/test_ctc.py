"""Connectionist temporal classification: the loss with its gradient, and the beam search.

Bounds of the loss: its logarithms are of products of `time` weights, each rounded a few times, over
sums of `classes` exponentials; and each weight is e to a power that is rounded in proportion to its
size, as logits are. The gradient has the same relative errors, of probabilities up to 1; and there
the specification, which works on logarithms as large as the loss, has errors of its own.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn.backends.reference import softmax

from .harness import FLOATS, check, drawn, generator, roundings, rows_without_jit


def draw(dtype, batch, time, classes, most, blank=0, labels="int32", spread=2, whole=False):
    """Operands of ctc_loss; lengths are drawn as well unless all of everything counts."""
    random = generator(batch, time, classes, most, blank)
    logits = (random.normal(size=(batch, time, classes)) * spread).astype(dtype)
    targets = random.integers(0, max(classes - 1, 1), (batch, most))
    targets += targets >= blank
    input_lengths = random.integers(0, time + 1, batch)
    target_lengths = random.integers(0, most + 1, batch) if classes > 1 else np.zeros(batch, int)
    if whole:
        input_lengths[:], target_lengths[:] = time, most
    return [
        logits,
        targets.astype(labels),
        input_lengths.astype(labels),
        target_lengths.astype(labels),
    ]


def bound_of(logits):
    time, classes = logits.shape[1:]
    wide = logits.astype(np.float64)
    spread = np.ptp(wide[np.isfinite(wide)]) if wide.size else 0
    factor = 4 + roundings(classes) / 2 + spread

    def bound(i, expected, eps):
        if i == 0:
            return factor * eps * (np.sqrt(time) + np.abs(expected))
        own = 4 * np.finfo(np.float64).eps * time * (spread + np.log(classes))
        return factor * eps * np.sqrt(time + 1) + own

    return bound


CASES = [
    (3, 5, 4, 2),
    (1, 1, 2, 1),
    (2, 4, 1, 0),
    (2, 4, 1, 3),  # a blank only: no label fits
    (4, 0, 3, 2),
    (3, 6, 5, 0),
    (0, 5, 3, 2),
    (5, 30, 17, 7),
    (2, 40, 33, 15),
    (2, 40, 3, 16),
    (2, 60, 70, 17),
    (3, 90, 9, 31),
    (2, 200, 64, 30),
]


@pytest.mark.parametrize(
    ("backend", "dtype", "labels", "shape"),
    rows_without_jit((d, i, s) for d in FLOATS for i in ("int32", "int64") for s in CASES),
)
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_ctc_loss(backend, dtype, labels, shape, zero_infinity):
    for blank in {0, shape[2] - 1}:
        for whole in (False, True):
            if whole and shape[2] == 1 and shape[3]:
                continue
            operands = draw(dtype, *shape, blank, labels, whole=whole)
            bound = bound_of(operands[0])
            check(backend, "ctc_loss", operands, blank, zero_infinity, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "spread", "time"),
    rows_without_jit((d, s, t) for d in FLOATS for s in (30, 300, 3000) for t in (60, 400)),
)
def test_ctc_loss_of_extreme_logits(backend, dtype, spread, time):
    """Targets whose probability is far below every number."""
    operands = draw(dtype, 3, time, 12, 20, spread=spread, whole=True)
    loss, dx = check(backend, "ctc_loss", operands, 0, False, bound=bound_of(operands[0]))
    assert (loss > 20 * spread).all()
    assert np.abs(dx).max() <= 1 + 4 * np.finfo(dtype).eps


@pytest.mark.parametrize(("backend", "dtype"), rows_without_jit((d,) for d in FLOATS))
def test_ctc_loss_of_a_long_sequence_of_an_unlikely_target(backend, dtype):
    time = 3000 if backend == "native" else 300
    operands = draw(dtype, 1, time, 6, time // 4, spread=1, whole=True)
    operands[0][..., 5] += 60  # a class that is never asked for
    operands[1] = 1 + operands[1] % 4
    loss, _ = check(backend, "ctc_loss", operands, 0, False, bound=bound_of(operands[0]))
    assert loss[0] > 50 * time


@pytest.mark.parametrize(("backend", "dtype"), rows_without_jit((d,) for d in FLOATS))
def test_ctc_loss_of_impossible_classes(backend, dtype):
    """Logits of minus infinity have probability 0, and no gradient beyond it."""
    operands = draw(dtype, 4, 9, 5, 3, whole=True)
    logits, targets = operands[:2]
    targets[:] = [1, 2, 2]
    logits[0, :, 3] = -np.inf  # no label of the target
    logits[1, 4, 1] = -np.inf  # one of them, in one frame
    logits[2, :, 2] = -np.inf  # so that there is no path
    logits[3, :, 0] = -np.inf  # nor one without blanks between equal labels
    loss, dx = check(backend, "ctc_loss", operands, 0, False, bound=bound_of(logits))
    assert np.isfinite(loss).tolist() == [True, True, False, False]
    assert np.isfinite(dx[:2]).all()
    assert np.isnan(dx[2:]).all()


@pytest.mark.parametrize(("backend", "dtype"), rows_without_jit((d,) for d in FLOATS))
def test_ctc_loss_of_nan(backend, dtype):
    operands = draw(dtype, 4, 6, 5, 2, whole=True)
    logits, lengths = operands[0], operands[2]
    logits[1, 3, 4], logits[2, 0, 0], logits[3, 5, 1] = np.nan, np.inf, np.nan
    lengths[3] = 5  # its NaN does not count
    loss, dx = check(backend, "ctc_loss", operands, 0, True, bound=bound_of(logits))
    assert np.isnan(loss).tolist() == [False, True, True, False]
    assert np.isnan(dx).all((1, 2)).tolist() == [False, True, True, False]
    assert (dx[3, 5] == 0).all()


@drawn
@hypothesis.given(
    batch=strategies.integers(0, 4),
    time=strategies.integers(0, 40),
    classes=strategies.integers(1, 40),
    most=strategies.integers(0, 20),
    blank=strategies.integers(0, 39),
    dtype=strategies.sampled_from(FLOATS),
    zero_infinity=strategies.booleans(),
)
@pytest.mark.parametrize("backend", rows_without_jit([()]))
def test_ctc_loss_of_drawn_shapes(backend, batch, time, classes, most, blank, dtype, zero_infinity):
    blank %= classes
    operands = draw(dtype, batch, time, classes, most, blank)
    check(backend, "ctc_loss", operands, blank, zero_infinity, bound=bound_of(operands[0]))


def log_probs_of(dtype, *shape, spread=2):
    logits = generator("beam", *shape).normal(size=shape) * spread
    return softmax(logits, axis=-1, log=True).astype(dtype)


def beam_bound(i, expected, eps):
    return 2 * eps * (1 + np.abs(expected))


@pytest.mark.parametrize(
    ("backend", "dtype", "shape", "width", "top_paths", "blank"),
    rows_without_jit(
        (d, *case)
        for d in FLOATS
        for case in [
            ((3, 6, 4), 100, 5, 0),
            ((2, 12, 5), 7, 7, 4),
            ((2, 12, 5), 1, 1, 2),
            ((2, 25, 9), 20, 3, 0),
            ((2, 4, 1), 3, 2, 0),  # a blank only
            ((2, 0, 3), 3, 2, 0),
            ((0, 5, 3), 3, 2, 0),
        ]
    ),
)
def test_ctc_beam(backend, dtype, shape, width, top_paths, blank):
    log_probs = log_probs_of(dtype, *shape)
    lengths = generator(shape).integers(0, shape[1] + 1, shape[0])
    for counts in (np.full(shape[0], shape[1], np.int32), lengths):
        operands = [log_probs, counts]
        check(backend, "ctc_decode", operands, width, top_paths, blank, bound=beam_bound)


@pytest.mark.parametrize(("backend", "dtype"), rows_without_jit((d,) for d in FLOATS))
def test_ctc_beam_of_equal_and_impossible_paths(backend, dtype):
    """What is equally probable has one order; what is impossible is not found."""
    equal = np.full((1, 5, 4), -np.log(4), dtype)
    certain = np.full((1, 5, 4), -np.inf, dtype)
    certain[0, :, 2] = 0
    bad = equal.copy()
    bad[0, 3, 1] = np.nan
    log_probs = np.concatenate([equal, certain, bad])
    operands = [log_probs, np.array([5, 5, 5])]
    paths, scores = check(backend, "ctc_decode", operands, 6, 4, 0, bound=beam_bound)
    assert paths[:, 1].tolist() == [[2] + [-1] * 4] + [[-1] * 5] * 3
    assert scores[1].tolist() == [0] + [-np.inf] * 3
    assert np.isnan(scores[2]).all()
    assert (paths[:, 2] == -1).all()


@pytest.mark.parametrize("backend", rows_without_jit([()]))
def test_ctc_beam_finds_what_left_the_beam_and_came_back(backend):
    """A prefix is there once, also if it was dropped while a longer one was kept: so in about one
    of forty of these examples."""
    log_probs, lengths = log_probs_of("float64", 300, 14, 3), np.full(300, 14)
    paths, _ = check(backend, "ctc_decode", [log_probs, lengths], 5, 5, 0, bound=beam_bound)
    for example in np.moveaxis(paths, 0, 1):
        assert len({tuple(path) for path in example}) == 5
