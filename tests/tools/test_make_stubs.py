"""The committed types of the compiled module are those of the module that runs."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_stubs_are_up_to_date():
    path = ROOT / "tools" / "make_stubs.py"
    committed = ROOT / "fastnn" / "_core.pyi"
    if not path.exists():
        pytest.skip("the checkout is not here")
    spec = importlib.util.spec_from_file_location("make_stubs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert committed.read_text() == module.stubs(), "run: python tools/make_stubs.py"
