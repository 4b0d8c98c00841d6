"""NumPy's own tables of elementary functions, read from the NumPy that is installed.

numpy/_core/tests/data/umath-validation-set-*.csv hold exact results, in hexadecimal, with the
error that NumPy allows itself, in units in the last place.
"""

import pathlib

import numpy as np
import pytest

import fastnn as fn

FOLDER = pathlib.Path(np._core.__file__).parent / "tests" / "data"
TABLES = {file.stem.split("-")[-1]: file for file in FOLDER.glob("umath-validation-set-*.csv")}
DTYPES = {"np.float32": (np.uint32, np.float32), "np.float64": (np.uint64, np.float64)}


def rows_of(name):
    """dtype -> (inputs, exact results, the largest error allowed)."""
    lines = TABLES[name].read_text().splitlines()
    rows = [line.split(",") for line in lines if line.startswith("np.")]
    for dtype, (integer, real) in DTYPES.items():
        own = [row for row in rows if row[0] == dtype]
        numbers = [[int(row[i], 16) for row in own] for i in (1, 2)]
        if own:
            x, exact = np.array(numbers, integer).view(real)
            yield x, exact, max(int(row[3]) for row in own)


def test_there_are_tables():
    assert not FOLDER.is_dir() or len(TABLES) > 10


@pytest.mark.parametrize("name", sorted(name for name in TABLES if hasattr(fn.ops, name)))
def test_a_table_of_numpy(name):
    function = getattr(fn.ops, name)
    for x, exact, most in rows_of(name):
        with np.errstate(all="ignore"):
            np.testing.assert_array_max_ulp(np.asarray(function(x)), exact, most)
