"""An operation whose kernels tests replace, and what they call."""

import fastnn as fn
from fastnn.backends import use_backend


def rising(x):
    with use_backend("jit_cpu"):
        return fn.ops.exp(x)


def positive(n):
    """Here, as pytest rewrites what tests assert."""
    assert n > 0, (
        "n is not positive\n"
        "nor is it zero"
    )  # fmt: skip
    return 1 / n
