"""Tensors on CUDA, in the simulator: where they lie, how they get there, what the host reads."""

import copy
import gc
import math
import pickle
import threading

import numpy as np
import pytest

import fastnn as fn
import fastnn.captured
from fastnn import _core, losses, ops
from fastnn.backends import current_device, jit_cuda
from fastnn.backends.jit_cuda import calls, memory
from fastnn.ops.products import dense

DTYPES = ["float32", "float64", "int32", "int64", "uint8", "bool"]


def cuda(values, dtype=None):
    return fn.tensor(values, dtype=dtype, device="cuda")


class Reads:
    """How often the host has read memory of the device since this was made."""

    def __init__(self):
        self.start = memory.transfers

    def __int__(self):
        return memory.transfers - self.start


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
    x, square, ids = here[None], cuda(np.ones((2, 2), "f4")), fn.tensor([1, 2])
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
        ("log_cosh: y_true lies on cuda but y_pred on cpu", lambda: losses.log_cosh(there, here)),
        ("solve: b lies on cuda but a on cpu", lambda: ops.solve(square.to("cpu"), there)),
        ("isin: x2 lies on cuda but x1 on cpu", lambda: ops.isin(here, there)),
        ("gcd: x2 lies on cuda but x1 on cpu", lambda: ops.gcd(ids, ids.to("cuda"))),
        ("ldexp: x1 lies on cuda but x2 on cpu", lambda: ops.ldexp(there, ids)),
        ("nextafter: x2 lies on cuda but x1 on cpu", lambda: ops.nextafter(here, there)),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
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


# ---- what the host reads -------------------------------------------------------------------------

READS = {
    "numpy": lambda x: x.numpy(),
    "asarray": np.asarray,
    "item": lambda x: x.item(),
    "float": float,
    "int": int,
    "bool": bool,
    "tolist": lambda x: x.tolist(),
    "repr": repr,
    "format": lambda x: f"{x:.2f}",
    "to": lambda x: x.to("cpu"),
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "deepcopy": copy.deepcopy,
    "dlpack": lambda x: np.from_dlpack(x, device="cpu"),
}


@pytest.mark.parametrize("name", READS)
def test_each_way_to_read_copies_once(name):
    expected = READS[name](fn.tensor([2.5])) if name != "repr" else None
    x = cuda([2.5])
    reads = Reads()
    got = READS[name](x)
    assert int(reads) == 1
    if name == "repr":
        assert got == "Tensor(shape=(1,), dtype=float32, device=cuda, [2.5])"
    else:
        np.testing.assert_array_equal(got, expected)


def test_item_reads_nothing_of_a_tensor_of_several_elements():
    x, reads = cuda([1.0, 2.0]), Reads()
    with pytest.raises(ValueError, match="item: expected a tensor of one element"):
        x.item()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    assert int(reads) == 0


def test_an_index_reads_its_number():
    x, reads = cuda([0, 1, 2]), Reads()
    assert [10, 20, 30][x[1]] == 20
    assert int(reads) == 1


def test_what_numpy_gets_is_its_own():
    x = cuda([1.0, 2.0])
    array = x.numpy()
    assert not array.flags.writeable
    del x
    np.testing.assert_array_equal(array, [1, 2])


def test_dlpack_says_where():
    x = cuda([1.0, 2.0])
    assert x.__dlpack_device__() == (2, 0)
    with pytest.raises(BufferError, match="simulator"):
        x.__dlpack__(max_version=(1, 0))
    with pytest.raises(BufferError, match="without a copy"):
        x.__dlpack__(dl_device=(1, 0), copy=False)


@pytest.mark.parametrize(("stream", "waits"), [(None, 1), (1, 1), (2, 1), (12345, 1), (-1, 0)])
def test_dlpack_waits_unless_the_other_library_does(stream, waits, monkeypatch):
    class Stream:
        waited = 0

        def synchronize(self):
            self.waited += 1

    ours, back = Stream(), []
    x = cuda([1.0, 2.0])
    with monkeypatch.context() as patch:
        patch.setattr(calls, "simulated", False)
        patch.setattr(calls, "stream", lambda: ours)
        patch.setattr(calls.cuda, "synchronize", lambda: back.append(True))
        capsule = x.__dlpack__(stream=stream, max_version=(1, 0))
        assert (ours.waited, len(back)) == (waits, 0)
        del capsule  # nobody took it: as if it had been read and given back
    assert len(back) == 1


