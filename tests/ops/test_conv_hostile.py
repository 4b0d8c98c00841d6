"""No call of a convolution, however wrong its arguments, ends the process or hangs."""

import os
import subprocess
import sys
from pathlib import Path

from same_bits import ROOT


def test_hostile_calls_are_refused_and_the_process_goes_on():
    program = Path(__file__).with_name("hostile_convolutions.py")
    done = subprocess.run(
        [sys.executable, str(program), "1"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    returned, refused = map(int, done.stdout.split())
    assert returned + refused == 20_000
    assert returned > 3_000 and refused > 10_000
