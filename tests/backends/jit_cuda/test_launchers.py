"""Launchers of one's own: mistakes in them."""

import numpy as np
import pytest

from fastnn import ops
from fastnn.backends import jit_cuda

from .tensors import cuda


def test_a_launcher_with_other_parameters(monkeypatch):
    x = cuda(np.ones((2, 3), "f4"))
    for launcher, told in (
        (lambda y: None, "too many positional arguments"),
        (5, "not a callable"),
    ):
        monkeypatch.setitem(jit_cuda.functions(), "unary", launcher)
        with pytest.raises(TypeError, match=rf"unary: its launcher must take \(y, x, .*: .*{told}"):
            ops.exp(x)


def test_an_error_of_a_launcher_is_its_own(monkeypatch):
    def failing(*operands, **attributes):
        raise TypeError("of the launcher")

    monkeypatch.setitem(jit_cuda.functions(), "unary", failing)
    with pytest.raises(TypeError, match=r"^of the launcher$"):
        ops.exp(cuda(np.ones((2, 3), "f4")))
