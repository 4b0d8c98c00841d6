"""What tests of kernels that users write share."""

import pytest


@pytest.fixture
def planner():
    """Sets the planner of `unary`, for the test."""
    from fastnn.backends import jit_cpu

    usual = jit_cpu.PLANNERS["unary"]
    yield lambda planner: jit_cpu.set_planner("unary", planner)
    jit_cpu.set_planner("unary", usual)