@pytest.mark.parametrize("stream", [0, False, "legacy"])
def test_dlpack_refuses_what_names_no_stream(stream, monkeypatch):
    monkeypatch.setattr(calls, "simulated", False)
    with pytest.raises(ValueError, match="__dlpack__: stream: expected None, -1, 1, 2 or"):
        cuda([1.0]).__dlpack__(stream=stream, max_version=(1, 0))


def test_a_repr_tells_errors_that_kernels_found():
    y = ops.take(cuda(np.ones((3, 2), "f4")), cuda(np.array([0, 5])), 0)
    with pytest.raises(IndexError):
        repr(y)


def test_copies_stay_where_their_tensor_lies():
    with fn.device("cuda"):
        v = fn.Variable([1.0, 2.0], name="v")
    for x in (v, cuda([1.0, 2.0])):
        for copied in (copy.copy, copy.deepcopy):
            y = copied(x)
            assert (type(y), y.device, y.tolist()) == (type(x), "cuda", [1.0, 2.0])
            assert y is not x
    assert copy.copy(v).name == copy.deepcopy(v).name == "v"


def test_a_variable_of_a_tensor_lies_where_that_does():
    x = cuda([1.0, 2.0])
    assert (fn.Variable(x).device, fn.Variable(x, dtype="float64").device) == ("cuda", "cuda")
    assert fn.Variable(lambda shape, dtype: x, (2,)).device == "cpu"  # an initial value


def test_a_fused_model_lies_where_its_model_does():
    with fn.device("cuda"):
        model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(2), fn.layers.BatchNormalization()])
    assert {weight.device for weight in fn.fuse(model).weights} == {"cuda"}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_of_a_model_lie_where_it_does(copied):
    def model():
        model = fn.Sequential([fn.layers.Dense(2), fn.layers.BatchNormalization()])
        model.compile("adam", "mse", metrics=["mae"])
        return model

    with fn.device("cuda"):
        there = model()
        there.build((None, 3))
    there.optimizer.build(there.trainable_variables)
    twin = copied(there)
    assert {v.device for v in [*twin.variables, *twin.optimizer.variables]} == {"cuda"}
    for v, original in zip(twin.weights, there.weights):
        assert v is not original
        np.testing.assert_array_equal(v.numpy(), original.numpy())
    assert copied(model()).weights == []  # nor has one that is not built any


def test_an_array_over_the_device_is_a_copy():
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(cuda([1.0]), copy=False)


def test_errors_that_kernels_find_come_with_the_next_read():
    table, ids = cuda(np.ones((3, 2), "f4")), np.array([0, 5])
    with pytest.raises(IndexError) as here:
        ops.take(fn.tensor(np.ones((3, 2), "f4")), fn.tensor(ids), 0)
    y = ops.take(table, cuda(ids), 0)
    with pytest.raises(IndexError) as there:
        y.numpy()
    assert str(there.value) == str(here.value)
    assert (table + 1.0).numpy().shape == (3, 2)  # it is told once


# ---- what CUDA lacks -----------------------------------------------------------------------------


@pytest.fixture
def lacking(monkeypatch):
    """The backend without some of its primitives, one of which changes an operand."""
    known = {
        name: function
        for name, function in jit_cuda.functions().items()
        if name not in ("arg_reduce", "accumulate", "reduce_list")
    }
    monkeypatch.setattr(calls, "functions", lambda: known)


def test_what_cuda_lacks():
    """The conformance suite would not tell, as it lets that run on the host."""
    assert set(_core.PRIMITIVES) - set(jit_cuda.functions()) == {"ctc_decode", "ctc_loss"}


def test_a_primitive_that_cuda_lacks(lacking):
    x = cuda([1.0, 3.0, 2.0])
    with pytest.raises(RuntimeError, match=r"arg_reduce: .*config\.allow_host_fallback"):
        ops.argmax(x)


