"""max_pool, average_pool, image.resize, batch_normalization: formulas, bits, messages, peers."""

import itertools

import numpy as np
import pytest
from same_bits import same_at_offsets, same_for_threads

import fastnn as fn
from fastnn import _core, ops
from fastnn.ops.batch_normalization import normalize_batch

rng = np.random.default_rng(0)
IMAGES = rng.normal(size=(2, 9, 8, 5)).astype("float32")


def pooled(x, size, stride, fold):
    """Windows one by one, over one channels-last image."""
    rows = range(0, x.shape[0] - size + 1, stride)
    columns = range(0, x.shape[1] - size + 1, stride)
    return np.array(
        [[fold(x[i : i + size, j : j + size], axis=(0, 1)) for j in columns] for i in rows]
    )


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2), (3, 1), (2, 3)])
def test_windows_one_by_one(size, stride):
    x = IMAGES[0]
    y = ops.max_pool(IMAGES, size, stride).numpy()
    np.testing.assert_array_equal(y[0], pooled(x, size, stride, np.max))
    y = ops.average_pool(IMAGES, size, stride).numpy()
    np.testing.assert_allclose(y[0], pooled(x, size, stride, np.mean), rtol=1e-5, atol=1e-6)


def test_ties_give_the_gradient_to_the_first_and_nan_comes_through():
    x = fn.tensor(np.zeros((1, 4, 4, 3)), requires_grad=True)
    ops.max_pool(x, 2).sum().backward()
    expected = np.zeros((4, 4))
    expected[::2, ::2] = 1
    np.testing.assert_array_equal(x.grad.numpy()[0, ..., 1], expected)
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    x[0, 1, 0] = np.nan
    assert np.isnan(ops.max_pool(x, 2).numpy()).ravel().tolist() == [True, False, False, False]


def test_inference_keeps_no_places():
    x = fn.tensor(IMAGES, requires_grad=True)
    with fn.no_grad():
        assert ops.max_pool(x, 2)._node is None


def gradients_behind_relu(pool, after, x, kernel, bias):
    """By x, kernel and bias: relu applied by the convolution itself, or after it, on its own."""
    leaves = [fn.tensor(a, requires_grad=True) for a in (x, kernel, bias)]
    y = ops.conv(*leaves[:2], bias=leaves[2], activation="linear" if after else "relu")
    y = ops.relu(y) if after else y
    ((pool(y) + 1) ** 2).sum().backward()  # whose gradient is not 0 where y is
    return [leaf.grad.numpy() for leaf in leaves]


