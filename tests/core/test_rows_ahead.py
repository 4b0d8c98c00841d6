"""Rows of arrays beyond the caches, which are fetched before they are copied, are copied right."""

from __future__ import annotations

SMALL_CACHES = "1024,4096,16384"
CODE = """
import numpy as np
from fastnn import _core, runtime

def check(y, expected):
    np.testing.assert_array_equal(np.asarray(y), expected)

for columns, dtype in ((1, "i8"), (8, "i8"), (60, "f4"), (784, "u1"), (999, "f8"), (5, "f4")):
    x = np.arange(100_000 // columns * columns).astype(dtype).reshape(-1, columns)
    table, rng = _core.from_numpy(x), np.random.default_rng(columns)
    for count in (1, 5, 17, 1000):
        places = rng.integers(-len(x), len(x), count)
        check(_core.gather(table, _core.from_numpy(places), 0), x[places])
        order, position = _core.from_numpy(places % len(x)), _core.from_numpy(np.array(0))
        (batch,) = _core.gather_batch([table], order, position, count)
        check(batch, x[places])
x, places = np.arange(2.0 * 300 * 60).reshape(2, 300, 60), rng.integers(0, 300, 700)
for threads in (1, 3):
    runtime.set_num_threads(threads)
    check(_core.gather(_core.from_numpy(x), _core.from_numpy(places), 1), x[:, places])
"""


def test_rows_and_batches(run_python):
    run_python(CODE, FASTNN_CACHES=SMALL_CACHES)
