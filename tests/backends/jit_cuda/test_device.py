"""Tensors on CUDA, in the simulator: where they lie, how they get there, what is computed there."""

import threading

import numpy as np
import pytest

import fastnn as fn
import fastnn.captured
from fastnn import _core, losses, ops
from fastnn.backends import current_device
from fastnn.backends.jit_cuda import memory
from fastnn.ops.products import dense

from .tensors import Reads, cuda

DTYPES = ["float32", "float64", "int32", "int64", "uint8", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_there_and_back(dtype):
    values = np.arange(-3, 3).reshape(2, 3).astype(dtype)
    x = fn.tensor(values)
    y = x.to("cuda")
    assert (x.device, y.device, y.dtype, y.shape) == ("cpu", "cuda", dtype, (2, 3))
    assert y.to("cuda") is y
    assert x.to("cpu") is x
    back = y.to("cpu")
    assert back.device == "cpu"
    np.testing.assert_array_equal(back.numpy(), values)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,)])
def test_odd_shapes_move(shape):
    x = fn.tensor(np.ones(shape, np.float32)).to("cuda")
    assert x.device == "cuda"
    assert x.numpy().shape == shape
    np.testing.assert_array_equal((x + x).numpy(), np.full(shape, 2, np.float32))


def test_a_gradient_goes_back_to_where_its_tensor_lies():
    x = fn.tensor([1.0, 2.0], requires_grad=True)
    (x.to("cuda") * 3.0).sum().backward()
    assert x.grad.device == "cpu"
    assert x.grad.tolist() == [3.0, 3.0]


def test_unknown_devices():
    for call in (fn.tensor([1.0]).to, fn.device, lambda name: fn.tensor([1.0], device=name)):
        with pytest.raises(ValueError, match="no device 'tpu', expected cpu or cuda"):
            call("tpu")


# ---- where new tensors lie -----------------------------------------------------------------------


def test_the_context_ends():
    assert current_device() == "cpu"
    with fn.device("cuda"):
        assert fn.tensor([1.0]).device == "cuda"
        with fn.device("cpu"):
            assert fn.tensor([1.0]).device == "cpu"
        assert current_device() == "cuda"
    with pytest.raises(KeyError), fn.device("cuda"):
        raise KeyError
    assert current_device() == "cpu"


def test_a_context_chooses_when_it_is_entered():
    try:
        there = fn.device("cuda")
        fn.device("cpu")
        with there:
            assert current_device() == "cuda"
        assert current_device() == "cpu"
    finally:
        fn.device("cpu")


def test_two_threads_launch_one_after_the_other():
    x, found = cuda(np.ones(5, "f4")), []

    def add():
        found.extend((x + float(i)).tolist() for i in range(20))

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([[1.0 + i] * 5 for i in range(20)] * 3)


def test_a_call_lasts_and_is_of_its_thread():
    seen = []

    def other():
        fn.device("cuda")
        seen.append(fn.tensor([1.0]).device)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == ["cuda"]
    assert current_device() == "cpu"


CREATED = {
    "numbers": lambda: fn.tensor([[1, 2]]),
    "zeros": lambda: ops.zeros((2, 2)),
    "ones": lambda: ops.ones(3, "int32"),
    "full": lambda: ops.full((2,), 7.0),
    "arange": lambda: ops.arange(5),
    "eye": lambda: ops.eye(3),
    "linspace": lambda: ops.linspace(0.0, 1.0, 3),
    "uniform": lambda: fn.random.uniform((3,), seed=1),
    "normal": lambda: fn.random.normal((3,), seed=1),
    "randint": lambda: fn.random.randint((3,), 0, 9, seed=1),
    "permutation": lambda: fn.random.permutation(5, seed=1),
    "shuffled": lambda: fn.random.shuffle([1.0, 2.0, 3.0], seed=1),
    "variable": lambda: fn.Variable([1.0, 2.0]),
    "initial": lambda: fn.Variable(fn.initializers.GlorotUniform(seed=3), (2, 3)),
    "orthogonal": lambda: fn.initializers.Orthogonal(seed=3)((3, 3)),
    "of a host tensor": lambda: fn.Variable(fn.tensor([1.0], device="cpu")),
}


@pytest.mark.parametrize("name", CREATED)
def test_created_on_the_device(name):
    with fn.device("cuda"):
        there = CREATED[name]()
    here = CREATED[name]()
    assert (there.device, here.device) == ("cuda", "cpu")
    tight = {"rtol": 1e-6, "atol": 1e-7} if name in ("normal", "orthogonal") else {"rtol": 0}
    np.testing.assert_allclose(there.numpy(), here.numpy(), **tight)


