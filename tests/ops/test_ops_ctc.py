"""Connectionist temporal classification as an operation: values, recording, decoding, peers."""

import ctc_alignments
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from same_bits import bits

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(5)

# The course's example: 好棒 and 好棒棒, "great" and its ironic double.
BLANK, HAO, BANG = 0, 1, 2


def hao_bang(*path):
    """Logits by which a network is sure of every frame."""
    logits = np.zeros((1, len(path), 3))
    logits[0, np.arange(len(path)), path] = 20
    return logits


def decoded(logits, **options):
    labels, _ = ops.ctc_decode(logits, [logits.shape[1]], **options)
    return [label for label in labels.numpy()[0, 0].tolist() if label != -1]


def test_hao_bang_and_hao_bang_bang():
    """Only the blank tells them apart: merging repeats alone makes one of both."""
    once = hao_bang(HAO, HAO, BLANK, BLANK, BANG, BANG, BANG)
    twice = hao_bang(HAO, HAO, BANG, BLANK, BANG, BLANK, BLANK)
    for strategy in ("greedy", "beam_search"):
        assert decoded(once, strategy=strategy) == [HAO, BANG]
        assert decoded(twice, strategy=strategy) == [HAO, BANG, BANG]
    # Without blanks both are spelt alike, over any number of frames ...
    for frames in ((HAO, BANG, BANG), (HAO, HAO, BANG), (HAO, BANG, BANG, BANG, BANG)):
        assert decoded(hao_bang(*frames)) == [HAO, BANG]
    # ... without merging, one word comes out as long as it is spoken.
    slow = hao_bang(HAO, HAO, BANG, BANG, BANG)
    assert decoded(slow, merge_repeated=False) == [HAO, HAO, BANG, BANG, BANG]
    # The loss knows: each sequence of frames is cheap for its own word and dear for the other.
    for logits, own, other in (
        (once, [HAO, BANG], [HAO, BANG, BANG]),
        (twice, [HAO, BANG, BANG], [HAO, BANG]),
    ):
        cost = [
            ops.ctc_loss([labels], logits, [len(labels)], [7]).item() for labels in (own, other)
        ]
        assert cost[0] < 1e-6 and cost[1] > 15
    # And three frames cannot hold three labels of which two are equal: a blank has no room.
    assert ops.ctc_loss([[HAO, BANG, BANG]], once[:, :3], [3], [3]).item() == np.inf
    assert ops.ctc_loss([[HAO, BANG, BANG]], once[:, :4], [3], [4]).item() < np.inf


def test_values_and_what_is_taken():
    logits = rng.normal(size=(2, 5, 4))
    targets, counts, frames = [[1, 3, 0], [2, 2, 1]], [2, 3], [4, 5]
    expected = [
        ctc_alignments.loss(x[:n], labels[:count])
        for x, labels, count, n in zip(logits, targets, counts, frames, strict=True)
    ]
    for convert in (list, np.array, lambda x: np.array(x, "float32"), fn.tensor):
        loss = ops.ctc_loss(convert(targets), logits, convert(counts), convert(frames))
        assert loss.dtype == "float64"
        np.testing.assert_allclose(loss, expected, rtol=1e-12)
    small = ops.ctc_loss(np.array(targets, "uint8"), logits.astype("float32"), counts, frames)
    assert small.dtype == "float32"
    np.testing.assert_allclose(small, expected, rtol=1e-6)
    moved = np.roll(logits, -1, axis=-1)  # the blank comes last, all others one before
    shifted = [[0, 2, 0], [1, 1, 0]]
    np.testing.assert_allclose(
        ops.ctc_loss(shifted, moved, counts, frames, mask_index=3), expected, rtol=1e-12
    )


def test_gradients_are_weighted_by_what_comes_back():
    x = fn.tensor(rng.normal(size=(2, 4, 3)), requires_grad=True)
    loss = ops.ctc_loss([[1, 2], [2, 0]], x, [2, 1], [4, 3])
    (loss * np.array([2.0, -0.5])).sum().backward()
    single = fn._core.ctc_loss(
        x.detach(), *(fn.tensor(a) for a in ([[1, 2], [2, 0]], [4, 3], [2, 1])), 0, False
    )[1].numpy()
    np.testing.assert_allclose(x.grad, single * [[[2.0]], [[-0.5]]], rtol=1e-14)
    assert not x.grad.numpy()[1, 3].any()


