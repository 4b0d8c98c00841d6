"""The native CTC loss and beam search: every path summed up, bits, memory, hostile input."""

from __future__ import annotations

import ctc_alignments
import numpy as np
import pytest
from same_bits import bits, same_at_offsets, same_for_threads

from fastnn import _core
from fastnn.backends import use_backend

FLOATS = ("float32", "float64")
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def native():
    with use_backend("native"):
        yield


def tensors(*arrays):
    return [_core.from_numpy(np.asarray(array)) for array in arrays]


def ctc_loss(logits, targets, input_lengths, target_lengths, blank=0, zero_infinity=False):
    operands = tensors(logits, targets, input_lengths, target_lengths)
    return [np.asarray(t) for t in _core.ctc_loss(*operands, blank, zero_infinity)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("blank", [0, 1, 3])
def test_the_sum_over_every_path(dtype, blank):
    time, most = 6, 4
    logits = (rng.standard_normal((20, time, 4)) * 2).astype(dtype)
    targets = rng.integers(0, 3, (20, most))
    targets += targets >= blank
    lengths = rng.integers(0, time + 1, 20), rng.integers(0, most + 1, 20)
    loss, dx = ctc_loss(logits, targets, *lengths, blank)
    eps = np.finfo(dtype).eps
    for i, (frames, count) in enumerate(zip(*lengths, strict=True)):
        expected = ctc_alignments.loss(logits[i, :frames], targets[i, :count], blank)
        if expected == np.inf:
            assert loss[i] == np.inf
        else:  # products of six weights and a sum of a few dozen of them
            assert abs(loss[i] - expected) <= 20 * eps * (1 + expected)
        assert not dx[i, frames:].any()


@pytest.mark.parametrize("dtype", FLOATS)
def test_certain_answers_cost_nothing(dtype):
    """The one path of probability 1: no more than rounding is left."""
    logits = np.full((1, 300, 5), -200, dtype)
    logits[0, np.arange(300), np.arange(300) % 4 + 1] = 200
    loss, dx = ctc_loss(logits, [np.arange(300) % 4 + 1], [300], [300])
    assert loss.tolist() == [0] and np.abs(dx).max() <= np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", FLOATS)
def test_closed_form_of_many_alignments(dtype):
    """One label over n frames of even odds: it starts and ends anywhere, n (n + 1) / 2 paths."""
    for n in (1, 2, 50, 2000):
        loss, dx = ctc_loss(np.zeros((1, n, 2), dtype), [[1]], [n], [1])
        expected = n * np.log(2) - np.log(n * (n + 1) / 2)
        np.testing.assert_allclose(loss, [expected], rtol=4 * np.finfo(dtype).eps * n**0.5)
        # The label holds frame t in (t + 1) (n - t) of them.
        t = np.arange(n)
        share = (t + 1) * (n - t) / (n * (n + 1) / 2)
        np.testing.assert_allclose(dx[0, :, 1], 0.5 - share, atol=20 * np.finfo(dtype).eps * n**0.5)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [1e4, 1e8, 1e30, "largest"])
def test_logits_of_any_size(dtype, size):
    size = np.finfo(dtype).max if size == "largest" else size
    logits = np.zeros((2, 4, 3), dtype)
    logits[0, :, 2], logits[1, :, 1] = size, size
    loss, dx = ctc_loss(logits, [[1, 1], [1, 0]], [4, 4], [2, 1])
    # Five ways to spell 1 1, each against what is certain in every frame.
    if size != np.finfo(dtype).max:
        np.testing.assert_allclose(loss[0], 4 * size - np.log(5), rtol=1e-6)
        np.testing.assert_allclose(dx[0, :, 2], 1, rtol=1e-6)
    assert loss[1] == 0
    assert not np.isnan(loss).any() and np.abs(dx[1]).max() == 0