def test_the_global_generator_goes_on_on_another_device():
    fn.utils.set_random_seed(7)
    expected = [fn.random.uniform((2,)).tolist() for _ in range(3)]
    fn.utils.set_random_seed(7)
    got = [fn.random.uniform((2,))]
    with fn.device("cuda"):
        got.append(fn.random.uniform((2,)))
    got.append(fn.random.uniform((2,)))
    assert [x.device for x in got] == ["cpu", "cuda", "cpu"]
    assert [x.tolist() for x in got] == expected


def test_likes_follow_their_tensor():
    x = cuda([[1.0, 2.0]])
    for y in (ops.zeros_like(x), ops.ones_like(x), ops.full_like(x, 3), ops.empty_like(x)):
        assert (y.device, y.shape) == ("cuda", (1, 2))


# ---- what is computed, and where -----------------------------------------------------------------


def test_calls_run_where_their_operands_lie():
    a, b = np.float32([[1, 2], [3, 4]]), np.float32([[5, 6], [7, 9]])
    reads = Reads()
    x, y = cuda(a), cuda(b)
    results = {
        "add": (x + y, a + b),
        "number": (2.0 - x * 3, 2 - a * 3),
        "array": (x + b, a + b),
        "list": ([1.0, 2.0] * x, np.float32([1, 2]) * a),
        "taken": (ops.take(x, np.array([1, 0]), 0), a[::-1]),
        "host scalar": (x * fn.tensor(2.0), a * 2),
        "matmul": (x @ y, a @ b),
        "sum": (x.sum(axis=0), a.sum(0)),
        "less": (x < 3, a < 3),
        "where": (ops.where(x < 3, x, 0.0), np.where(a < 3, a, 0)),
        "transposed": (x.T, a.T),
        "broadcast": (x + y[0], a + b[0]),
        "concatenated": (ops.concatenate([x, y], 0), np.concatenate([a, b])),
    }
    assert int(reads) == 0
    for name, (got, expected) in results.items():
        assert got.device == "cuda", name
        np.testing.assert_array_equal(got.numpy(), expected, err_msg=name)
    assert int(reads) == len(results)


def test_views_stay_where_they_are():
    x = cuda(np.arange(12.0).reshape(3, 4))
    before, reads = memory.pool.in_use, Reads()
    views = x[1], x[1:], x.reshape(2, 6), x.detach(), _core.rows(x, 1, 3)
    assert memory.pool.in_use == before
    assert int(reads) == 0
    assert all(view.device == "cuda" for view in views)
    np.testing.assert_array_equal(views[0].numpy(), [4, 5, 6, 7])
    np.testing.assert_array_equal((views[1] + 1.0).numpy(), np.arange(5.0, 13).reshape(2, 4))
    np.testing.assert_array_equal(x[:, ::-2].numpy(), np.arange(12.0).reshape(3, 4)[:, ::-2])


def test_operands_with_strides_are_packed_there():
    x = cuda(np.arange(6.0))
    y = cuda(np.zeros((2, 3)))
    reads = Reads()
    got = _core.binary((x, (2, 3), (1, 2), 0), y, "add")  # as a transpose reads it
    assert int(reads) == 0
    np.testing.assert_array_equal(got.numpy(), np.arange(6.0).reshape(3, 2).T)


def test_a_number_that_is_repeated_comes_from_the_host():
    y = _core.binary((fn.tensor(3.0), (2, 2), (0, 0), 0), cuda(np.ones((2, 2), "f4")), "mul")
    np.testing.assert_array_equal(y.numpy(), np.full((2, 2), 3.0))


