"""The regression check on made figures."""

from bench.regression import TOLERANCE, check, slower
from bench.run import Measurement, Run


def product(seconds, ceiling=1.0, row="a product"):
    return Measurement("gemm", row, {"fastnn": seconds}, {"FMA": ceiling, "stream": 0.1})


BASELINE = Run({}, [product(1.25), product(2.0, row="another")])


def test_an_equal_run_passes():
    assert slower(BASELINE, BASELINE, 0.0) == []


def test_a_slowed_row_is_flagged():
    now = Run({}, [product(1.25 * (1 + TOLERANCE) * 1.01), product(2.0, row="another")])
    ((m, times),) = slower(BASELINE, now, TOLERANCE)
    assert m.row == "a product"
    assert abs(times - 1.01 * (1 + TOLERANCE)) < 1e-9


def test_a_slower_machine_passes():
    now = Run({}, [product(2.5, ceiling=2.0), product(4.0, 2.0, "another")])
    assert slower(BASELINE, now, 0.01) == []


def test_a_row_that_the_baseline_has_not_is_left_out():
    assert slower(BASELINE, Run({}, [product(99.0, row="new")]), 0.1) == []


def script(*runs):
    """Measures what was written for each turn, and notes what was asked."""
    turns, asked = iter(runs), []

    def measure(families, engines, rows=None):
        asked.append(rows)
        return [m for m in next(turns) if rows is None or m.row in rows[m.family]]

    return measure, asked


def test_rows_are_slower_that_stay_so():
    slow, fine = product(2.0), product(1.3)
    other = product(2.0, row="another")
    measure, asked = script([slow, other], [slow], [slow])
    assert [m for m, _ in check(BASELINE, ["gemm"], TOLERANCE, measure)] == [slow]
    assert asked == [None, {"gemm": {"a product"}}, {"gemm": {"a product"}}]
    measure, _ = script([slow, other], [slow], [fine])
    assert check(BASELINE, ["gemm"], TOLERANCE, measure) == []
    measure, asked = script([fine, other])
    assert check(BASELINE, ["gemm"], TOLERANCE, measure) == []
    assert len(asked) == 1