def test_a_primitive_that_cuda_lacks_runs_on_the_host(lacking, monkeypatch):
    monkeypatch.setattr(fn.config, "allow_host_fallback", True)
    x, reads = cuda([1.0, 3.0, 2.0]), Reads()
    y = ops.argmax(x)
    assert (y.device, int(reads)) == ("cuda", 1)
    assert y.item() == 1
    with fn.device("cuda"):
        total, count = fn.Variable(1.0, dtype="float64"), fn.Variable(0.0, dtype="float64")
    _core.accumulate(total, count, x, 2.0, 3.0)
    assert (total.item(), count.item()) == (13.0, 3.0)


# ---- memory --------------------------------------------------------------------------------------


def test_memory_goes_back_and_is_used_again():
    x = cuda(np.zeros(1000, "f4"))
    in_use = memory.pool.in_use
    del x
    assert memory.pool.in_use < in_use
    cached = memory.pool.cached
    y = cuda(np.ones(1001, "f4"))  # of the same class
    assert memory.pool.in_use == in_use
    assert memory.pool.cached < cached
    del y
    fn.release_memory()
    assert memory.pool.cached == 0


class _Full(Exception):
    code = 2  # as Numba's error of the driver has it


def _small_device(limit, error):
    """A pool on a device of so many bytes."""
    taken = []

    def ask(size):
        taken[:] = [ref for ref in taken if ref() is not None]
        if sum(ref().nbytes for ref in taken) + size > limit:
            raise error
        array = memory.cuda.device_array(size, np.uint8)
        import weakref

        taken.append(weakref.ref(array))
        return array

    return memory.Pool(ask)


@pytest.mark.parametrize("error", [MemoryError(), _Full()])
def test_a_full_device_is_a_memory_error(error):
    pool = _small_device(4096, error)
    first = pool.hold(2048)
    pool.release(pool.hold(1024))  # is kept, and makes room when it is needed
    second = pool.hold(2048)
    with pytest.raises(MemoryError, match="cuda: out of memory: asked for 512 bytes, 4096 are in"):
        pool.hold(512)
    pool.release(first)
    assert pool.hold(1024)
    assert pool.at(second).size == 2048


def test_a_failing_call_gives_its_outputs_back(monkeypatch):
    gc.collect()  # what other tests left
    x, before = cuda(np.zeros(8, "f4")), memory.pool.in_use
    with monkeypatch.context() as patch:
        patch.setattr(memory.pool, "_ask", _small_device(0, MemoryError())._ask)
        memory.pool.clear()
        with pytest.raises(MemoryError, match="cuda: out of memory"):
            x + x
    assert memory.pool.in_use == before
    np.testing.assert_array_equal((x + x).numpy(), np.zeros(8))


def test_other_errors_of_the_device_stay_what_they_are():
    def ask(size):
        raise OSError("the device is gone")

    with pytest.raises(OSError, match="gone"):
        memory.Pool(ask).take(1)


# ---- recorded steps ------------------------------------------------------------------------------


def test_a_recorded_step_is_replayed():
    with fn.device("cuda"):
        w = fn.Variable([1.0, 2.0])
        rate = fn.tensor([0.5, 0.5])

    @fn.capture
    def step(x):
        loss, gradient = fn.value_and_grad(lambda w: ops.sum((w - x) ** 2))(w)
        w.assign_sub(rate * gradient * 0.5)
        return loss

    found, expected, host = [], [], np.float32([1, 2])
    for i in range(6):
        x = np.float32([i, 3])
        found.append(step(cuda(x)))
        expected.append(((host - x) ** 2).sum())
        host -= 0.5 * (host - x)
    assert {loss.device for loss in found} == {"cuda"}
    np.testing.assert_allclose([loss.item() for loss in found], expected, rtol=1e-6)
    np.testing.assert_allclose(w.numpy(), host, rtol=1e-6)
    explained = step.explain()
    assert "replays" in explained
    assert "jit_cuda" in explained
    assert "native" not in explained
    np.testing.assert_allclose(w.numpy(), host, rtol=1e-6)  # what explain ran left nothing


