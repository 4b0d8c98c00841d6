"""Every row agrees with NumPy's result, or a loop's in Python; `pytest bench` times both."""

from functools import lru_cache
from importlib import import_module

import pytest

from bench.families import FAMILIES
from bench.families.startup import fresh
from bench.row import JIT, PACKAGES

ENGINES = ("fastnn", JIT, "NumPy", "plain Python")
ROWS = {
    f"{family}: {row.name}": row
    for family in FAMILIES
    if family != "startup"
    for row in import_module(f"bench.families.{family}").rows()
}


@lru_cache(1)
def built(name: str):
    """The calls of a row, kept until the next row's."""
    return ROWS[name].build(ENGINES)


@pytest.mark.parametrize(
    "name, engine", [(name, engine) for name, row in ROWS.items() for engine in row.names(ENGINES)]
)
def test_row(name, engine, benchmark):
    benchmark.group = name
    benchmark(built(name)[engine])


@pytest.mark.parametrize("engine", ("fastnn", "NumPy"))
def test_import(engine, benchmark):
    benchmark.group = "a fresh process that imports"
    benchmark.pedantic(fresh, (PACKAGES[engine],), rounds=3)
