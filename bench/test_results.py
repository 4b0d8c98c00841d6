"""RESULTS.md of made figures, runs as files, and what the repository's own say."""

import os
from pathlib import Path

import pytest

from bench import results
from bench.row import ONE_THREAD
from bench.run import Measurement, Run, load, machine

CONDITIONS = {
    "machine": "an abacus, 2 processors",
    "instruction set": "scalar",
    "threads": "2",
    "versions": "Python 3.99, fastnn 0.1.0",
    "date": "2020-02-29",
}
FAST = Measurement(
    "gemm",
    "8x8x8 NN",
    {"fastnn": 2e-6, "NumPy": 5e-6, "PyTorch": 4e-6, ONE_THREAD: 3e-6},
    {"FMA": 1e-6, "stream": 0.5e-6},
)
SLOW = Measurement(
    "gemm",
    "9x9x9 NN",
    {"fastnn": 4e-3, "NumPy": 2e-3, ONE_THREAD: 3e-3},
    {"FMA": 3.8e-3, "stream": 1e-3},
    others=0.5,
)
MEMORY = Measurement("startup", "resident", {"fastnn": 45 * 2**20}, {"import numpy": 1.0}, "B")


def cells(text, row):
    (line,) = [line for line in text.split("\n") if line.startswith(f"| {row}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_tables():
    text = results.markdown([Run(CONDITIONS, [FAST, SLOW, MEMORY])])
    assert "2020-02-29, an abacus, 2 processors, Python 3.99" in text
    assert cells(text, "row | fastnn | NumPy") == [
        *("row", "fastnn", "NumPy", "PyTorch", "ratio", "ceiling", "1 thread"),
    ]
    assert cells(text, "8x8x8 NN") == [
        *("8x8x8 NN", "2.00 us", "5.00 us", "4.00 us", "2.00", "50 % FMA", "1.50"),
    ]
    assert cells(text, "9x9x9 NN") == [
        *("9x9x9 NN \\*", "4.00 ms", "2.00 ms", "", "0.50", "95 % FMA", "0.75"),
    ]
    assert cells(text, "resident") == ["resident", "45 MiB"]
    assert "Geometric mean of the ratios: 1.00, over 2 rows." in text


def test_rows_behind_a_peer_are_listed():
    lines = results.shortfalls(Run(CONDITIONS, [FAST, SLOW, MEMORY]))
    assert [line for line in lines if line.startswith("-")] == [
        "- products of matrices: 9x9x9 NN: 0.50 (NumPy), at its ceiling all the same",
        "- products of matrices: 9x9x9 NN: 1.33",
    ]
    lines = results.shortfalls(Run(CONDITIONS, [FAST, MEMORY]))
    assert [line for line in lines if line.startswith("-")] == ["- none", "- none"]


@pytest.mark.parametrize(
    "number, unit, text",
    [
        (1.5, "s", "1.50 s"),
        (0.0123, "s", "12.3 ms"),
        (123e-6, "s", "123 us"),
        (99e-9, "s", "0.10 us"),
        (2**20, "B", "1 MiB"),
    ],
)
def test_values(number, unit, text):
    assert results.value(number, unit) == text


def test_a_run_grows_under_the_same_conditions_only(tmp_path):
    results.keep([FAST], CONDITIONS, tmp_path)
    results.keep([SLOW], {**CONDITIONS, "date": "2020-03-01"}, tmp_path)
    again = Measurement("gemm", FAST.row, {"fastnn": 1.0}, {"FMA": 1.0})
    run = results.keep([again], CONDITIONS, tmp_path)
    assert run.measurements == [SLOW, again]
    assert load(tmp_path / "scalar-2.json") == run
    run = results.keep([FAST], {**CONDITIONS, "versions": "fastnn 0.2.0"}, tmp_path)
    assert run.measurements == [FAST]
    results.keep([SLOW], {**CONDITIONS, "threads": "1"}, tmp_path)
    (tmp_path / "gemm-scalar-2.png").touch()
    results.write(tmp_path / "RESULTS.md", tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert text.count("![") == 1
    assert f"({tmp_path.name}/gemm-scalar-2.png)" in text
    assert "## scalar, 1 thread\n" in text
    assert "## scalar, 2 threads\n" in text


@pytest.mark.parametrize(
    "text, name",
    [
        ("vendor_id\t: AuthenticAMD\ncpu family : 25\nmodel : 17\nmodel name : E", "E (Zen 4, "),
        ("vendor_id : AuthenticAMD\ncpu family : 25\nmodel : 33\nmodel name : R", "R (Zen 3, "),
        ("vendor_id : Abacus\nmodel name : A 3\n\nvendor_id : B\nmodel name : B", "A 3 ("),
    ],
)
def test_machine(text, name, tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text(text, encoding="utf-8")
    assert machine(file) == f"{name}{os.cpu_count()} cores)"


def test_results_are_those_of_the_stored_runs(tmp_path):
    results.write(tmp_path / "RESULTS.md")
    assert (tmp_path / "RESULTS.md").read_text() == Path(results.FILE).read_text()
