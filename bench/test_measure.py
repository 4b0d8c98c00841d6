"""Medians, turns, and what rows refuse."""

import os
import time
from contextlib import contextmanager

import numpy as np
import pytest

from bench.measure import Distance, Others, Speed, interleave
from bench.row import Engine, Row, Streams, arrays, check
from bench.run import DISTURBED, Measurement, calmest


def sleeper(seconds):
    return lambda: time.sleep(seconds)


def test_medians_are_of_a_call():
    found = interleave({"short": sleeper(0.001), "long": sleeper(0.004)}, blocks=2)
    assert 0.001 <= found["short"] < found["long"]
    assert found["long"] >= 0.004


def test_calls_too_short_for_the_clock_are_gathered():
    calls = 0

    def call():
        nonlocal calls
        calls += 1

    median = interleave({"empty": call}, blocks=1)["empty"]
    assert median < 5e-6
    assert calls > 1000


def test_engines_take_turns_inside_their_contexts():
    order = []

    @contextmanager
    def inside():
        order.append("in")
        yield
        order.append("out")

    def call(name):
        if not order or order[-1] != name:
            order.append(name)
        time.sleep(0.005)

    engines = {"a": lambda: call("a"), "b": lambda: call("b")}
    interleave(engines, {"b": inside}, blocks=2)
    assert order == ["a", "in", "b", "out"] * 2


def test_a_turn_begins_with_as_many_calls_as_a_row_asks_for():
    seconds = iter([0.0, *[0.02] * 4, *[0.001] * 1000])  # one tells how often a sample calls
    found = interleave({"slow at first": lambda: time.sleep(next(seconds))}, blocks=1, warm=3)
    assert found["slow at first"] < 0.01


def row(theirs, **options):
    engines = {
        "fastnn": lambda x: Engine(lambda: x + 1),
        "NumPy": lambda x: Engine(theirs(x)),
    }
    return Row("plus one", lambda: [np.arange(4.0)], engines, **options)


def test_a_row_refuses_engines_that_disagree():
    row(lambda x: lambda: x + 1).build()
    with pytest.raises(AssertionError, match="plus one, NumPy: off by 2"):
        row(lambda x: lambda: x).build()


@pytest.mark.parametrize("found", [[[1.0, np.nan]], [[1.0]], [[1.0, 2.0]] * 2])
def test_results_that_differ_are_found(found):
    expected = arrays([[1.0, 2.0]])
    check("the same", expected, expected, 0.0)
    with pytest.raises(AssertionError):
        check("x", arrays(found), expected, 0.1)


@pytest.mark.parametrize(
    "options, kinds",
    [
        ({}, {"overhead"}),
        ({"flops": 1e6}, {"FMA"}),
        ({"flops": 1e6, "streams": (Streams(1000, read=1),)}, {"FMA", "stream"}),
    ],
)
def test_ceilings_of_a_row(options, kinds):
    medians, ceilings = row(lambda x: lambda: x + 1, **options).measure()
    assert {"fastnn", "NumPy"} <= set(medians)
    assert set(ceilings) == kinds
    assert all(seconds > 0 for seconds in ceilings.values())


def test_medians_are_of_one_operation():
    def sleep(x):
        return Engine(lambda: (time.sleep(0.002), x)[1])

    found = Row("four", lambda: [np.ones(1)], {"fastnn": sleep}, calls=4).measure()[0]
    assert 0.0005 <= found["fastnn"] < 0.002


def test_what_others_take_is_noticed(tmp_path):
    stat = tmp_path / "stat"
    busy = round(sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK"))
    stat.write_text(f"cpu {busy} 0 0 999 999 0 0 0 0 0\ncpu0 1 1\n")
    idle = Others(stat)
    time.sleep(0.05)
    assert idle.share() < 0.3
    disturbed = Others(stat)
    time.sleep(0.05)
    for column in (1, 3, 8):  # for others, or by them: user, system, stolen
        words = ["cpu", *"00000000"]
        words[column] = str(busy + 100)
        stat.write_text(" ".join(words))
        assert disturbed.share() > 5
    assert Others(tmp_path / "none").share() == 0


def test_halves_of_one_core_are_noticed():
    rates = iter([100.0, 97.0, 100.0, 55.0, 50.0, 100.0])
    seen: list[float] = []
    speeds = [Speed(lambda: next(rates), 2, seen).missing() for _ in range(3)]
    assert speeds == [0.0, pytest.approx(0.9), pytest.approx(1.0)]


def test_processors_without_a_common_cache_are_noticed():
    trips = iter([60e-9, 50e-9, 55e-9, 300e-9, 320e-9, 51e-9])
    seen: list[float] = []
    found = [Distance(lambda: next(trips), 2, seen).missing() for _ in range(3)]
    assert found == [0.0, 1.0, 1.0]


def test_disturbed_rows_are_measured_again():
    first, second, third = (
        Measurement("gemm", "a", {}, {}, others=DISTURBED * factor) for factor in (3, 0.5, 2)
    )
    tries = iter([first, second, third])
    assert calmest(tries) is second
    assert next(tries) is third
    assert calmest(iter([first, third])) is third