def test_operands_that_lie_apart():
    here, there = fn.tensor([1.0, 2.0]), cuda([1.0, 2.0])
    with pytest.raises(ValueError, match=r'add: x1 lies on cuda but x2 on cpu.*\.to\("cuda"\)'):
        there + here
    with pytest.raises(ValueError, match=r"add: x2 lies on cuda but x1 on cpu"):
        here + there
    x, square, ids = here[None], cuda(np.ones((2, 2), "f4")), fn.tensor([1, 0])
    for message, call in [
        (r"matmul: x2 lies on cuda but x1 on cpu.*\.to\(\"cuda\"\)", lambda: x @ square),
        ("matmul: x1 lies on cuda but x2 on cpu", lambda: ops.matmul(there, x[0])),
        ("where: condition lies on cuda but x2 on cpu", lambda: ops.where(there > 0, there, here)),
        ("where: x1 lies on cuda but condition on cpu", lambda: ops.where(here > 0, there, 1.0)),
        ("dense: kernel lies on cuda but x on cpu", lambda: dense(x, square)),
        (
            "dense: x lies on cuda but bias on cpu",
            lambda: dense(cuda([[1.0, 2.0]]), square, here),
        ),
        ("subtract: x1 lies on cuda but x2 on cpu", lambda: there - here),
        ("multiply: x2 lies on cuda but x1 on cpu", lambda: ops.multiply(here, there)),
        ("divide: x1 lies on cuda but x2 on cpu", lambda: ops.divide(there, here)),
        ("arctan2: x1 lies on cuda but x2 on cpu", lambda: ops.arctan2(there, here)),
        ("take: x lies on cuda but indices on cpu", lambda: ops.take(there, ids)),
        ("getitem: x lies on cuda but key on cpu", lambda: there[ids]),
        ("getitem: x lies on cuda but key.1. on cpu", lambda: square[:, ids]),
        (
            "take_along_axis: x lies on cuda but indices on cpu",
            lambda: ops.take_along_axis(there, ids),
        ),
        (r"stack: x\[1\] lies on cuda but x\[0\] on cpu", lambda: ops.stack([here, there])),
        (
            "slice_update: updates lies on cuda but inputs on cpu",
            lambda: ops.slice_update(here, [0], there),
        ),
        (
            "scatter_update: inputs lies on cuda but updates on cpu",
            lambda: ops.scatter_update(there, [[0], [1]], here),
        ),
        ("clip: x lies on cuda but x_max on cpu", lambda: ops.clip(there, 0.0, here)),
        ("hypot: x2 lies on cuda but x1 on cpu", lambda: ops.hypot(here, there)),
        ("isclose: x1 lies on cuda but x2 on cpu", lambda: ops.isclose(there, here)),
        ("dot: x1 lies on cuda but x2 on cpu", lambda: ops.dot(there, here)),
        ("outer: x1 lies on cuda but x2 on cpu", lambda: ops.outer(there, here)),
        ("tensordot: x1 lies on cuda but x2 on cpu", lambda: ops.tensordot(there, here, 1)),
        (
            "cross: x1 lies on cuda but x2 on cpu",
            lambda: ops.cross(square[:, [0, 1, 1]], fn.tensor(np.ones((2, 3), "f4"))),
        ),
        ("cross: x2 lies on cuda but x1 on cpu", lambda: ops.cross(here, there)),  # two vectors
        (
            r"einsum: operands\[0\] lies on cuda but operands\[1\] on cpu",
            lambda: ops.einsum("i,i->", there, here),
        ),
        (
            "layer_normalization: x lies on cuda but gamma on cpu",
            lambda: ops.layer_normalization(square, here),
        ),
        (
            "batch_normalization: x lies on cuda but mean on cpu",
            lambda: ops.batch_normalization(square, here, here, -1),
        ),
        (
            "sparse_categorical_crossentropy: output lies on cuda but target on cpu",
            lambda: ops.sparse_categorical_crossentropy(ids, square),
        ),
        (
            "softmax_cross_entropy: logits lies on cuda but labels on cpu",
            lambda: ops.softmax_cross_entropy(ids, square),
        ),
        (
            "sigmoid_cross_entropy: targets lies on cuda but logits on cpu",
            lambda: ops.sigmoid_cross_entropy(there, here),
        ),
        ("celu: x lies on cuda but alpha on cpu", lambda: ops.celu(there, here)),
        ("hard_shrink: threshold lies on cuda but x on", lambda: ops.hard_shrink(here, there)),
        ("soft_shrink: x lies on cuda but threshold on", lambda: ops.soft_shrink(there, here)),
        ("squareplus: x lies on cuda but b on cpu", lambda: ops.squareplus(there, here)),
        ("threshold: x lies on cuda but threshold on", lambda: ops.threshold(there, here, 0.0)),
        ("greater: x1 lies on cuda but x2 on cpu", lambda: ops.greater(there, here)),
        ("greater_equal: x2 lies on cuda but x1 on", lambda: ops.greater_equal(here, there)),
        ("heaviside: x1 lies on cuda but x2 on cpu", lambda: ops.heaviside(there, here)),
        ("logaddexp: x1 lies on cuda but x2 on cpu", lambda: ops.logaddexp(there, here)),
        ("logaddexp2: x2 lies on cuda but x1 on cpu", lambda: ops.logaddexp2(here, there)),
        ("fmax: x1 lies on cuda but x2 on cpu", lambda: ops.fmax(there, here)),
        ("fmin: x1 lies on cuda but x2 on cpu", lambda: ops.fmin(there, here)),
        ("fmod: x1 lies on cuda but x2 on cpu", lambda: ops.fmod(there, here)),
        ("inner: x1 lies on cuda but x2 on cpu", lambda: ops.inner(there, here)),
        ("kron: x1 lies on cuda but x2 on cpu", lambda: ops.kron(there, here)),
        ("squared_difference: x1 lies on cuda", lambda: ops.squared_difference(there, here)),
        ("divide_no_nan: x2 lies on cuda but x1 on", lambda: ops.divide_no_nan(here, there)),
        ("^mean_squared_error: y_true lies on", lambda: losses.MeanSquaredError()(there, here)),
        ("log_cosh: y_true lies on cuda but y_pred on cpu", lambda: losses.log_cosh(there, here)),
        ("solve: b lies on cuda but a on cpu", lambda: ops.solve(square.to("cpu"), there)),
        ("isin: x2 lies on cuda but x1 on cpu", lambda: ops.isin(here, there)),
        ("gcd: x2 lies on cuda but x1 on cpu", lambda: ops.gcd(ids, ids.to("cuda"))),
        ("ldexp: x1 lies on cuda but x2 on cpu", lambda: ops.ldexp(there, ids)),
        ("nextafter: x2 lies on cuda but x1 on cpu", lambda: ops.nextafter(here, there)),
    ]:
        with pytest.raises(ValueError, match=message) as raised:
            call()
        error = raised.value
        assert error.__suppress_context__ or error.__context__ is None  # told once
    assert ops.where(there > 0, fn.tensor(3.0), there).tolist() == [3.0, 3.0]
    with pytest.raises(ValueError, match=r"concatenate: xs\[1\] lies on cuda but xs\[0\] on cpu"):
        ops.concatenate([here, there], 0)
    count = fn.Variable(0.0, dtype="float64")
    with pytest.raises(ValueError, match="accumulate: x lies on cuda but total on cpu"):
        _core.accumulate(count, count, there, 1.0, 1.0)  # a number, but one that is written


