"""What holds for the whole suite: when parity tests run, where real data is."""

import os

import pytest

# Keras reads this when it is first imported.
os.environ.setdefault("KERAS_BACKEND", "jax")


def pytest_collection_modifyitems(config, items):
    if "parity" in (config.option.markexpr or ""):
        return
    skip = pytest.mark.skip(reason="comparison with other libraries: run with `pytest -m parity`")
    for item in items:
        if "parity" in item.keywords:
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    missing = [r for r in skipped if isinstance(r.longrepr, tuple) and "not here" in r.longrepr[2]]
    terminalreporter.write_line(f"skipped for want of data: {len(missing)}")