@pytest.mark.parametrize(
    "pool",
    [
        lambda y: ops.max_pool(y, 2),
        lambda y: ops.max_pool(y, 3, 1, "same"),
        lambda y: ops.max_pool(y, 16),  # more elements than a byte numbers
        lambda y: ops.max_pool(y, 2) + ops.max_pool(y, 2),
        lambda y: ops.concatenate([ops.max_pool(y, 2), y[:, 1:9, 1:9] * 3], 1),
        lambda y: ops.max_pool(ops.max_pool(y, 2), 2),
        lambda y: ops.max_pool(y[:, ::-1], 2),
    ],
)
def test_the_gradient_passes_relu_on_the_way(pool):
    operands = [rng.normal(size=shape) for shape in [(2, 18, 18, 2), (3, 3, 2, 5), (5,)]]
    operands[0][0, :8] = 0  # ties, of which relu makes more
    operands = [a.astype("float32") for a in operands]
    for ours, theirs in zip(
        gradients_behind_relu(pool, False, *operands),
        gradients_behind_relu(pool, True, *operands),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_behind_a_pooling_relu_costs_nothing():
    kernel = fn.Variable(rng.normal(size=(3, 3, 5, 7)).astype("float32"))

    @fn.capture
    def step(x):
        loss = fn.value_and_grad(lambda w: ops.max_pool(ops.conv(x, w, activation="relu"), 2).sum())
        value, gradient = loss(kernel)
        kernel.assign_sub(0.01 * gradient)
        return value

    for _ in range(5):
        step(fn.tensor(IMAGES))
    assert "conv_backward_kernel" in step.explain()
    assert "unary_backward" not in step.explain()


def test_channels_first_is_transposed():
    first = np.moveaxis(IMAGES, -1, 1)
    for pool in (ops.max_pool, ops.average_pool):
        expected = np.moveaxis(pool(IMAGES, (3, 2), 2, "same").numpy(), -1, 1)
        y = pool(first, (3, 2), 2, "same", "channels_first")
        np.testing.assert_array_equal(y, expected)
    y = ops.image.resize(first, (4, 5), data_format="channels_first")
    np.testing.assert_array_equal(y, np.moveaxis(ops.image.resize(IMAGES, (4, 5)), -1, 1))


def test_they_replay():
    @fn.capture
    def step(x):
        y = ops.max_pool(ops.average_pool(x, 2), 2, 1, "same")
        return normalize_batch(ops.image.resize(y, (6, 6)), -1, None, None, 1e-3)

    for i in range(5):
        x = IMAGES + i
        y = ops.max_pool(ops.average_pool(x, 2), 2, 1, "same")
        expected = normalize_batch(ops.image.resize(y, (6, 6)), -1, None, None, 1e-3)
        np.testing.assert_array_equal(step(fn.tensor(x)), expected)


@pytest.mark.parametrize("channels", [1, 5, 25, 70])
@pytest.mark.parametrize("window, stride", [(2, 2), (3, 1), (3, 2), (17, 9)])
def test_bits_do_not_depend_on_place_or_threads(channels, window, stride):
    x = rng.normal(size=(3, 40, 40, channels)).astype("float32")
    placement = ((window, window), (stride, stride), (0, 1, 1, 0))

    def compute(x):
        y, which = _core.max_pool(x, *placement)
        dx = _core.max_pool_backward(y, which, x, (40, 40), *placement)
        mean = _core.average_pool(x, *placement)
        dmean = _core.average_pool_backward(mean, (40, 40), *placement)
        return y, dx, mean, dmean, _core.resize(mean, (37, 41), "bilinear")

    tensor = _core.from_numpy(x)
    same_for_threads(lambda: compute(tensor))
    same_at_offsets(compute, x)


def test_bits_of_batch_normalization():
    x, dy = rng.normal(size=(2, 5000, 37)).astype("float32")
    gamma = rng.normal(size=37).astype("float32")

    def compute(x, dy, gamma):
        y, mean, rstd = _core.batch_norm(x, gamma, gamma, None, None, None, None)
        return y, mean, rstd, *_core.batch_norm_backward(dy, x, mean, rstd, gamma)

    tensors = [_core.from_numpy(array) for array in (x, dy, gamma)]
    same_for_threads(lambda: compute(*tensors))
    same_at_offsets(compute, x[:600], dy[:600], gamma)


@pytest.mark.parametrize("axis", [1, -1])
def test_batch_normalization_is_its_formula(axis):
    x = rng.normal(size=(6, 4, 5)) * 3 + 2
    channels, other = x.shape[axis], (0, 2) if axis == 1 else (0, 1)
    mean, offset, scale = rng.normal(size=(3, channels))
    variance = rng.uniform(0.5, 2, channels)
    shape = [1, channels, 1] if axis == 1 else [channels]
    expected = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 0.01)
    expected = expected * scale.reshape(shape) + offset.reshape(shape)
    y = ops.batch_normalization(x, mean, variance, axis, offset, scale, 0.01)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    moving = [fn.Variable(mean, trainable=False), fn.Variable(variance, trainable=False)]
    y = normalize_batch(fn.tensor(x), axis, None, None, 0.01, *moving, 0.9)
    own = x.mean(other), x.var(other)
    expected = (x - own[0].reshape(shape)) / np.sqrt(own[1].reshape(shape) + 0.01)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    for variable, before, of_batch in zip(moving, (mean, variance), own, strict=True):
        np.testing.assert_allclose(variable, 0.9 * before + 0.1 * of_batch, rtol=1e-12)