@pytest.mark.parametrize(("rows", "numbers"), [("cpu", "cuda"), ("cuda", "cpu")])
def test_numbers_that_the_host_reads_lie_anywhere(rows, numbers):
    x, ids = fn.tensor([1.0, 2.0, 4.0], device=rows), fn.tensor([0, 1, 0], device=numbers)
    for sums in (
        ops.segment_sum(x, ids),
        ops.segment_sum(ops.cast(x, "int32"), ids),
        ops.segment_prod(x, ids) + fn.tensor([1.0, 0.0], device=rows),
        -ops.segment_max(-x, ids, num_segments=2) + fn.tensor([4.0, 0.0], device=rows),
        ops.scatter(ids[:, None], x, (2,)),
        ops.scatter_update(fn.tensor([5.0, 2.0], device=rows), ids[:1, None], x[:1] * 5.0),
    ):
        assert (sums.device, sums.tolist()) == (rows, [5.0, 2.0])


def test_a_variable_takes_values_from_everywhere():
    v = cuda([1.0, 2.0])
    with fn.device("cuda"):
        v = fn.Variable([1.0, 2.0])
    v.assign(np.float32([3, 4]))
    v.assign_add(fn.tensor([1.0, 1.0]))
    v.assign_sub(cuda([2.0, 2.0]))
    assert v.device == "cuda"
    assert v.tolist() == [2.0, 3.0]


def test_gradients():
    def loss(w, x):
        return ops.sum(ops.tanh(x @ w) ** 2)

    w, x = np.float32([[0.1, -0.2], [0.3, 0.4]]), np.float32([[1, 2], [3, -1]])
    expected = fn.value_and_grad(loss)(fn.tensor(w), fn.tensor(x))
    reads = Reads()
    got = fn.value_and_grad(loss)(cuda(w), cuda(x))
    assert int(reads) == 0
    for a, b in zip(got, expected):
        assert a.device == "cuda"
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)
