"""An operation whose kernels tests replace."""

import fastnn as fn
from fastnn.backends import use_backend


def rising(x):
    with use_backend("jit_cpu"):
        return fn.ops.exp(x)
