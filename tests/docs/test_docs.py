"""The code in README.md and docs/ runs as it stands there, and so do the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import fastnn
from fastnn import config, runtime
from fastnn.backends import backend, use_backend

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.MULTILINE | re.DOTALL
BLOCK = re.compile(r"^```python\n(.*?)^```$", CODE)
WITH_CUDA = re.compile(r"^```python(?: cuda)?\n(.*?)^```$", CODE)

HAS_CUDA = find_spec("numba") and find_spec("numba_cuda")

# Without these a module may be missing what its examples need.
OPTIONAL = {"matplotlib", "pooch", "numba", "numba_cuda", "PIL", "keras", "torch", "jax", "sklearn"}


def script(text: str, blocks: re.Pattern = BLOCK) -> str:
    """The Python blocks of a guide as one program, every line where it stands in the guide."""
    lines, end = [], 0
    for block in blocks.finditer(text):
        lines.append("\n" * text.count("\n", end, block.start(1)))
        lines.append(block[1])
        end = block.end(1)
    return "".join(lines)


def test_cpp_of_the_guide_stands_in_the_source():
    guide = (ROOT / "docs" / "write-a-kernel.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```cpp\n(.*?)^```$", guide, CODE)
    assert block in (ROOT / "csrc" / "kernels" / "norm.cpp").read_text(encoding="utf-8")


def test_lines_of_a_script_keep_their_numbers():
    text = "a\n\n```python\nx = 1\n```\n\n```sh\nls\n```\n```python\n\ny = 2\n```\n"
    program = script(text).split("\n")
    assert [(i, line) for i, line in enumerate(program) if line] == [(3, "x = 1"), (11, "y = 2")]


def run_script(program: str, name: str, folder: Path, **settings: str) -> None:
    file = folder / name
    file.write_text(program, encoding="utf-8")
    # The package that this process tests, from a folder that does not hold it.
    environment = os.environ | {"PYTHONPATH": str(Path(fastnn.__file__).parents[1])} | settings
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_code_of_a_guide_runs(guide, tmp_path):
    program = script(guide.read_text(encoding="utf-8"))
    assert program.strip(), f"{guide.name} has no Python block"
    run_script(program, guide.with_suffix(".py").name, tmp_path)


@pytest.mark.skipif(not HAS_CUDA, reason="numba and numba-cuda are not installed")
def test_cuda_of_the_guide_runs_in_the_simulator(tmp_path):
    guide = (ROOT / "docs" / "write-a-kernel.md").read_text(encoding="utf-8")
    assert len(WITH_CUDA.findall(guide)) > len(BLOCK.findall(guide))
    run_script(script(guide, WITH_CUDA), "guide.py", tmp_path, NUMBA_ENABLE_CUDASIM="1")


def test_guides_link_to_files_that_exist():
    for guide in [*GUIDES, ROOT / "CONTRIBUTING.md", ROOT / "csrc" / "README.md"]:
        prose = re.sub(r"^```.*?^```$", "", guide.read_text(encoding="utf-8"), flags=CODE)
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
            assert (guide.parent / target).exists(), f"{guide.name}: {target}"


def public_modules() -> list[str]:
    walked = pkgutil.walk_packages(fastnn.__path__, "fastnn.")
    names = ["fastnn", *(info.name for info in walked)]
    return [name for name in names if not any(part[0] == "_" for part in name.split("."))]


@pytest.fixture
def settings_kept(tmp_path, monkeypatch):
    """Examples may change settings and write files: neither outlives them."""
    monkeypatch.chdir(tmp_path)
    threads, floatx, chosen = runtime.get_num_threads(), config.floatx(), backend()
    yield
    runtime.set_num_threads(threads)
    config.set_floatx(floatx)
    use_backend(chosen)


@pytest.mark.parametrize("name", public_modules())
def test_examples_of_a_module(name, settings_kept):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(f"{error.name} is not installed")
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder().find(module):
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
