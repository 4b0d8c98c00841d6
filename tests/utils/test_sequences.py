"""pad_sequences: by hand, and Keras's under parity."""

import numpy as np
import pytest

from fastnn.utils import pad_sequences

RAGGED = [[1, 2, 3], [4], [], [5, 6]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[1, 2, 3], [0, 0, 4], [0, 0, 0], [0, 5, 6]]),
        ({"padding": "post", "value": 9}, [[1, 2, 3], [4, 9, 9], [9, 9, 9], [5, 6, 9]]),
        ({"maxlen": 2}, [[2, 3], [0, 4], [0, 0], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[1, 2], [0, 4], [0, 0], [5, 6]]),
        ({"maxlen": 0}, np.zeros((4, 0))),
    ],
)
def test_by_hand(options, expected):
    padded = pad_sequences(RAGGED, **options)
    assert padded.dtype == np.int32
    np.testing.assert_array_equal(padded, expected)


def test_items_with_a_shape_and_no_sequence_at_all():
    frames = [np.ones((2, 3)), np.ones((4, 3)), []]
    padded = pad_sequences(frames, dtype="float32", padding="post")
    assert padded.shape == (3, 4, 3)
    np.testing.assert_array_equal(padded.sum((1, 2)), [6, 12, 0])
    assert pad_sequences([]).shape == (0, 0)


def test_refusals():
    for sequences in (5, [1, 2]):
        with pytest.raises(TypeError, match="pad_sequences"):
            pad_sequences(sequences)
    for options in ({"padding": "left"}, {"truncating": "both"}, {"maxlen": -1}):
        with pytest.raises(ValueError, match="pad_sequences: " + next(iter(options))):
            pad_sequences(RAGGED, **options)
    with pytest.raises(ValueError, match=r"items differ in shape"):
        pad_sequences([np.ones((2, 3)), np.ones((2, 4))])


@pytest.mark.parametrize(
    ("values", "dtype", "error"),
    [
        ([2**40], "int32", OverflowError),
        ([300], "uint8", OverflowError),
        ([-1], "uint8", OverflowError),
        ([2**63], "int64", OverflowError),
        ([2.0**63], "int64", OverflowError),
        ([1.0, float("inf")], "int32", OverflowError),
        ([float("nan")], "int32", ValueError),
        (np.array([1, 300]), "uint8", OverflowError),
    ],
)
def test_numbers_that_the_dtype_lacks(values, dtype, error):
    with pytest.raises(error, match="pad_sequences: sequences hold"):
        pad_sequences([[1], values, []], dtype=dtype)
    assert pad_sequences([[*values, 1]], maxlen=1, dtype=dtype).tolist() == [[1]]  # cut off
    assert pad_sequences([[255.9, -0.9]], dtype="uint8").tolist() == [[255, 0]]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("x", ValueError),
        (None, ValueError),
        (float("nan"), ValueError),
        ([1, 2], ValueError),
        (2**40, OverflowError),
        (1e20, OverflowError),
    ],
)
def test_what_cannot_fill(value, error):
    with pytest.raises(error, match=r"pad_sequences: value .*int32"):
        pad_sequences(RAGGED, value=value)


def test_arguments_of_another_kind():
    with pytest.raises(TypeError, match="pad_sequences: maxlen must be an integer, got '3'"):
        pad_sequences(RAGGED, maxlen="3")
    with pytest.raises(ValueError, match="pad_sequences: dtype must be one of NumPy, got 'foo'"):
        pad_sequences(RAGGED, dtype="foo")
    for wrong in (["a", "b"], [None]):
        with pytest.raises(ValueError, match=r"pad_sequences: sequences\[1\] must be what int32"):
            pad_sequences([[1], wrong])
    with pytest.raises(OverflowError, match=r"pad_sequences: sequences\[1\] must be what int32"):
        pad_sequences([[1], [10**30]])


@pytest.mark.parametrize("row", ["abc", b"abc", {1, 2}, {1: 2}, (i for i in [1]), 5])
def test_what_is_no_sequence(row):
    with pytest.raises(TypeError, match=r"pad_sequences: sequences\[1\] must be a sequence"):
        pad_sequences([[1], row])


def test_lists_of_different_lengths_in_a_sequence():
    with pytest.raises(ValueError, match=r"pad_sequences: sequences\[1\] has items that differ"):
        pad_sequences([[[1]], [[1], [2, 3]]])


@pytest.mark.parity
def test_as_keras():
    from keras.utils import pad_sequences as peer

    rng = np.random.default_rng(0)
    for _ in range(30):
        sequences = [rng.integers(1, 9, rng.integers(0, 6)) for _ in range(4)]
        options = {
            "maxlen": rng.choice([None, 2, 4, 9]),
            "dtype": rng.choice(["int32", "float32"]),
            "padding": rng.choice(["pre", "post"]),
            "truncating": rng.choice(["pre", "post"]),
            "value": rng.choice([0.0, -1.0]),
        }
        ours, theirs = pad_sequences(sequences, **options), peer(sequences, **options)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
