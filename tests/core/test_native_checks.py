"""The thread pool and the memory pool from C++: one test a check of tests/core/native."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

NATIVE = Path(__file__).parent / "native"
PROGRAMS = ("memory_pool_checks", "thread_pool_checks")


def _checks(program: str) -> list[str]:
    return re.findall(r'\{"(\w+)",', (NATIVE / f"{program}.cpp").read_text())


CASES = [(program, check) for program in PROGRAMS for check in _checks(program)]


@pytest.mark.parametrize(("program", "check"), CASES)
def test_native(build_native, program, check):
    result = subprocess.run(
        [build_native(program), check], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_check_is_run(build_native, program):
    listed = subprocess.run([build_native(program)], capture_output=True, text=True, check=True)
    assert sorted(listed.stdout.split()) == sorted(_checks(program))
    assert len(_checks(program)) >= 8
