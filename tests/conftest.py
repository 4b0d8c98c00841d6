"""What holds for the whole suite: when tests on demand run, where real data is."""

import os
import tempfile

import pytest

# Keras reads this when it is first imported. On PyTorch it is quicker than on JAX, where it
# compiles; tests marked `jax` need JAX.
KERAS_BACKEND = os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.fixture(scope="session", autouse=True)
def elsewhere():
    """The suite runs outside the checkout: a Python that a test starts looks into its folder
    first, and must find the package under test."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        yield
        os.chdir(before)


def pytest_configure(config):
    """NumPy's threads of several workers would take turns on the same processors."""
    if getattr(config.option, "numprocesses", None):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the workers inherit it


ON_DEMAND = {"parity": "comparison with other libraries", "gpu": "on a GPU"}


def pytest_collection_modifyitems(config, items):
    for mark, what in ON_DEMAND.items():
        if mark in (config.option.markexpr or ""):
            continue
        skip = pytest.mark.skip(reason=f"{what}: run with `pytest -m {mark}`")
        for item in items:
            if mark in item.keywords:
                item.add_marker(skip)
    for item in items:
        wanted = "jax" if "jax" in item.keywords else "torch"
        if "parity" in item.keywords and wanted != KERAS_BACKEND:
            reason = f"Keras on another backend: run with KERAS_BACKEND={wanted}"
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    missing = [r for r in skipped if isinstance(r.longrepr, tuple) and "not here" in r.longrepr[2]]
    terminalreporter.write_line(f"skipped for want of data: {len(missing)}")
