#!/usr/bin/env python3
"""Check what the compiler put into the objects of a build: `tools/check_objects.py BUILD_DIR`.

One source is compiled for several instruction sets, and a linker keeps one copy of a function that
several objects define. So a kernel object must define one external symbol, the filler of its table,
and nothing that could be shared (weak or unique symbols) or that runs when the module is loaded.
Objects that run on every processor must hold no instruction of AVX or later.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

# Instructions that begin with a v and are not VEX-coded.
NOT_VEX = {"verr", "verw", "vmcall", "vmlaunch", "vmresume", "vmxoff"}
WIDE_REGISTER = re.compile(r"%[yz]mm\d")
MNEMONIC = re.compile(r"^\s*[0-9a-f]+:\t(?:[0-9a-f]{2} )+\s*\t(?:\{\w+\} )?(\w+)\s*(.*)$")


def external_symbols(obj: Path) -> list[tuple[str, str]]:
    """Return (type letter of nm, name) of the external symbols that an object defines."""
    lines = _run("nm", "--extern-only", "--defined-only", obj).splitlines()
    return [(fields[-2], fields[-1]) for fields in map(str.split, lines) if len(fields) >= 2]


def check_kernel(obj: Path, family: str, target: str) -> list[str]:
    """Return what is wrong with the symbols and sections of a kernel object."""
    problems = []
    symbols = external_symbols(obj)
    expected = ("T", f"fastnn_fill_{family}_{target}")
    if symbols != [expected]:
        found = ", ".join(f"{letter} {name}" for letter, name in symbols) or "nothing"
        problems.append(f"defines {found}; expected only T {expected[1]}")
    sections = _run("objdump", "-h", obj)
    problems += [f"has {name}" for name in (".init_array", ".ctors") if f" {name}" in sections]
    return problems


def check_baseline(obj: Path) -> list[str]:
    """Return the instructions that an older x86-64 processor lacks."""
    for line in _run("objdump", "-d", obj).splitlines():
        match = MNEMONIC.match(line)
        if match is None:
            continue
        name, operands = match.groups()
        if (name.startswith("v") and name not in NOT_VEX) or WIDE_REGISTER.search(operands):
            return [f"holds `{name} {operands.strip()}`, which is not of the baseline"]
    return []


def check_build(build: Path) -> tuple[list[str], int, int]:
    """Return the problems of a build, and how many kernel and baseline objects were read."""
    problems, kernels, baseline = [], 0, 0
    for obj in sorted(build.glob("CMakeFiles/*.dir/**/*.o")):
        part = obj.relative_to(build / "CMakeFiles").parts[0]
        match = re.fullmatch(r"kernel_(\w+)_([a-z0-9]+)\.dir", part)
        found = []
        if match:
            kernels += 1
            found += check_kernel(obj, *match.groups())
        if not match or match[2] == "scalar":
            baseline += 1
            if "x86-64" in _run("objdump", "-f", obj):
                found += check_baseline(obj)
        problems += [f"{obj.relative_to(build)}: {problem}" for problem in found]
    return problems, kernels, baseline


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__)
        return 2
    problems, kernels, baseline = check_build(Path(arguments[0]))
    for problem in problems:
        print(problem)
    print(f"{kernels} kernel objects, {baseline} baseline objects, {len(problems)} problems")
    return 1 if problems or kernels == 0 or baseline == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
