"""Fixtures: a fresh interpreter, and the native check programs."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "tests" / "core" / "native"
PARTS = ("config", "memory_pool", "thread_pool")
OURS = ("FASTNN_NUM_THREADS", "OMP_NUM_THREADS", "FASTNN_ISA", "FASTNN_CACHES")


@pytest.fixture
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run code in a fresh interpreter, with the given environment variables; a hang fails."""

    # Found, not imported: a build with a sanitizer cannot be, in the run of the other sanitizer.
    origin = importlib.util.find_spec("fastnn").origin

    def run(code: str, check: bool = True, timeout: float = 60, **variables: str):
        environment = {name: value for name, value in os.environ.items() if name not in OURS}
        package = str(Path(origin).parents[1])
        path = os.pathsep.join(filter(None, [package, environment.get("PYTHONPATH")]))
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=environment | {"PYTHONPATH": path} | variables,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
        return result

    return run


@pytest.fixture(scope="session")
def build_native(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Compile a program of tests/core/native once. FASTNN_TEST_CXXFLAGS adds a sanitizer."""
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("native")

    def build(name: str) -> Path:
        program = folder / name
        if not program.exists():
            core = [ROOT / "csrc" / "core" / f"{part}.cpp" for part in PARTS]
            flags = ["-std=c++17", "-O2", "-g", "-pthread", f"-I{ROOT / 'csrc'}"]
            flags += shlex.split(os.environ.get("FASTNN_TEST_CXXFLAGS", ""))
            command = [compiler, *flags, NATIVE / f"{name}.cpp", *core, "-o", program]
            subprocess.run(command, check=True)
        return program

    return build