@pytest.mark.parametrize(
    "call, exception, message",
    [
        (lambda: ops.max_pool(IMAGES[0, 0], 2), ValueError, "max_pool: inputs has shape"),
        (lambda: ops.max_pool(IMAGES, 0), ValueError, "max_pool: pool_size is 0, expected"),
        (lambda: ops.max_pool(IMAGES, 2, -1), ValueError, "max_pool: strides is -1, expected"),
        (lambda: ops.max_pool(IMAGES, 2, 1, "full"), ValueError, "max_pool: padding is 'full'"),
        (lambda: ops.max_pool(IMAGES, 10), ValueError, "max_pool: a window covers"),
        (lambda: ops.max_pool(IMAGES.astype("int32"), 2), TypeError, "x has dtype int32"),
        (lambda: ops.average_pool(IMAGES, 2, 1, [(2, 0), (0, 0)]), ValueError, "pads are 2 and 0"),
        (lambda: ops.image.resize(IMAGES, (2, 2), "bicubic"), ValueError, "interpolation is"),
        (lambda: ops.image.resize(IMAGES, (2, 2), antialias=True), ValueError, "antialias"),
        (lambda: ops.image.resize(IMAGES, (2, 0)), ValueError, "resize: size is"),
        (lambda: ops.image.resize(IMAGES[0, 0], (2, 2)), ValueError, "expected 3 or 4 axes"),
        (
            lambda: ops.batch_normalization(IMAGES, np.ones(4), np.ones(5), -1),
            ValueError,
            r"batch_normalization: mean has shape \(4,\), expected \(5,\)",
        ),
    ],
)
def test_messages(call, exception, message):
    with pytest.raises(exception, match=message):
        call()


CASES = list(itertools.product((1, 2, 3), (2, 3), (1, 2), (0, 1)))


@pytest.mark.parity
@pytest.mark.parametrize("rank, size, stride, pad", CASES)
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_as_torch(rank, size, stride, pad, kind):
    import torch

    x = rng.normal(size=(2, *(7, 6, 5)[:rank], 4)).astype("float32")
    theirs = torch.from_numpy(np.moveaxis(x, -1, 1).copy()).requires_grad_()
    more = {} if kind == "max" else {"count_include_pad": False}
    function = getattr(torch.nn.functional, f"{kind}_pool{rank}d")
    expected = function(theirs, size, stride, pad, **more)
    ours = fn.tensor(x, requires_grad=True)
    pool = ops.max_pool if kind == "max" else ops.average_pool
    y = pool(ours, size, stride, [(pad, pad)] * rank)
    np.testing.assert_allclose(
        y, np.moveaxis(expected.detach().numpy(), 1, -1), rtol=1e-6, atol=1e-6
    )
    dy = rng.normal(size=y.shape).astype("float32")
    y.backward(dy)
    expected.backward(torch.from_numpy(np.moveaxis(dy, -1, 1).copy()))
    dx = np.moveaxis(theirs.grad.numpy(), 1, -1)
    np.testing.assert_allclose(ours.grad, dx, rtol=1e-5, atol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("size", [(4, 9), (18, 16), (3, 3), (9, 8)])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_resize_as_keras_and_torch(size, method):
    import keras
    import torch

    theirs = np.asarray(keras.ops.image.resize(IMAGES, size, method))
    np.testing.assert_allclose(ops.image.resize(IMAGES, size, method), theirs, rtol=1e-5, atol=1e-6)
    first = torch.from_numpy(np.moveaxis(IMAGES, -1, 1).copy()).requires_grad_()
    name = {"nearest": "nearest-exact", "bilinear": "bilinear"}[method]
    aligned = {} if method == "nearest" else {"align_corners": False}
    expected = torch.nn.functional.interpolate(first, size, mode=name, **aligned)
    ours = fn.tensor(IMAGES, requires_grad=True)
    y = ops.image.resize(ours, size, method)
    np.testing.assert_allclose(
        y, np.moveaxis(expected.detach().numpy(), 1, -1), rtol=1e-5, atol=1e-6
    )
    dy = rng.normal(size=y.shape).astype("float32")
    y.backward(dy)
    expected.backward(torch.from_numpy(np.moveaxis(dy, -1, 1).copy()))
    dx = np.moveaxis(first.grad.numpy(), 1, -1)
    np.testing.assert_allclose(ours.grad, dx, rtol=1e-5, atol=1e-5)


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("size, strides", [(2, 2), (3, 2), ((2, 3), (1, 3))])
def test_pooling_as_keras(padding, size, strides):
    import keras

    for name in ("max_pool", "average_pool"):
        ours = getattr(ops, name)(IMAGES, size, strides, padding)
        theirs = getattr(keras.ops, name)(IMAGES, size, strides, padding)
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-6, atol=1e-6)
