"""What every backend refuses, in the same words: before anything is written."""

import re

import numpy as np
import pytest

from fastnn import _core
from fastnn.backends import use_backend

from . import refused_arrays, refused_images, refused_sequences, refused_training
from .harness import BACKENDS, rows, run

# A call has one fault: a GPU names whichever its threads come upon first.
ROWS = [*refused_arrays.ROWS, *refused_images.ROWS, *refused_sequences.ROWS, *refused_training.ROWS]


@pytest.mark.parametrize(("backend", "index"), rows((i,) for i in range(len(ROWS))))
def test_refuses(backend, index):
    primitive, operands, attributes, exception, message = ROWS[index]
    with pytest.raises(exception, match=re.escape(message)):
        run(backend, primitive, operands, *attributes)


def test_every_primitive_refuses_something():
    assert {row[0] for row in ROWS} == set(_core.PRIMITIVES)


# A GPU writes what is right: tests/backends/jit_cuda/test_kernels.py.
OF_HOST = [label for label, backend in BACKENDS.items() if backend != "jit_cuda"]


@pytest.mark.parametrize("backend", rows([()], OF_HOST))
def test_nothing_is_written_when_values_are_refused(backend):
    y, updates = _core.from_numpy(np.ones(3)), _core.from_numpy(np.ones(2))
    indices = _core.from_numpy(np.array([0, 3]))
    with use_backend(backend), pytest.raises(IndexError):
        _core.scatter_add(y, updates, indices, 0)
    assert y.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("backend", "name"), rows((name,) for name in _core.PRIMITIVES if name != "arange")
)
def test_refuses_a_missing_operand(backend, name):
    with pytest.raises(TypeError, match=f"^{name}: .* is missing"):
        run(backend, name, [])