def test_a_replay_reads_nothing():
    step = fn.capture(lambda x: ops.tanh(x @ x) + 1.0)
    x = cuda(np.eye(2, dtype="f4"))
    expected = step(x).numpy()
    reads, results = Reads(), [step(x) for _ in range(4)]
    assert int(reads) == 0
    for result in results:  # each in memory of its own
        np.testing.assert_array_equal(result.numpy(), expected)


def test_a_plan_is_of_one_device():
    step = fn.capture(lambda x: x * 2.0 + 1.0)
    for _ in range(4):
        assert step(cuda([1.0, 2.0])).tolist() == [3.0, 5.0]
        assert step(fn.tensor([1.0, 2.0])).tolist() == [3.0, 5.0]
    assert step.explain().count("replays 2 calls") == 2

    here = fn.tensor([1.0, 2.0])
    mixed = fn.capture(lambda x: (x + x, here + here))
    for _ in range(4):
        assert [y.tolist() for y in mixed(cuda([1.0, 2.0]))] == [[2.0, 4.0], [2.0, 4.0]]
    assert "binary runs on cpu and what was called before it on another" in mixed.explain()


def test_a_verified_replay(monkeypatch):
    monkeypatch.setattr(fastnn.captured, "VERIFY", True)
    with fn.device("cuda"):
        total = fn.Variable([0.0, 0.0], trainable=False)

    @fn.capture
    def step(x):
        total.assign_add(x)
        return total * 2.0

    got = [step(cuda([1.0, 2.0])).tolist() for _ in range(5)]
    assert got == [[2.0 * i, 4.0 * i] for i in range(1, 6)]
    assert "replays" in step.explain()


def test_a_captured_function_of_nothing_but_its_argument():
    step = fn.capture(lambda x: x)
    for _ in range(4):
        assert step(cuda([1.0])).device == "cuda"


def test_plans_end_when_a_state_moves():
    seed = fn.random.SeedGenerator(5)

    @fn.capture
    def draw():
        return fn.random.uniform((2,), seed=seed)

    again = fn.random.SeedGenerator(5)
    expected = [fn.random.uniform((2,), seed=again).tolist() for _ in range(7)]
    got = [draw().tolist() for _ in range(5)]
    with fn.device("cuda"):
        got.append(fn.random.uniform((2,), seed=seed).tolist())
    got.append(draw().tolist())
    assert got == expected


# ---- operations of the user's --------------------------------------------------------------------


@fn.elementwise
def bent(x, y, slope=1.5, times=2):
    if x > 0:
        for _ in range(times):
            x = x + slope * math.tanh(x)
        return x * max(x, y)
    return np.exp(y) - slope


@fn.elementwise(gradient=lambda x, scale=3.0: 7.0 * scale)
def with_a_gradient(x, scale=3.0):
    return scale * x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_users_operation_is_that_of_the_cpu(dtype):
    x = np.linspace(-2, 2, 6).astype(dtype).reshape(2, 3)
    y = np.array([0.5, -1.0, 3.0], dtype)

    def both(x, y):
        return ops.sum(bent(x, y, slope=0.5) * with_a_gradient(x))

    expected = fn.value_and_grad(both, (0, 1))(fn.tensor(x), fn.tensor(y))
    reads = Reads()
    got = fn.value_and_grad(both, (0, 1))(cuda(x), cuda(y))
    assert int(reads) == 0
    for a, b in zip([got[0], *got[1]], [expected[0], *expected[1]]):
        assert a.device == "cuda"
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6 if dtype == "float32" else 1e-14)
    odd = bent(cuda(x)[:, ::-2], 1.0, times=3)
    np.testing.assert_allclose(odd.numpy(), bent(x[:, ::-2], 1.0, times=3).numpy(), rtol=1e-6)


def test_a_users_operation_is_replayed():
    step = fn.capture(lambda x: with_a_gradient(x, scale=2.0) + 1.0)
    for i in range(5):
        assert step(cuda([1.0 * i])).tolist() == [2.0 * i + 1]
    assert "replays" in step.explain()


def test_a_users_operation_that_cannot_be_compiled():
    @fn.elementwise
    def odd(x):
        return x.upper()

    with pytest.raises(TypeError, match=r"odd: cannot be compiled: .*test_device\.py.*x\.upper"):
        odd(cuda([1.0]))
