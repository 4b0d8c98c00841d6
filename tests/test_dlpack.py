"""DLPack: tensors given to other libraries and taken from them."""

import ctypes

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8"])
def test_dlpack(dtype):
    t = fn.tensor(np.arange(6).reshape(2, 3), dtype=dtype)
    np.testing.assert_array_equal(np.from_dlpack(t), np.asarray(t))
    back = fn.from_dlpack(np.arange(4, dtype=dtype))
    assert back.dtype == dtype and back.tolist() == [0, 1, 2, 3]


@pytest.mark.parity
def test_dlpack_with_torch():
    torch = pytest.importorskip("torch")
    t = fn.tensor([[1.0, 2.0]])
    assert torch.from_dlpack(t).tolist() == [[1.0, 2.0]]
    assert fn.from_dlpack(torch.arange(3)).tolist() == [0, 1, 2]
    assert ops.exp(torch.zeros(2)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dl_device": (2, 0)}, "neither the CPU nor where the tensor is"),
        ({"dl_device": (1, 1)}, "neither the CPU nor where the tensor is"),
        ({"copy": False}, "without a copy"),  # the unversioned form is always one
    ],
)
def test_dlpack_refuses(options, message):
    with pytest.raises(BufferError, match=message):
        fn.tensor([1.0]).__dlpack__(**options)


def test_dlpack_to_the_cpu():
    capsule = fn.tensor([1.0]).__dlpack__(dl_device=(1, 0), max_version=(1, 0))
    assert "dltensor_versioned" in repr(capsule)
    with pytest.raises(TypeError):
        fn.tensor([1.0]).__dlpack__(dl_device=1)
    with pytest.raises(ValueError, match="at most 2"):
        fn.tensor([1.0]).__dlpack__(dl_device=(1, 0, 0))


versioned = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="this NumPy reads unversioned capsules"
)


class Foreign:
    """A producer of DLPack capsules, for four consecutive float32 from an address."""

    class Managed(ctypes.Structure):
        _fields_ = [
            *[(name, ctypes.c_uint32) for name in ("major", "minor")],
            *[(name, ctypes.c_void_p) for name in ("context", "deleter")],
            ("flags", ctypes.c_uint64), ("data", ctypes.c_void_p),
            *[(name, ctypes.c_int32) for name in ("device", "device_id", "rank")],
            ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
            *[(name, ctypes.c_void_p) for name in ("shape", "strides")],
            ("byte_offset", ctypes.c_uint64),
        ]  # fmt: skip

    def __init__(self, address, major=1, device=1):
        self.shape = (ctypes.c_int64 * 1)(4)
        shape = ctypes.addressof(self.shape)
        self.managed = self.Managed(
            major, 0, 0, 0, 0, address, device, 0, 1, 2, 32, 1, shape, None, 0
        )

    def __dlpack_device__(self):
        return (self.managed.device, 0)

    def __dlpack__(self, **options):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p] * 3
        self.name = ctypes.create_string_buffer(b"dltensor_versioned")
        return new(ctypes.addressof(self.managed), ctypes.addressof(self.name), None)


@versioned
def test_from_dlpack_of_data_that_lie_anywhere():
    memory = ctypes.create_string_buffer(64)
    values = np.array([1, 2, 3, 4], "float32")
    for offset in range(5):
        address = ctypes.addressof(memory) + offset
        ctypes.memmove(address, values.ctypes.data, 16)
        ours = fn.from_dlpack(Foreign(address))
        ctypes.memset(address, 0, 16)  # it is a copy
        assert ours.tolist() == [1.0, 2.0, 3.0, 4.0]


@versioned
@pytest.mark.parametrize("options", [{"major": 2}, {"device": 2}])
def test_from_dlpack_refuses(options):
    memory = ctypes.create_string_buffer(64)
    with pytest.raises((BufferError, RuntimeError, ValueError)):
        fn.from_dlpack(Foreign(ctypes.addressof(memory), **options))
