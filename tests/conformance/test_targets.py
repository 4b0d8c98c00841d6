"""Every target that this processor runs, in one run of pytest.

The suite runs in process, for the target that was chosen; here a part of it runs for each of the
others. All of it for one target: ``FASTNN_ISA=scalar pytest tests/conformance``.
"""

import os
import pathlib
import subprocess
import sys

import pytest

import fastnn
from fastnn import _core

TARGETS = _core.targets()
OTHERS = [target for target in TARGETS["available"] if target != TARGETS["chosen"]]
FOLDER = pathlib.Path(__file__).parent
ROOT = FOLDER.parents[1]
PART = "native and (17 or 33 or 257 or whole_range or epilogue or special or bits)"
WITH_FMA = [target for target in TARGETS["available"] if target != "scalar"]


def run_for(target, *arguments):
    environment = dict(os.environ, FASTNN_ISA=target)
    package = str(pathlib.Path(fastnn.__file__).parents[1])
    # The package under test first, then the checkout, for its `tests`, and what tests share.
    environment["PYTHONPATH"] = os.pathsep.join([package, str(ROOT), str(ROOT / "tests")])
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", OTHERS)
def test_other_targets(target):
    files = sorted(str(f) for f in FOLDER.glob("test_*.py") if f.name != "test_targets.py")
    quiet = ("-q", "-x", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"))
    done = run_for(target, "-m", "pytest", *quiet, "-k", PART, *files)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


DIGEST = """
from tests.conformance.test_offsets import digests
for call, number in digests():
    print(call, number)
"""


@pytest.mark.skipif(len(WITH_FMA) < 2, reason="one target with fused multiply-add")
def test_targets_with_fma_give_the_same_bits():
    digests = {}
    for target in WITH_FMA:
        done = run_for(target, "-c", DIGEST)
        assert done.returncode == 0, done.stderr
        digests[target] = done.stdout
    assert len(set(digests.values())) == 1, digests