def test_infinite_losses():
    x = rng.normal(size=(2, 3, 3))
    for zero in (False, True):
        logits = fn.tensor(x, requires_grad=True)
        loss = ops.ctc_loss([[1, 1], [1, 2]], logits, [2, 2], [2, 2], zero_infinity=zero)
        loss.sum().backward()
        assert loss.tolist()[0] == (0 if zero else np.inf)
        gradient = logits.grad.numpy()
        assert not gradient[:, 2].any() and np.isfinite(gradient[1]).all()
        assert not gradient[0].any() if zero else np.isnan(gradient[0, :2]).all()


@pytest.mark.parametrize("beam", [False, True])
def test_recorded(beam):
    """Replays have the bits of eager calls: the loss with its gradient, and the beam search."""

    def compute(x, labels, counts, frames):
        if beam:
            return ops.ctc_decode(x, frames, "beam_search", 5, 2)
        return fn.value_and_grad(lambda x: ops.ctc_loss(labels, x, counts, frames).sum())(x)

    step = fn.capture(compute)
    for _ in range(6):
        x = rng.normal(size=(3, 7, 4)).astype("float32")
        rest = rng.integers(1, 4, (3, 2)), rng.integers(0, 3, 3), rng.integers(5, 8, 3)
        operands = [fn.tensor(array) for array in (x, *rest)]
        with fn.use_backend("native"):
            assert bits(step(*operands)) == bits(compute(*operands))
    assert "replays" in step.explain()


def test_greedy():
    logits = np.zeros((2, 6, 4))
    for i, path in enumerate([(3, 3, 0, 3, 1, 1), (0, 2, 2, 1, 0, 0)]):
        logits[i, np.arange(6), path] = np.arange(1, 7)
    labels, scores = ops.ctc_decode(logits, [6, 3])
    assert labels.dtype == "int32"
    assert labels.tolist() == [[[3, 3, 1, -1, -1, -1], [2, -1, -1, -1, -1, -1]]]
    assert scores.tolist() == [[-21.0], [-6.0]]
    labels, _ = ops.ctc_decode(logits, [6, 3], merge_repeated=False, mask_index=None)
    assert labels.tolist() == [[[0, 1, 1, -1, -1, -1], [0, 2, 2, -1, -1, -1]]]
    labels, scores = ops.ctc_decode(logits[:, :0], [0, 0])
    assert labels.shape == (1, 2, 0) and scores.tolist() == [[0.0], [0.0]]
    logits[0, 2, 1] = np.nan
    assert np.isnan(ops.ctc_decode(logits, [6, 3])[1].numpy()).tolist() == [[True], [False]]


@hypothesis.settings(max_examples=25, deadline=None, derandomize=True, database=None)
@hypothesis.given(
    seed=strategies.integers(0, 1000),
    time=strategies.integers(1, 6),
    classes=strategies.integers(2, 4),
    blank=strategies.integers(0, 3),
)
def test_a_wide_beam_finds_the_most_probable_labelling(seed, time, classes, blank):
    logits = np.random.default_rng(seed).normal(size=(time, classes))
    probable = ctc_alignments.labellings(logits, blank % classes)
    best = max(probable, key=lambda labels: probable[labels])
    options = {"strategy": "beam_search", "beam_width": 5000, "mask_index": blank % classes}
    labels, scores = ops.ctc_decode(logits[None], [time], **options)
    assert [label for label in labels.numpy()[0, 0].tolist() if label != -1] == list(best)
    np.testing.assert_allclose(np.exp(scores.numpy()), [[probable[best]]], rtol=1e-12)


def test_the_sum_beats_the_best_path():
    """The best path says nothing, yet all that say "1" together are more probable."""
    logits = np.log([[[0.6, 0.4], [0.6, 0.4]]])
    assert decoded(logits) == []
    assert decoded(logits, strategy="beam_search") == [1]


