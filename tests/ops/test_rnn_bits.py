"""The bits of ops.rnn and its gradients depend on nothing but the numbers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from same_bits import ROOT, same_at_offsets, same_for_threads

import fastnn as fn

GATES = {"simple": 1, "lstm": 4, "lstm_peephole": 4, "gru": 3, "gru_before": 3}

# name: batch, steps, inputs, units. By default caches the threads share out the rows of the first
# two, the units of the others.
SHAPES = {
    "rows": (33, 4, 20, 40),
    "long rows": (14, 3, 9, 300),
    "units": (3, 5, 7, 150),
    "one row": (1, 6, 30, 129),
    "fewer blocks than threads, no inputs": (5, 4, 0, 64),
}


def draw(*shape, dtype=np.float32):
    return (
        np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype) / max(shape[0], 1) ** 0.5
    )


def operands(cell, shape, directions=1, dtype=np.float32):
    batch, steps, inputs, units = shape
    columns = GATES[cell] * units
    weights = []
    for _ in range(directions):
        weights += [draw(inputs, columns), draw(units, columns)]
        weights.append(draw(2, columns) if cell == "gru" else draw(columns))
        if cell == "lstm_peephole":
            weights.append(draw(3, units))
    return [a.astype(dtype) for a in (draw(batch, steps, inputs), *weights)]


def compute(cell, x, *weights, directions=1, mask=None):
    """Outputs, last states and all gradients."""
    leaves = [fn.tensor(a, requires_grad="float" in str(a.dtype)) for a in (x, *weights)]
    y, states = fn.ops.rnn(
        leaves[0], leaves[1:], cell=cell, bidirectional=directions == 2, mask=mask
    )
    total = fn.ops.sum(y * y) + sum(fn.ops.sum(state) for state in states)
    total.backward()
    return y, states, [leaf.grad for leaf in leaves if leaf.requires_grad]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", GATES)
def test_threads(cell, shape):
    given = operands(cell, SHAPES[shape])
    same_for_threads(lambda: compute(cell, *given))


@pytest.mark.parametrize("shape", list(SHAPES)[:4])
@pytest.mark.parametrize("cell", GATES)
def test_threads_of_ids(cell, shape):
    x, *weights = operands(cell, SHAPES[shape])
    ids = np.random.default_rng(0).integers(0, len(weights[0]), x.shape[:2])
    same_for_threads(lambda: compute(cell, ids, *weights))


@pytest.mark.parametrize("cell", GATES)
def test_threads_of_two_directions(cell):
    given = operands(cell, (9, 4, 5, 33), 2)
    mask = np.random.default_rng(0).random((9, 4)) < 0.6
    same_for_threads(lambda: compute(cell, *given, directions=2, mask=mask))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", GATES)
def test_offsets(cell, dtype):
    given = operands(cell, (7, 3, 9, 21), dtype=dtype)
    same_at_offsets(lambda *moved: compute(cell, *moved), *given)


@pytest.mark.parametrize("cell", GATES)
def test_inference_has_the_bits_of_training(cell):
    x, *weights = operands(cell, (5, 6, 4, 20))
    trained, states, _ = compute(cell, x, *weights)
    with fn.no_grad():
        y, last = fn.ops.rnn(x, weights, cell=cell)
        _, alone = fn.ops.rnn(x, weights, cell=cell, return_sequences=False)
    for a, b in zip([y, *last, *alone], [trained, *states, *states], strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("cell", GATES)
def test_rows_do_not_see_each_other(cell):
    """The last row of a batch, and the same row in a batch of its own size and of another."""
    x, *weights = operands(cell, (50, 3, 4, 20))
    with fn.no_grad():
        whole = fn.ops.rnn(x, weights, cell=cell)[0].numpy()
        part = fn.ops.rnn(x[-9:], weights, cell=cell)[0].numpy()
    np.testing.assert_array_equal(whole[-9:], part)


CODE = """
import hashlib
from same_bits import bits
from test_rnn_bits import SHAPES, compute, operands

for cell in ("lstm", "gru_before"):
    for shape in SHAPES.values():
        print(hashlib.sha256(b"".join(bits(compute(cell, *operands(cell, shape))))).hexdigest())
"""


def test_caches():
    """Whoever shares what, for whatever caches."""
    here = Path(__file__).parent
    path = os.pathsep.join(map(str, (ROOT, here, here.parent)))
    printed = set()
    for caches in ("4096,16384,0", "32768,1048576,0", "65536,67108864,0"):
        environment = {**os.environ, "FASTNN_CACHES": caches, "PYTHONPATH": path}
        result = subprocess.run(
            [sys.executable, "-c", CODE],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        printed.add(result.stdout)
    assert len(printed) == 1
    assert len(set(printed.pop().split())) == 2 * len(SHAPES)
