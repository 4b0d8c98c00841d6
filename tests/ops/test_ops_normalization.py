"""layer_normalization, rms_normalization, group_normalization: formulas, bits, messages, Keras."""

import numpy as np
import pytest
from same_bits import same_at_offsets, same_for_threads

import fastnn as fn
from fastnn import _core, ops

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4, 5, 6)) * 2 + 1
AXES = [-1, 1, (1, 2), (3, 2), (0, 3)]


def of_axes(axis):
    axes = sorted(a % 4 for a in (axis if isinstance(axis, tuple) else (axis,)))
    shape = [X.shape[a] for a in axes]
    return tuple(axes), shape, [X.shape[i] if i in axes else 1 for i in range(4)]


@pytest.mark.parametrize("axis", AXES)
def test_layer_normalization(axis):
    axes, shape, broadcast = of_axes(axis)
    gamma, beta = rng.normal(size=(2, *shape))
    centred = X - X.mean(axes, keepdims=True)
    plain = centred / np.sqrt(X.var(axes, keepdims=True) + 0.01)
    expected = plain * gamma.reshape(broadcast) + beta.reshape(broadcast)
    result = ops.layer_normalization(X, gamma, beta, axis, 0.01)
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-13)
    result = ops.layer_normalization(X, axis=axis, epsilon=0.01)
    np.testing.assert_allclose(result, plain, rtol=1e-11, atol=1e-13)
    result = ops.layer_normalization(X, gamma, axis=axis, epsilon=0.01, rms_scaling=True)
    scaled = X / np.sqrt(X.var(axes, keepdims=True) + 0.01) * gamma.reshape(broadcast)
    np.testing.assert_allclose(result, scaled, rtol=1e-11)


@pytest.mark.parametrize("axis", AXES)
def test_rms_normalization(axis):
    axes, shape, broadcast = of_axes(axis)
    scale = rng.normal(size=shape)
    plain = X / np.sqrt((X * X).mean(axes, keepdims=True) + 0.01)
    np.testing.assert_allclose(
        ops.rms_normalization(X, scale, axis, 0.01), plain * scale.reshape(broadcast), rtol=1e-11
    )
    np.testing.assert_allclose(ops.rms_normalization(X, axis=axis, epsilon=0.01), plain, rtol=1e-11)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_normalization(groups):
    gamma, beta = rng.normal(size=(2, 6))
    parts = X.reshape(3, 4, 5, groups, -1)
    axes = (1, 2, 4)
    plain = (parts - parts.mean(axes, keepdims=True)) / np.sqrt(
        parts.var(axes, keepdims=True) + 0.01
    )
    expected = plain.reshape(X.shape) * gamma + beta
    result = ops.group_normalization(X, groups, gamma, beta, epsilon=0.01)
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-13)
    first = np.moveaxis(X, -1, 1)
    result = ops.group_normalization(first, groups, gamma, beta, 1, 0.01)
    np.testing.assert_allclose(result, np.moveaxis(expected, -1, 1), rtol=1e-11, atol=1e-13)


def test_a_number_is_its_own_mean():
    assert ops.layer_normalization(3.0).item() == 0
    assert ops.rms_normalization(-3.0, epsilon=0.0).item() == -1


def test_only_wanted_gradients_are_computed():
    x, gamma = fn.tensor(X), fn.tensor(rng.normal(size=6), requires_grad=True)
    ops.layer_normalization(x, gamma).backward(np.ones(X.shape))
    assert x.grad is None
    assert gamma.grad.shape == (6,)


@pytest.mark.parametrize("groups", [2, 12, 60])
def test_groups_of_one_large_sample(groups):
    """Its groups are shared out: values by the formula, and the bits that it has in a batch."""
    x, dy = rng.normal(size=(2, 9, 700, groups, 60 // groups))
    gamma, beta = rng.normal(size=(2, 60))

    def compute(x, dy):
        tensors = [_core.from_numpy(array) for array in (x, dy, gamma, beta)]
        y, mean, rstd = _core.row_norm(tensors[0], tensors[2], tensors[3], "layer", 1e-3)
        back = _core.row_norm_backward(tensors[1], tensors[0], mean, rstd, tensors[2])
        return [np.asarray(array) for array in (y, mean, rstd, *back)]

    alone, (y, mean, rstd, dx, _, _) = compute(x[:1], dy[:1]), compute(x, dy)
    for one, many in zip(alone, (y, mean, rstd, dx)):
        np.testing.assert_array_equal(one, many[:1])
    x, dy, scale = x[0], dy[0], gamma.reshape(groups, -1)
    expected_mean, expected_rstd = x.mean((0, 2)), 1 / np.sqrt(x.var((0, 2)) + 1e-3)
    xh = (x - expected_mean[:, None]) * expected_rstd[:, None]
    g = dy * scale
    expected_dx = expected_rstd[:, None] * (
        g - g.mean((0, 2))[:, None] - xh * (g * xh).mean((0, 2))[:, None]
    )
    expected = [xh * scale + beta.reshape(groups, -1), expected_mean, expected_rstd, expected_dx]
    expected += [(dy * xh).sum(0).ravel(), dy.sum(0).ravel()]
    for one, by_formula in zip(alone, expected):
        np.testing.assert_allclose(
            np.squeeze(one).ravel(), by_formula.ravel(), rtol=1e-9, atol=1e-9
        )


VIEWS = [(517, 1, 1, 70), (100, 1, 1, 5000), (5, 600, 3, 7), (1, 1500, 6, 5)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_bits_do_not_depend_on_place_or_threads(view, kind):
    x, dy = rng.normal(size=(2, *view)).astype("float32")
    gamma = rng.normal(size=view[2] * view[3]).astype("float32")

    def compute(x, dy, gamma):
        y, mean, rstd = _core.row_norm(x, gamma, gamma, kind, 1e-3)
        return y, mean, rstd, _core.row_norm_backward(dy, x, mean, rstd, gamma)

    tensors = [_core.from_numpy(array) for array in (x, dy, gamma)]
    same_for_threads(lambda: compute(*tensors))
    same_at_offsets(compute, x[:40, :50], dy[:40, :50], gamma)


def test_messages():
    with pytest.raises(ValueError, match=r"gamma has shape \(5,\), expected \(6,\) for x of"):
        ops.layer_normalization(X, np.ones(5))
    with pytest.raises(ValueError, match=r"rms_normalization: scale has shape \(5,\)"):
        ops.rms_normalization(X, np.ones(5))
    with pytest.raises(ValueError, match="layer_normalization: axis 4 is outside"):
        ops.layer_normalization(X, axis=4)
    with pytest.raises(ValueError, match="multiple of groups=4"):
        ops.group_normalization(X, 4)
    with pytest.raises(ValueError, match="expected two axes or more"):
        ops.group_normalization(X[0, 0, 0], 2)


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize("axis", [-1, 1, (1, 2), (2, 3)])
def test_as_keras(axis):
    import keras

    axes, shape, broadcast = of_axes(axis)
    x = X.astype("float32")
    gamma, beta = rng.normal(size=(2, *shape)).astype("float32")
    theirs = keras.ops.layer_normalization(x, gamma, beta, list(axes), 1e-3)
    ours = ops.layer_normalization(x, gamma, beta, axis, 1e-3)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5, atol=1e-5)
    theirs = keras.ops.rms_normalization(x, gamma.reshape(broadcast), axes, 1e-3)
    ours = ops.rms_normalization(x, gamma, axis, 1e-3)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5, atol=1e-5)
