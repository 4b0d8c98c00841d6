"""Every operation on a tensor of the device with data beside it, while the thread makes tensors on
the host: it runs, its results and gradients lie on the device and are those of the host."""

import numpy as np
import pytest
from gradient_rows import ROWS
from operations_without_gradient import CONSTANT

import fastnn as fn
from fastnn import ops

X = np.float32([[0.5, -1.5, 2.0], [3.0, 0.0, -0.25]])
INTEGERS = np.array([[3, 0, 6], [1, 2, 5]], np.int32)
OTHERS = np.array([[1, 2, 3], [3, 2, 1]], np.int32)

WITHOUT_TENSORS = {
    *("arange", "bartlett", "blackman", "empty", "eye", "geomspace", "hamming", "hanning"),
    *("identity", "kaiser", "linspace", "logspace", "ones", "tri", "zeros"),
}
ANSWERS = {
    "allclose",
    "convert_to_numpy",
    "dtype",
    "is_tensor",
    "ndim",
    "shape",
    "size",
}  # no tensor

OF_ONE = (
    *("all", "any", "argmax", "argmin", "argsort", "ceil", "count_nonzero", "floor", "isfinite"),
    *("isinf", "isnan", "isneginf", "isposinf", "logical_not", "matrix_rank", "nanargmax"),
    *("nanargmin", "nonzero", "ones_like", "round", "sign", "signbit", "stop_gradient", "trunc"),
    *("unique", "zeros_like", "histogram"),
)
OF_TWO = (
    *("equal", "greater", "greater_equal", "isclose", "less", "less_equal", "logical_and"),
    *("logical_or", "logical_xor", "nextafter", "not_equal", "isin"),
)
OF_INTEGERS = (
    *("bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor"),
    *("gcd", "lcm", "left_shift", "right_shift"),
)
CALLS = {
    **{name: (getattr(ops, name), X) for name in OF_ONE},
    **{name: (getattr(ops, name), X, X.T.reshape(2, 3)) for name in OF_TWO},
    **{name: (getattr(ops, name), INTEGERS, OTHERS) for name in OF_INTEGERS},
    "bitwise_invert": (ops.bitwise_invert, INTEGERS),
    "bitwise_not": (ops.bitwise_not, INTEGERS),
    "ctc_decode": (lambda x: ops.ctc_decode(x, [2, 1, 2], strategy="greedy"), np.stack([X, X, -X])),
    "digitize": (ops.digitize, X, np.float32([0.0, 1.0])),
    "empty_like": (lambda x: ops.empty_like(x) * 0.0, np.zeros_like(X)),
    "in_top_k": (lambda x: ops.in_top_k(np.array([2, 1]), x, 1), X),
    "multi_hot": (lambda x: ops.multi_hot(x, 7), INTEGERS),
    "one_hot": (lambda x: ops.one_hot(x, 7), INTEGERS),
    "saturate_cast": (lambda x: ops.saturate_cast(x, "uint8"), X),
    "searchsorted": (ops.searchsorted, np.sort(X[0]), X[1]),
    "unravel_index": (lambda x: ops.unravel_index(x, (2, 4)), INTEGERS),
    "view": (lambda x: ops.view(x, "int32"), X),
}


def test_every_operation_has_a_call():
    assert set(CALLS) | WITHOUT_TENSORS | ANSWERS == CONSTANT


def tensors_of(result):
    if isinstance(result, (list, tuple)):
        return [tensor for part in result for tensor in tensors_of(part)]
    return [result]


def outcome(function, arrays, device):
    """The results of a call whose first array is a tensor on the device, and gradients."""
    first = next(i for i, x in enumerate(arrays) if isinstance(x, np.ndarray))
    wanted = arrays[first].dtype.kind == "f"
    x = fn.tensor(arrays[first], device=device, requires_grad=wanted)
    results = tensors_of(function(*arrays[:first], x, *arrays[first + 1 :]))
    kept = [result for result in results if result.requires_grad]
    if kept:
        sum(ops.sum(result * (i + 1.0)) for i, result in enumerate(kept)).backward()
        results.append(x.grad)
    return results


def check(function, arrays):
    expected = outcome(function, arrays, "cpu")
    got = outcome(function, arrays, "cuda")
    assert fn.backends.current_device() == "cpu"
    assert {x.device for x in got} == {"cuda"}
    for a, b in zip(got, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-9)


# Their rows make tensors on the host themselves.
OWN = {"custom_gradient", "sigmoid_cross_entropy", "softmax_cross_entropy"}


@pytest.mark.parametrize("name", sorted(ROWS.keys() - OWN))
def test_with_a_gradient(name, monkeypatch):
    monkeypatch.setattr(fn.config, "allow_host_fallback", name == "ctc_loss")
    function, *arrays = ROWS[name][0]
    check(function, arrays)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_without_a_gradient(name):
    function, *arrays = CALLS[name]
    check(function, arrays)


def test_answers():
    x = fn.tensor(X, device="cuda")
    assert ops.allclose(x, X)
    assert ops.shape(x) == (2, 3)
    np.testing.assert_array_equal(ops.convert_to_numpy(x), X)


LABELS = {
    "MeanSquaredError": X[::-1],
    "Huber": X[::-1],
    "CosineSimilarity": X[::-1],
    "CategoricalHinge": np.float32([[0, 1, 0], [1, 0, 0]]),
    "CategoricalCrossentropy": np.float32([[0, 1, 0], [1, 0, 0]]),
    "SparseCategoricalCrossentropy": np.array([2, 0]),
    "BinaryCrossentropy": np.float32([[0, 1, 0], [1, 0, 1]]),
    "CategoricalFocalCrossentropy": np.float32([[0, 1, 0], [1, 0, 0]]),
}


@pytest.mark.parametrize("name", LABELS)
def test_a_loss_of_labels_on_the_host(name):
    loss = getattr(fn.losses, name)(**({"from_logits": True} if "entropy" in name else {}))
    weights = None if name == "SparseCategoricalCrossentropy" else [1.0, 0.5]
    check(lambda x: loss(LABELS[name].tolist(), x, weights), [X])
    check(lambda x: loss(LABELS[name], x), [X])


def test_a_list_of_tensors_and_data():
    x = fn.tensor(X[0], device="cuda")
    y = ops.stack([[1.0, 2.0, 3.0], x])
    assert (y.device, y.tolist()) == ("cuda", [[1.0, 2.0, 3.0], X[0].tolist()])


def test_host_tensors_are_no_data():
    x = fn.tensor(X, device="cuda")
    with pytest.raises(ValueError, match=r"lies on cuda but .* on cpu"):
        ops.where(x > 0, x, fn.tensor(X))


def test_a_layer_of_data_on_the_host():
    with fn.device("cuda"):
        model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(2, activation="relu")])
    y = model(X)
    assert y.device == "cuda"
    assert model.layers[-1](X).device == "cuda"
    weights = [np.asarray(w) for w in model.get_weights()]
    np.testing.assert_allclose(y.numpy(), np.maximum(X @ weights[0] + weights[1], 0), rtol=1e-5)
