"""Benchmarks. `pytest bench` compares with NumPy, `python -m bench.peers` with other engines.

`python -m` puts this checkout first on the path, where the package has no compiled module unless
it was built in place: the installed fastnn is the one to measure.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

_ROOT = Path(__file__).resolve().parent.parent
if not list((_ROOT / "fastnn").glob("_core*.so")):
    sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != _ROOT]
