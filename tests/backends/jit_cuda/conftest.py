"""These tests run on a GPU or in Numba's simulator, chosen before Numba is imported."""

import gpu
import pytest


class _Skipped(pytest.Module):
    def collect(self):
        pytest.skip(gpu.missing())


def pytest_pycollect_makemodule(module_path, parent):
    """A module that says why it is skipped, without being imported."""
    return _Skipped.from_parent(parent, path=module_path) if gpu.missing() else None
