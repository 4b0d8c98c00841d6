"""Instruction sets: what is built, what runs, and FASTNN_ISA."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from fastnn import _core

CPUINFO = Path("/proc/cpuinfo")
TARGETS = _core.targets()
SHOW = "from fastnn import _core; t = _core.targets(); print(t['chosen'], '|', t['why'])"


def test_best_available_target_is_chosen(run_python):
    expected = f"{TARGETS['available'][-1]} | the best that this processor runs"
    assert run_python(SHOW).stdout.strip() == expected
    assert run_python(SHOW, FASTNN_ISA="").stdout.strip() == expected


@pytest.mark.parametrize("name", TARGETS["available"])
def test_named_target_is_chosen(run_python, name):
    assert run_python(SHOW, FASTNN_ISA=name).stdout.strip() == f"{name} | FASTNN_ISA"


@pytest.mark.parametrize("name", ["avx9", "AVX2", "scalar,avx2", " "])
def test_unknown_target(run_python, name):
    result = run_python("import fastnn._core", check=False, FASTNN_ISA=name)
    built = ", ".join(TARGETS["built"])
    message = f"ImportError: FASTNN_ISA={name}: unknown target; built here: {built}"
    assert result.stderr.strip().splitlines()[-1] == message


@pytest.mark.parametrize("name", TARGETS["built"][1:])
def test_target_of_another_processor(run_python, name):
    if name in TARGETS["available"]:
        pytest.skip(f"this processor runs {name}; tools/emulate_old_cpu.sh tests it on another")
    result = run_python("import fastnn._core", check=False, FASTNN_ISA=name)
    can = ", ".join(TARGETS["available"])
    message = f"FASTNN_ISA={name}: this processor cannot run it; it can run: {can}"
    assert result.stderr.strip().splitlines()[-1] == f"ImportError: {message}"


def test_targets_are_ordered():
    assert TARGETS["built"][0] == "scalar"
    order = ["scalar", "avx2", "avx512", "neon"]
    assert sorted(TARGETS["built"], key=order.index) == list(TARGETS["built"])


@pytest.mark.skipif(not CPUINFO.exists() or platform.machine() != "x86_64", reason="no such flags")
def test_features_agree_with_the_system():
    for line in CPUINFO.read_text().splitlines():
        if line.startswith("flags"):
            flags = line.split(":")[1].split()
            break
    features = _core.cpu_features()
    for name in ("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl"):
        assert features[name] == (name in flags), name


def test_caches(run_python):
    found = _core.caches()
    assert 8 << 10 <= found["l1"] <= found["l2"]
    assert found["l3"] == 0 or found["l3"] >= found["l2"]
    code = "from fastnn import _core; c = _core.caches(); print(*c.values())"
    assert run_python(code, FASTNN_CACHES="1000,2000,0").stdout.strip() == (
        "1000 2000 0 FASTNN_CACHES"
    )


@pytest.mark.parametrize("level", [1, 2, 3])
def test_caches_agree_with_the_c_library(level):
    name = f"LEVEL{level}_{'D' if level == 1 else ''}CACHE_SIZE"
    told = subprocess.run(["getconf", name], capture_output=True, text=True)
    if not told.stdout.strip().isdigit() or int(told.stdout) == 0:
        pytest.skip("getconf does not know")
    # What glibc calls the third level is on AMD the share of all cores of a package.
    found = _core.caches()[f"l{level}"]
    assert found == int(told.stdout) or (level == 3 and int(told.stdout) % found == 0)


@pytest.mark.parametrize("value", ["1", "1,2", "a,b,c", "0,1,1", "1,2,3,4", "-1,2,3", "1,2,3K"])
def test_bad_caches(run_python, value):
    result = run_python("import fastnn._core", check=False, FASTNN_CACHES=value)
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: FASTNN_CACHES={value}: expected three sizes in bytes")
