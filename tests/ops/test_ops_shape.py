"""Shapes, repetition, joining, creation and indexing against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(4)
X = rng.normal(size=(2, 3, 4))

CASES = {
    "reshape": (lambda m, x: m.reshape(x, (4, -1))),
    "ravel": (lambda m, x: m.ravel(x)),
    "expand_dims": (lambda m, x: m.expand_dims(x, (0, -1))),
    "squeeze": (lambda m, x: m.squeeze(m.expand_dims(x, (1, 3)))),
    "squeeze one": (lambda m, x: m.squeeze(m.expand_dims(x, (1, 3)), 3)),
    "transpose": (lambda m, x: m.transpose(x)),
    "transpose axes": (lambda m, x: m.transpose(x, (1, -1, 0))),
    "moveaxis": (lambda m, x: m.moveaxis(x, 0, -1)),
    "moveaxis several": (lambda m, x: m.moveaxis(x, (0, 1), (-1, 0))),
    "swapaxes": (lambda m, x: m.swapaxes(x, 0, -1)),
    "flip": (lambda m, x: m.flip(x)),
    "flip axis": (lambda m, x: m.flip(x, (0, 2))),
    "roll": (lambda m, x: m.roll(x, 5)),
    "roll axes": (lambda m, x: m.roll(x, (1, -7), (0, 2))),
    "broadcast_to": (lambda m, x: m.broadcast_to(x, (5, 2, 3, 4))),
    "tile": (lambda m, x: m.tile(x, (2, 1, 3))),
    "tile more axes": (lambda m, x: m.tile(x, (2, 1, 1, 2))),
    "tile number": (lambda m, x: m.tile(x, 2)),
    "repeat": (lambda m, x: m.repeat(x, 2)),
    "repeat axis": (lambda m, x: m.repeat(x, 3, 1)),
    "repeat each": (lambda m, x: m.repeat(x, [1, 0, 2], 1)),
    "pad": (lambda m, x: m.pad(x, ((1, 0), (2, 1), (0, 3)))),
    "pad value": (lambda m, x: m.pad(x, 1, constant_values=7.5)),
    "pad edge": (lambda m, x: m.pad(x, 2, "edge")),
    "pad reflect": (lambda m, x: m.pad(x, ((0, 1), (2, 1), (3, 0)), "reflect")),
    "pad symmetric": (lambda m, x: m.pad(x, ((2, 1), (0, 3), (1, 1)), "symmetric")),
    "concatenate": (lambda m, x: m.concatenate([x, x[:, :1], x], 1)),
    "concatenate last": (lambda m, x: m.concatenate([x, x[..., :1]], -1)),
    "stack": (lambda m, x: m.stack([x, x[:, ::-1]], 1)),
    "split": (lambda m, x: m.stack(m.split(x, 2, 2))),
    "split at": (lambda m, x: m.concatenate(m.split(x, [1, 3], 2)[::-1], 2)),
    "split rows": (lambda m, x: m.split(x, [1])[1]),
    "tril": (lambda m, x: m.tril(x, 1)),
    "triu": (lambda m, x: m.triu(x, -1)),
    "take": (lambda m, x: m.take(x, [[0, -1], [2, 2]], 1)),
    "take flat": (lambda m, x: m.take(x, [5, 0])),
    "take_along_axis": (lambda m, x: m.take_along_axis(x, m.argmax(x, 1)[:, None], 1)),
    "full_like": (lambda m, x: m.full_like(x, 3.5)),
    "zeros_like": (lambda m, x: m.zeros_like(x)),
    "ones_like": (lambda m, x: m.ones_like(x)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_against_numpy(name, dtype):
    x = (X * 5).astype(dtype)
    if dtype in ("uint8", "bool") and name == "pad value":
        pytest.skip("7.5 is no such value")
    result, expected = CASES[name](ops, fn.tensor(x)), CASES[name](np, x)
    assert result.shape == expected.shape
    if dtype not in ("uint8", "bool"):
        assert result.dtype == expected.dtype.name or "like" in name
    np.testing.assert_array_equal(result, expected.astype(x.dtype))


def test_meshgrid_and_unstack():
    for indexing in ("xy", "ij"):
        ours = ops.meshgrid(np.arange(3), np.arange(2), indexing=indexing)
        for a, b in zip(ours, np.meshgrid(np.arange(3), np.arange(2), indexing=indexing)):
            np.testing.assert_array_equal(a, b)
    parts = ops.unstack(X, axis=1)
    assert len(parts) == 3 and all(p.shape == (2, 4) for p in parts)
    np.testing.assert_array_equal(parts[2], X[:, 2])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.reshape(X, (5, 5)), ValueError, r"reshape: .*\(2, 3, 4\).*\(5, 5\)"),
        (lambda: ops.reshape(X, ("a",)), TypeError, "reshape: shape must be integers"),
        (lambda: ops.squeeze(X, 1), ValueError, "squeeze: axis 1 of shape .* is not of extent 1"),
        (lambda: ops.transpose(X, (0, 1)), ValueError, "transpose: axes"),
        (lambda: ops.transpose(X, (0, 1, 1)), ValueError, "transpose: an axis is given twice"),
        (lambda: ops.broadcast_to(X, (3, 4)), ValueError, "does not broadcast to"),
        (lambda: ops.broadcast_to(X, (-1,)), ValueError, r"is \(-1,\), expected no negative"),
        (lambda: ops.pad(X, ((1, 1),) * 2), ValueError, "pad: pad_width"),
        (lambda: ops.pad(X, 1, "wrap"), ValueError, "pad: mode is 'wrap'"),
        (lambda: ops.concatenate([X, X[0]]), ValueError, r"xs\[1\] has shape \(3, 4\)"),
        (lambda: ops.concatenate([X, X[:, :2]]), ValueError, "they may differ along axis 0 only"),
        (lambda: ops.concatenate([]), ValueError, "no tensors"),
        (lambda: ops.concatenate(fn.tensor(X)), TypeError, "a list of tensors"),
        (lambda: ops.stack([X, X[0]]), ValueError, r"stack: x\[1\] has shape"),
        (lambda: ops.split(X, 5, 2), ValueError, "no 5 equal parts"),
        (lambda: ops.repeat(X, [1, 2], 1), ValueError, "repeat: 2 repeats"),
        (lambda: ops.roll(X, (1, 2), 0), ValueError, "roll: 2 shifts for 1 axes"),
        (lambda: ops.take(X, [3], 1), IndexError, "3"),
        (lambda: ops.take(X, [1.5], 1), TypeError, "take: indices must be integers"),
        (lambda: ops.take_along_axis(X, [[0]], 1), ValueError, "take_along_axis: indices have"),
        (lambda: ops.arange(0, 5, 0), ValueError, "step is 0"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- creation ------------------------------------------------------------------------------------


def test_creation():
    assert ops.zeros((2, 3)).dtype == "float32" and ops.ones(3, "int64").tolist() == [1, 1, 1]
    assert ops.full((2,), 7).dtype == "int32" and ops.full((2,), 2.5).tolist() == [2.5, 2.5]
    assert ops.empty((2, 0)).shape == (2, 0)
    for args in [(5,), (2, 7), (7, 2, -2), (0, 1, 0.25), (3, 3)]:
        np.testing.assert_allclose(ops.arange(*args), np.arange(*args))
    assert ops.arange(3).dtype == "int32" and ops.arange(3.0).dtype == "float32"
    np.testing.assert_allclose(ops.linspace(0, 1, 7, dtype="float64"), np.linspace(0, 1, 7))
    for args in [(3,), (3, 4, 1), (4, 2, -2)]:
        np.testing.assert_array_equal(ops.eye(*args), np.eye(*args))
    np.testing.assert_array_equal(ops.identity(3, "int32"), np.identity(3))


def test_one_hot():
    labels = np.array([[0, 2], [1, -1], [5, 0]])
    expected = (labels[..., None] == np.arange(3)).astype("float32")
    np.testing.assert_array_equal(ops.one_hot(labels, 3), expected)
    np.testing.assert_array_equal(ops.one_hot(labels, 3, axis=0), np.moveaxis(expected, -1, 0))
    assert ops.one_hot([1.0], 2, dtype="int32").tolist() == [[0, 1]]
    assert ops.multi_hot([0, 2], 4).tolist() == [1, 0, 1, 0]


# ---- indexing ------------------------------------------------------------------------------------

KEYS = [
    np.s_[0], np.s_[-1], np.s_[1:], np.s_[:, 1], np.s_[..., -1], np.s_[::-1], np.s_[:, ::-2],
    np.s_[1, 2, 3], np.s_[None], np.s_[:, None, 1], np.s_[..., None], np.s_[1:1], np.s_[5:],
    np.s_[-100:100], np.s_[:, 2:0:-1, 1:4:2], np.s_[()], np.s_[...], np.s_[[1, 0, 0]],
    np.s_[:, [2, -1]], np.s_[[0, 1], [1, 2]], np.s_[[0, 1], :, [1, 2]], np.s_[0, :, [1, 2]],
    np.s_[:, [[0], [2]], [1, 3]], np.s_[[0], None, [1]], np.s_[1:, [0, 1]], np.s_[np.int64(1)],
    np.s_[np.array(1)], np.s_[:, np.array([], dtype=int)], np.s_[X > 0], np.s_[:, X[0] > 0],
    np.s_[np.array([True, False])], np.s_[:, np.array([True, False, True]), 1:],
    np.s_[..., np.array([True, False, True, True])], np.s_[[True, False]], np.s_[np.uint8(1)],
    np.s_[[1, 0], ..., 0],
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=[str(i) for i in range(len(KEYS))])
def test_indexing(key):
    expected = X[key]
    result = fn.tensor(X)[key]
    assert isinstance(result, fn.Tensor) and result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)
    if isinstance(key, tuple):  # arrays given as tensors
        key = tuple(fn.tensor(k) if isinstance(k, (list, np.ndarray)) else k for k in key)
    elif isinstance(key, (list, np.ndarray)):
        key = fn.tensor(key)
    np.testing.assert_array_equal(fn.tensor(X)[key], expected)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_indexing_drawn(data):
    array = data.draw(hnp.arrays(np.int32, hnp.array_shapes(min_dims=0, max_dims=4, max_side=4)))
    key = data.draw(hnp.basic_indices(array.shape, allow_newaxis=True))
    np.testing.assert_array_equal(fn.tensor(array)[key], array[key])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_integer_arrays_drawn(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    array = np.arange(np.prod(shape)).reshape(shape)
    key = data.draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2)))
    np.testing.assert_array_equal(fn.tensor(array)[key], array[key])


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (2, IndexError, "index 2 is outside axis 0 of extent 2"),
        ((0, -4), IndexError, "index -4 is outside axis 1 of extent 3"),
        ((0, 0, 0, 0), IndexError, "too many indices for a tensor of 3 axes"),
        ((..., 0, ...), IndexError, "one ellipsis"),
        ([0, 2], IndexError, "index 2 is outside axis 0"),
        (np.ones(3, bool), IndexError, r"mask has shape \(3,\)"),
        ((..., np.ones(2, bool)), IndexError, r"mask has shape \(2,\), the axes it reads \(4,\)"),
        (fn.tensor([-3]), IndexError, "index -3 at position 0 is out of range for axis 0"),
        ((fn.tensor([0]), fn.tensor([-4])), IndexError, "index -4 at position 1 is out of range"),
        ([0.5], TypeError, "integers or booleans"),
        ("a", TypeError, "is not an index"),
        (1.0, TypeError, "is not an index"),
        (True, TypeError, "a single bool"),
        (([0, 1], [0, 1, 2]), IndexError, "do not broadcast"),
        (slice(0.5, None), TypeError, "integers|slice"),
        (slice(None, None, 0), ValueError, "zero"),
    ],
)
def test_indexing_errors(key, error, message):
    with pytest.raises(error, match=message):
        fn.tensor(X)[key]


def test_positions_before_the_first_are_refused_along_an_axis():
    for indices in ([-4, 0], [-6, 0], [3, 0]):
        with pytest.raises(IndexError, match=f"index {indices[0]} at position 0 is out of range"):
            ops.take_along_axis([1.0, 2.0, 3.0], indices, axis=0)


def test_an_ellipsis_of_no_axis_parts_index_arrays():
    x, rows, columns = np.arange(24).reshape(2, 3, 4), np.array([0, 2]), np.array([[1], [3], [0]])
    for key in ((slice(None), rows, ..., columns), (..., rows, columns), (None, 1, ..., rows, 2)):
        np.testing.assert_array_equal(fn.tensor(x)[key], x[key])


def test_repeats_are_checked():
    assert ops.repeat(np.zeros((0, 2)), [], axis=0).shape == (0, 2)
    with pytest.raises(TypeError, match="repeat: repeats must be integers, got float64"):
        ops.repeat([1.0, 2.0], 1.5)
    for repeats in (-1, [1, -1]):
        with pytest.raises(ValueError, match="repeat: repeats must not be negative, got -1"):
            ops.repeat([1.0, 2.0], repeats)


def test_tensors_are_immutable():
    with pytest.raises(TypeError, match="item assignment"):
        fn.tensor(X)[0] = 1.0
