"""These tests run in Numba's simulator of CUDA, which must be chosen before Numba is imported."""

import importlib.util
import os

import pytest


def _missing():
    if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1":
        return "run in Numba's simulator alone: NUMBA_ENABLE_CUDASIM=1"
    if not (importlib.util.find_spec("numba") and importlib.util.find_spec("numba_cuda")):
        return "numba and numba-cuda are not installed"
    return None


class _Skipped(pytest.Module):
    def collect(self):
        pytest.skip(_missing())


def pytest_pycollect_makemodule(module_path, parent):
    """A module that says why it is skipped, without being imported."""
    return _Skipped.from_parent(parent, path=module_path) if _missing() else None
