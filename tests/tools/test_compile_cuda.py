"""The tool that compiles CUDA's kernels, where the toolkit is missing."""

import importlib.util
from pathlib import Path

import pytest
from fresh_python import run_python

TOOL = Path(__file__).resolve().parents[2] / "tools" / "compile_cuda.py"
WITHOUT_TOOLKIT = """
import runpy, sys
from numba.cuda.cudadrv import nvvm
def missing(): raise ImportError("libNVVM is not available")
nvvm.NVVM = missing
sys.argv = ["compile_cuda", "copy"]
runpy.run_path({tool!r}, run_name="__main__")
"""


@pytest.mark.skipif(not importlib.util.find_spec("numba_cuda"), reason="numba-cuda is missing")
def test_a_missing_toolkit_is_told_once():
    done = run_python(WITHOUT_TOOLKIT.format(tool=str(TOOL)), NUMBA_ENABLE_CUDASIM="0")
    assert done.returncode == 1
    assert done.stderr == (
        "compile_cuda: the compiler of the CUDA toolkit (NVRTC, NVVM) is not installed: "
        "pip install 'numba-cuda[cu13]' (libNVVM is not available)\n"
    )
