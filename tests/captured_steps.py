"""What tests of recorded steps share."""

import numpy as np
import pytest

from fastnn import captured

RNG = np.random.default_rng(0)
without_verification = pytest.mark.skipif(
    captured.VERIFY, reason="verification runs every step eagerly too"
)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def calls_of(step, *arguments, times=4):
    """Results of so many calls, as bytes."""
    return [np.asarray(step(*arguments)).tobytes() for _ in range(times)]


def replayed(step):
    return "replays" in step.explain()


def reason(step):
    return step.explain()
