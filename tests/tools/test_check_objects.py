"""tools/check_objects.py: finds planted mistakes, and finds none in a build."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("check_objects", ROOT / "tools" / "check_objects.py")
check_objects = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_objects)

COMPILER = shutil.which(os.environ.get("CXX", "c++"))
pytestmark = pytest.mark.skipif(
    COMPILER is None or shutil.which("objdump") is None or platform.machine() != "x86_64",
    reason="needs a C++ compiler and binutils on x86-64",
)

FILLER = 'extern "C" void fastnn_fill_pool_avx2(float* x) { x[0] = work(x[0]); }\n'
GOOD = "static float work(float x) { return x + 1; }\n" + FILLER
SHARED = "template <class T> __attribute__((noinline)) T work(T x) { return x + 1; }\n" + FILLER
SECOND = "float work(float x) { return x + 1; }\n" + FILLER
AT_LOAD = 'extern "C" float now(); static float one = now();\n' + GOOD.replace("1;", "one;")
WIDE = "void add(float* x) { for (int i = 0; i < 64; ++i) x[i] += 1; }\n"


@pytest.fixture
def compiled(tmp_path):
    def build(source: str, *flags: str) -> Path:
        (tmp_path / "source.cpp").write_text(source)
        command = [COMPILER, "-O3", *flags, "-c", "source.cpp", "-o", "source.o"]
        subprocess.run(command, cwd=tmp_path, check=True)
        return tmp_path / "source.o"

    return build


def test_kernel_object(compiled):
    assert check_objects.check_kernel(compiled(GOOD), "pool", "avx2") == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (SHARED, "defines W _Z4work"),
        (SECOND, "defines T _Z4workf, T fastnn_fill_pool_avx2;"),
        (AT_LOAD, "has .init_array"),
        ("static int nothing;", "defines nothing"),
        (GOOD.replace("pool", "gemm"), "defines T fastnn_fill_gemm_avx2; expected only T "),
    ],
)
def test_planted_mistake_in_a_kernel_object(compiled, source, problem):
    problems = check_objects.check_kernel(compiled(source), "pool", "avx2")
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    ("flags", "clean"),
    [
        (["-march=x86-64"], True),
        (["-march=x86-64", "-mavx"], False),
        (["-march=x86-64", "-mavx2"], False),
        (["-march=x86-64", "-mavx512f", "-mprefer-vector-width=512"], False),
    ],
)
def test_instructions(compiled, flags, clean):
    problems = check_objects.check_baseline(compiled(WIDE, *flags))
    assert (problems == []) == clean


def test_this_build():
    build = os.environ.get("FASTNN_BUILD_DIR")
    if not build:
        pytest.skip("FASTNN_BUILD_DIR names no build folder")
    problems, kernels, baseline = check_objects.check_build(Path(build))
    assert problems == []
    assert kernels > 0 and baseline > 0
