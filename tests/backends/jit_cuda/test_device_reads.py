"""What the host reads of tensors on CUDA, in the simulator, and what CUDA lacks."""

import copy
import pickle

import numpy as np
import pytest

import fastnn as fn
import fastnn.captured
from fastnn import _core, ops
from fastnn.backends import jit_cuda
from fastnn.backends.jit_cuda import calls

from .tensors import Reads, cuda

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
