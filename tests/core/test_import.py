"""What `import fastnn` must not do."""

from __future__ import annotations

import platform
import sys

import pytest

OPTIONAL = ("rich", "safetensors", "numba", "torch", "matplotlib", "PIL", "scipy", "keras", "jax")

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux and glibc offer")


def test_prints_nothing_and_imports_no_optional_package(run_python):
    code = f"""
import sys, fastnn, fastnn.runtime
assert fastnn._core
loaded = [name for name in {OPTIONAL} if name in sys.modules]
assert not loaded, loaded
"""
    result = run_python(code)
    assert result.stdout == "" and result.stderr == ""


@linux
def test_starts_no_thread(run_python):
    run_python("""
import os, numpy
before = os.listdir("/proc/self/task")
import fastnn._core, fastnn.runtime
fastnn.runtime.set_num_threads(4)
assert os.listdir("/proc/self/task") == before
""")


# fegetenv of glibc on x86-64: the x87 environment in 28 bytes, then MXCSR.
FLOAT_STATE = """
import ctypes, ctypes.util, numpy
libm = ctypes.CDLL(ctypes.util.find_library("m"))
def state():
    buffer = (ctypes.c_ubyte * 64)()
    assert libm.fegetenv(buffer) == 0
    control = int.from_bytes(bytes(buffer[:2]), "little")
    return control, int.from_bytes(bytes(buffer[28:32]), "little") & ~0x3f
before = state()
assert before == (0x37f, 0x1f80), before
import fastnn, fastnn._core
USE
assert state() == before, (before, state())
assert numpy.float32(1e-30) * numpy.float32(1e-10) > 0
"""


GEMM = """
x = fastnn._core.from_numpy(numpy.full((300, 300), 1e-30, "float32"))
fastnn._core.gemm(x, x, None, None, None)
"""


@linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads MXCSR")
@pytest.mark.parametrize("use", ["", GEMM], ids=["import", "use"])
def test_floating_point_state_is_left_alone(run_python, use):
    run_python(FLOAT_STATE.replace("USE", use))