X = np.zeros((2, 5, 4))


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: ops.ctc_loss([1, 2], X, [1, 1], [5, 5]),
            r"ctc_loss: target has shape \(2,\), exp",
        ),
        (lambda: ops.ctc_loss([[1], [2]], X[0], [1, 1], [5, 5]), "output has shape .5, 4., expec"),
        (lambda: ops.ctc_loss([[1], [2]], X, 1, [5, 5]), r"target_length has shape \(\), expected"),
        (lambda: ops.ctc_loss([[1], [np.nan]], X, [1, 1], [5, 5]), "label -1 at .1, 0. of target"),
        (
            lambda: ops.ctc_loss([[1], [4]], X, [1, 1], [5, 5]),
            "label 4 at .1, 0. of target is out",
        ),
        (lambda: ops.ctc_loss([[1], [2]], X, [1, 1], [5, 6]), "output_length is 6 for example 1, "),
        (
            lambda: ops.ctc_loss([[1], [1.5]], X, [1, 1], [5, 5]),
            "target must hold .* got 1.5",
        ),
        (lambda: ops.ctc_loss([[1], [1]], X, [1, 0.5], [5, 5]), "target_length must hold .* 0.5"),
        (lambda: ops.ctc_decode(X, [5, 4.5]), "sequence_lengths must hold whole numbers, got 4.5"),
        (lambda: ops.ctc_decode(X, [5, 6], "beam_search"), "ctc_decode: sequence_lengths is 6 for"),
        (lambda: ops.ctc_decode(X, [5, 5], "beam_search", 0), "ctc_decode: beam_width is 0, exp"),
        (lambda: ops.ctc_loss([[1], [2]], X, [1, 1], [5, 5], 4), "ctc_loss: mask_index is 4, exp"),
        (lambda: ops.ctc_decode(X, [5, 5], "best"), "strategy is 'best', expected 'greedy' or 'be"),
        (lambda: ops.ctc_decode(X[0], [5, 5]), "ctc_decode: inputs has shape .5, 4., expected"),
        (lambda: ops.ctc_decode(X, [5]), r"sequence_lengths has shape \(1,\), expected \(2,\)"),
        (lambda: ops.ctc_decode(X, [5, 6]), "sequence_lengths must lie in 0 to 5, got"),
        (lambda: ops.ctc_decode(X, [5, 5], mask_index=4), "mask_index is 4, expected one of 4"),
        (lambda: ops.ctc_decode(X, [5, 5], "beam_search", 3, 4), "top_paths is 4, expected 1 to"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def case(dtype="float32", batch=5, time=30, classes=7, most=6):
    logits = (rng.normal(size=(batch, time, classes)) * 2).astype(dtype)
    targets = rng.integers(1, classes, (batch, most)).astype("int32")
    counts = rng.integers(0, most + 1, batch).astype("int32")
    return targets, logits, counts, rng.integers(15, time + 1, batch).astype("int32")


@pytest.mark.parity
@pytest.mark.parametrize("dtype, rtol", [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_against_pytorch(dtype, rtol, zero_infinity):
    """Values and gradients, of targets that do not fit, empty ones and examples without frames."""
    torch = pytest.importorskip("torch")
    targets, logits, counts, frames = case(dtype, batch=8)
    counts[:4], frames[:4] = [6, 0, 0, 2], [5, 20, 0, 0]
    x = fn.tensor(logits, requires_grad=True)
    loss = ops.ctc_loss(targets, x, counts, frames, zero_infinity=zero_infinity)
    loss.backward(np.arange(1, 9).astype(dtype))
    theirs = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.ctc_loss(
        theirs.log_softmax(-1).transpose(0, 1),
        *map(torch.tensor, (targets, frames, counts)),
        reduction="none",
        zero_infinity=zero_infinity,
    )
    expected.backward(torch.arange(1, 9, dtype=expected.dtype))
    np.testing.assert_allclose(loss, expected.detach(), rtol=rtol)
    np.testing.assert_allclose(x.grad, theirs.grad, rtol=rtol, atol=10 * rtol)


@pytest.mark.parity
@pytest.mark.parametrize("blank", [0, 3])
def test_loss_against_keras(blank):
    keras = pytest.importorskip("keras")
    targets, logits, counts, frames = case()
    targets -= targets <= blank
    ours = ops.ctc_loss(targets, logits, counts, frames, mask_index=blank)
    theirs = keras.ops.ctc_loss(targets, logits, counts, frames, mask_index=blank)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("blank", [0, 3, 6])
def test_decoding_against_keras(blank):
    keras = pytest.importorskip("keras")
    _, logits, _, frames = case(time=20)
    for options in (
        {"merge_repeated": True},
        {"merge_repeated": False},
        {"strategy": "beam_search", "beam_width": 30, "top_paths": 3},
    ):
        frames = np.minimum(frames, 20)
        ours = ops.ctc_decode(logits, frames, mask_index=blank, **options)
        theirs = keras.ops.ctc_decode(logits, frames, mask_index=blank, **options)
        np.testing.assert_array_equal(ours[0], np.asarray(theirs[0]))
        np.testing.assert_allclose(ours[1], np.asarray(theirs[1]), rtol=1e-5)
