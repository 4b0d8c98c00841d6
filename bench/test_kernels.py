"""What the ladder of kernels says where there is no GPU."""

import numpy as np
import pytest

from bench.kernels import climb_on_cuda
from fastnn.backends import devices


@pytest.mark.parametrize("kind", [ImportError, RuntimeError])
def test_without_a_gpu_the_ladder_says_that_it_skips_cuda(kind, monkeypatch, capsys):
    def missing(setting):
        raise kind(f"{setting}: cuda cannot be used here: there is no GPU")

    monkeypatch.setattr(devices, "_require_cuda", missing)
    climb_on_cuda(48, *np.zeros((2, 48, 48), np.float32))
    assert capsys.readouterr().out == (
        "on CUDA, skipped: cuda cannot be used here: there is no GPU\n"
    )