def test_neither_threads_nor_addresses_change_bits():
    logits = rng.standard_normal((9, 70, 21)).astype("float32")
    targets = rng.integers(1, 21, (9, 18)).astype("int32")
    lengths = rng.integers(40, 71, 9), rng.integers(0, 19, 9)

    def compute(logits, targets):
        found = _core.ctc_loss(logits, targets, *tensors(*lengths), 0, False)
        return found, _core.ctc_decode(logits, *tensors(lengths[0]), 10, 3, 0)

    operands = tensors(logits, targets)
    same_for_threads(lambda: compute(*operands))
    same_at_offsets(compute, logits, targets)
    # An example's numbers depend on the example alone.
    whole = _core.ctc_loss(*operands, *tensors(*lengths), 0, False)
    rest = _core.ctc_loss(*tensors(logits[4:], targets[4:], *(x[4:] for x in lengths)), 0, False)
    assert bits(*[_core.rows(t, 4, 9) for t in whole]) == bits(*rest)


@pytest.mark.parametrize("dtype", FLOATS)
def test_padding_is_never_read(dtype):
    logits = rng.standard_normal((1, 8, 5)).astype(dtype)
    clean = ctc_loss(logits[:, :5], [[1, 2]], [5], [2])
    logits[:, 5:] = np.nan
    loss, dx = ctc_loss(logits, [[1, 2, -7, 2**40]], [5], [2])
    np.testing.assert_array_equal(loss, clean[0])
    np.testing.assert_array_equal(dx[:, :5], clean[1])
    assert not dx[:, 5:].any()


def test_nothing_is_written_when_values_are_refused():
    for bad in (2**31 - 1, -(2**31), 2**62, -1, 5):
        for targets, counts in (([[1, bad]], [2]), ([[1, 2]], [bad])):
            with pytest.raises(ValueError, match=f"ctc_loss: .* {bad} "):
                ctc_loss(np.zeros((1, 4, 5)), targets, [4], counts)
        with pytest.raises(ValueError, match=f"ctc_loss: output_length is {bad} "):
            ctc_loss(np.zeros((1, 4, 5)), [[1, 2]], [bad], [2])


def test_batches_without_elements():
    """Whatever extents they claim to have."""
    none = np.zeros(0, int)
    loss, dx = ctc_loss(np.zeros((0, 2**40, 3)), np.zeros((0, 2**40), int), none, none)
    assert loss.shape == (0,) and dx.shape == (0, 2**40, 3)


def test_a_call_allocates_its_operands_only():
    """Outputs and scratch memory come from the pool, the second time without the system."""
    operands = tensors(rng.standard_normal((4, 50, 9)), np.ones((4, 3), int), [50] * 4, [3] * 4)
    _core.ctc_loss(*operands, 0, False)
    before = _core.memory_stats()["system_requests"]
    for _ in range(5):
        _core.ctc_loss(*operands, 0, False)
    assert _core.memory_stats()["system_requests"] == before


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_wide_beam_finds_every_labelling(dtype):
    logits = rng.standard_normal((6, 5, 4)).astype(dtype)
    log_probs = np.log(ctc_alignments.probabilities(logits.astype("float64"))).astype(dtype)
    probable = [ctc_alignments.labellings(example) for example in logits]
    most = len(probable[0]) + 2
    paths, scores = map(np.asarray, _core.ctc_decode(*tensors(log_probs, [5] * 6), 1000, most, 0))
    for i, chances in enumerate(probable):
        found = [tuple(label for label in path if label != -1) for path in paths[:, i].tolist()]
        assert set(found[:-2]) == set(chances)
        expected = [chances[labels] for labels in found[:-2]]
        np.testing.assert_allclose(np.exp(scores[i, :-2]), expected, rtol=20 * np.finfo(dtype).eps)
        assert np.all(scores[i, 1:] <= scores[i, :-1]) and scores[i, -2:].tolist() == [-np.inf] * 2
