"""Convolutions: values by NumPy's windows, gradients, layouts, messages; Keras and PyTorch.

Bounds of float32: sums of n products are rounded at most as often as matrix products are
(`roundings`), each time by eps / 2 of the sum of the magnitudes; gradients likewise.
"""

import numpy as np
import pytest
from conformance.harness import roundings
from keras_on_torch import gradients, host, leaf

import fastnn as fn
from fastnn import _core, ops
from fastnn.ops.conv_transpose import transposed_extents

SEEDS = range(12)


def spatial(random, rank, low, high):
    return tuple(int(n) for n in random.integers(low, high, rank))


class Case:
    """One drawn convolution: x and kernel of channels last, and the functions' arguments."""

    def __init__(self, seed, dtype="float64", kind="conv"):
        random = np.random.default_rng([seed, len(kind)])
        rank = seed % 3 + 1
        self.groups = int(random.choice([1, 2, 3])) if kind == "conv" else 1
        self.strides = spatial(random, rank, 1, 4)
        self.dilation = spatial(random, rank, 1, 3)
        if kind == "conv_transpose" and max(self.strides) > 1:
            self.dilation = (1,) * rank
        self.padding = ("valid", "same")[int(random.integers(2))]
        window = spatial(random, rank, 1, 4)
        reach = [(k - 1) * d + 1 for k, d in zip(window, self.dilation)]
        extents = tuple(n + int(random.integers(0, (9, 5, 2)[rank - 1])) for n in reach)
        channels = self.groups * int(random.integers(1, 4))
        filters = self.groups * int(random.integers(1, 4))
        shape = {
            "conv": (channels // self.groups, filters),
            "depthwise_conv": (channels, filters),
            "conv_transpose": (filters, channels),
        }[kind]
        self.x = random.standard_normal((2, *extents, channels)).astype(dtype)
        self.kernel = random.standard_normal((*window, *shape)).astype(dtype)
        count = channels * filters if kind == "depthwise_conv" else filters
        self.bias = random.standard_normal(count).astype(dtype)
        self.arguments = {
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation,
        }


def same_pads(case):
    window = case.kernel.shape[:-2]
    for n, k, s, d in zip(case.x.shape[1:-1], window, case.strides, case.dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        yield (total // 2, total - total // 2) if case.padding == "same" else (0, 0)


def windows_of(case):
    """[batch, results.., channels, window..] by NumPy, in float64."""
    rank = case.x.ndim - 2
    axes = tuple(range(1, rank + 1))
    padded = np.pad(case.x.astype(np.float64), [(0, 0), *same_pads(case), (0, 0)])
    reach = [(k - 1) * d + 1 for k, d in zip(case.kernel.shape, case.dilation)]
    views = np.lib.stride_tricks.sliding_window_view(padded, reach, axes)
    views = views[(slice(None), *(slice(None, None, s) for s in case.strides))]
    return views[(..., *(slice(None, None, d) for d in case.dilation))]


def formula(case):
    views = windows_of(case)
    rank, channels = case.x.ndim - 2, case.x.shape[-1] // case.groups
    kernel = np.moveaxis(case.kernel.astype(np.float64), -2, 0)  # [channels, window.., filters]
    parts = []
    for group in range(case.groups):
        filters = np.split(kernel, case.groups, axis=-1)[group]
        read = views[
            (*(slice(None),) * (rank + 1), slice(group * channels, (group + 1) * channels))
        ]
        parts.append(np.tensordot(read, filters, rank + 1))
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("seed", SEEDS)
def test_conv_is_the_sum_over_windows(seed):
    case = Case(seed)
    y = ops.conv(case.x, case.kernel, **case.arguments, bias=case.bias)
    np.testing.assert_allclose(y, formula(case) + case.bias, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_depthwise_conv_is_a_conv_of_each_channel(seed):
    case = Case(seed, kind="depthwise_conv")
    y = ops.depthwise_conv(case.x, case.kernel, **case.arguments, bias=case.bias)
    kernels = np.split(case.kernel, case.x.shape[-1], axis=-2)
    channels = np.split(case.x, case.x.shape[-1], axis=-1)
    parts = [ops.conv(x, k, **case.arguments) for x, k in zip(channels, kernels, strict=True)]
    expected = np.concatenate(parts, axis=-1) + case.bias
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


def test_separable_conv_is_a_depthwise_and_a_pointwise_one():
    case = Case(4, kind="depthwise_conv")
    depthwise = ops.depthwise_conv(case.x, case.kernel, **case.arguments)
    pointwise = np.random.default_rng(0).standard_normal((1, 1, depthwise.shape[-1], 5))
    y = ops.separable_conv(case.x, case.kernel, pointwise, **case.arguments, activation="tanh")
    expected = np.tanh(np.asarray(depthwise) @ pointwise[0, 0])
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("output_padding", [None, 0])
@pytest.mark.parametrize("seed", SEEDS)
def test_conv_transpose_is_the_transpose_of_conv(seed, output_padding):
    """<conv_transpose(x), z> = <x, conv(z)> where z's extents make conv the transposed one."""
    case = Case(seed, kind="conv_transpose")
    y = ops.conv_transpose(case.x, case.kernel, output_padding=output_padding, **case.arguments)
    z = np.random.default_rng(seed).standard_normal(y.shape)
    extents, pads = transposed_extents(
        "test",
        case.padding,
        output_padding,
        case.x.shape[1:-1],
        case.kernel.shape[:-2],
        case.strides,
        case.dilation,
    )
    assert extents == y.shape[1:-1]
    pairs = tuple(zip(pads[::2], pads[1::2], strict=True))
    back = ops.conv(z, case.kernel, case.strides, pairs, dilation_rate=case.dilation)
    np.testing.assert_allclose(np.vdot(y, z), np.vdot(case.x, back), rtol=1e-10)


FUNCTIONS = {
    "conv": ops.conv,
    "depthwise_conv": ops.depthwise_conv,
    "conv_transpose": ops.conv_transpose,
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_gradients(kind, seed):
    case = Case(seed, kind=kind)
    activation = ("linear", "tanh", "gelu", "sigmoid", "neg", "softplus")[seed]

    def function(x, kernel, bias):
        function = FUNCTIONS[kind]
        return function(x, kernel, **case.arguments, bias=bias, activation=activation)

    inputs = (case.x[:1], case.kernel * 0.3, case.bias)
    assert fn.gradcheck(function, inputs, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("present", range(1, 8))
def test_gradients_of_some_operands_are_those_of_all(kind, present):
    case = Case(2, kind=kind)
    values = (case.x, case.kernel, case.bias)

    def gradients(wanted):
        tensors = [fn.tensor(v, requires_grad=bool(w)) for v, w in zip(values, wanted, strict=True)]
        y = FUNCTIONS[kind](*tensors[:2], **case.arguments, bias=tensors[2], activation="relu")
        y.backward(np.cos(np.arange(y.size)).reshape(y.shape))
        return [t.grad for t in tensors]

    wanted = [present & 1, present & 2, present & 4]
    for some, all_, want in zip(gradients(wanted), gradients((1, 1, 1)), wanted, strict=True):
        assert (some is not None) == bool(want)
        if want:
            np.testing.assert_allclose(some, all_, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_channels_first_is_the_same_with_axes_moved(kind, seed):
    case = Case(seed, kind=kind)

    def run(x, data_format):
        x = fn.tensor(x, requires_grad=True)
        arguments = {**case.arguments, "data_format": data_format, "bias": case.bias}
        y = FUNCTIONS[kind](x, case.kernel, **arguments, activation="sigmoid")
        assert y._logits.shape == y.shape
        ops.sum(y * y).backward()
        return np.asarray(y), np.asarray(x.grad)

    last = run(case.x, "channels_last")
    first = run(np.moveaxis(case.x, -1, 1), "channels_first")
    for a, b in zip(first, last, strict=True):
        np.testing.assert_allclose(np.moveaxis(a, 1, -1), b, rtol=1e-12, atol=1e-14)


def test_the_data_format_of_the_configuration_is_taken():
    x, kernel = np.ones((1, 2, 5, 5)), np.ones((3, 3, 2, 4))
    try:
        fn.config.set_image_data_format("channels_first")
        assert ops.conv(x, kernel).shape == (1, 4, 3, 3)
    finally:
        fn.config.set_image_data_format("channels_last")


def test_integers_become_floatx():
    y = ops.conv(np.arange(5, dtype="uint8").reshape(1, 5, 1), [[[1]], [[-1]]])
    assert y.dtype == "float32" and y.tolist() == [[[-1.0]] * 4]


def test_winograd_is_allowed_unless_switched_off():
    random = np.random.default_rng(0)
    x = random.standard_normal((4, 30, 30, 64)).astype("float32")
    kernel = random.standard_normal((3, 3, 64, 64)).astype("float32")

    def forward_and_back():
        tensors = [fn.tensor(value, requires_grad=True) for value in (x, kernel)]
        y = ops.conv(*tensors, padding="same")
        y.backward(y.numpy())
        return [np.asarray(result) for result in (y, *(t.grad for t in tensors))]

    try:
        fn.config.allow_winograd = False
        exact = forward_and_back()
        t, k = fn.tensor(x), fn.tensor(kernel)
        plain = _core.conv(t, k, None, None, (), (1, 1, 1, 1), (), 1, "linear", 0, False, "exact")
        np.testing.assert_array_equal(exact[0], plain[0])
    finally:
        fn.config.allow_winograd = True
    for fast, slow in zip(forward_and_back(), exact, strict=True):
        assert not np.array_equal(fast, slow)
        assert np.abs(fast - slow).max() <= 1e-4 * np.abs(slow).max()


X, K = np.zeros((1, 5, 6, 4), "float32"), np.zeros((3, 3, 4, 2), "float32")
REFUSED = [
    (lambda: ops.conv(X, K[..., :3, :]), "conv: kernel has shape .* and reads 3 channels, but the"),
    (lambda: ops.conv(X, np.zeros((3, 3, 2, 3))), "in 2 groups, which do not divide 3 filters"),
    (lambda: ops.conv(X, K[0]), "conv: kernel has shape .* expected as many axes"),
    (lambda: ops.conv(X[0, 0], K), "conv: inputs have shape .* expected a batch"),
    (lambda: ops.conv(X, K[:0]), "conv: kernel has shape .* which is empty"),
    (lambda: ops.conv(X, K, strides=0), "conv: strides is 0, expected an integer of 1 or more"),
    (lambda: ops.conv(X, K, dilation_rate=(1, 0)), "conv: dilation_rate is"),
    (lambda: ops.conv(X, K, padding="full"), "conv: padding is 'full'"),
    (lambda: ops.conv(X, K, padding=[(1, -1), (0, 0)]), "conv: padding is"),
    (lambda: ops.conv(X, K, data_format="NCHW"), "conv: data_format is 'NCHW'"),
    (lambda: ops.conv(X[:, :2], K), "conv: a window covers"),
    (lambda: ops.conv(X, K, bias=np.zeros(3)), r"conv: bias has shape \(3,\), expected \(2,\)"),
    (lambda: ops.conv(X, K, activation="softmax"), "conv: activation is 'softmax'"),
    (lambda: ops.depthwise_conv(X, K[..., :3, :]), "depthwise_conv: kernel has shape"),
    (lambda: ops.depthwise_conv(X, K, bias=np.zeros(4)), "depthwise_conv: bias has shape"),
    (lambda: ops.depthwise_conv(X[:, :2], K), "^depthwise_conv: a window covers"),
    (lambda: ops.separable_conv(X, K, K), "separable_conv: pointwise_kernel has shape"),
    (lambda: ops.conv(X, K, strides=2**63), "strides is 9223372036854775808, expected .* at most"),
    (lambda: ops.conv_transpose(X[:, :0, :, :2], K), "^conv_transpose: a window covers"),
    (lambda: ops.conv_transpose(X, K), "conv_transpose: kernel has shape .* reads 2 channels"),
    (lambda: ops.conv_transpose(X[..., :2], K, 2, output_padding=2), "expected less than the"),
    (lambda: ops.conv_transpose(X[..., :2], K, padding=[(1, 1), (0, 0)]), "'valid' or 'same'"),
    (
        lambda: ops.conv_transpose(X[:, :1, :, :2], K[:2], padding="same", output_padding=0),
        "which is empty",
    ),
]


@pytest.mark.parametrize("operation", [ops.conv, ops.depthwise_conv, ops.conv_transpose])
def test_a_kernel_is_needed(operation):
    with pytest.raises(TypeError, match=f"{operation.__name__}: kernel is None, expected an array"):
        operation(X, None)


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- Keras and PyTorch ---------------------------------------------------------------------------


def of_all(function, case, dy):
    """y, and the gradients by x, kernel and bias."""
    tensors = [fn.tensor(v, requires_grad=True) for v in (case.x, case.kernel, case.bias)]
    y = function(*tensors[:2], **case.arguments, bias=tensors[2])
    y.backward(dy)
    return [np.asarray(r) for r in (y, *(t.grad for t in tensors))]


def close_enough(ours, theirs, case):
    """1e-10 in float64, `roundings` in float32, each of the largest magnitude that adds up."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        scale = max(np.abs(b).max(), 1.0)
        if a.dtype == np.float64:
            assert np.abs(a - b).max() <= 1e-10 * scale
        else:
            terms = max(case.x.size, case.kernel.size)
            magnitude = np.abs(case.x).max() * np.abs(case.kernel).max() * terms
            assert np.abs(a - b).max() <= roundings(terms) * np.finfo(a.dtype).eps * magnitude


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_as_keras(kind, seed, dtype):
    import keras

    case = Case(seed, dtype, kind)
    if kind == "depthwise_conv" and case.x.ndim == 5:
        pytest.skip("Keras has depthwise convolutions over one and two axes")
    x, kernel, bias = leaves = [leaf(a) for a in (case.x, case.kernel, case.bias)]
    y = getattr(keras.ops, kind)(x, kernel, **case.arguments) + bias
    dy = np.random.default_rng(seed).standard_normal(tuple(y.shape)).astype(dtype)
    try:
        expected = [host(y), *gradients([y], [dy], leaves)]
    except RuntimeError as error:  # of one-by-one kernels in float64
        assert "grad_weight needs to be contiguous" in str(error)
        pytest.skip(f"PyTorch: {error}")
    close_enough(of_all(FUNCTIONS[kind], case, dy), expected, case)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", SEEDS)
def test_as_pytorch(seed, dtype):
    import torch

    case = Case(seed, dtype)
    rank = case.x.ndim - 2
    pads = np.random.default_rng(seed).integers(0, 3, rank)
    case.arguments["padding"] = tuple((int(p), int(p)) for p in pads)
    x, kernel, bias = (
        torch.tensor(np.ascontiguousarray(value), requires_grad=True)
        for value in (
            np.moveaxis(case.x, -1, 1),
            np.moveaxis(case.kernel, (-1, -2), (0, 1)),
            case.bias,
        )
    )
    convolve = (torch.conv1d, torch.conv2d, torch.conv3d)[rank - 1]
    pads = tuple(map(int, pads))
    y = convolve(x, kernel, bias, case.strides, pads, case.dilation, case.groups)
    dy = np.random.default_rng(seed).standard_normal(y.shape).astype(dtype)
    y.backward(torch.tensor(dy))
    expected = (
        np.moveaxis(y.detach().numpy(), 1, -1),
        np.moveaxis(x.grad.numpy(), 1, -1),
        np.moveaxis(kernel.grad.numpy(), (0, 1), (-1, -2)),
        bias.grad.numpy(),
    )
    close_enough(of_all(ops.conv, case, np.moveaxis(dy, 1, -1)), expected, case)
