"""rnn and rnn_backward.

Bounds: 1e-5 of the largest value in float32, 1e-10 in float64; the chains of products are short,
and gates contract what reaches them.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from fastnn.backends.reference import FUNCTIONS

from .harness import FLOATS, check, drawn, generator, rows

GATES = {"simple": 1, "lstm": 4, "lstm_peephole": 4, "gru": 3, "gru_before": 3}
STATES = {"lstm": 2, "lstm_peephole": 2}

# Batch, steps, inputs, units: tails of blocks of units, blocks of k, no steps, no rows.
SHAPES = [
    (1, 1, 1, 1),
    (1, 7, 5, 16),
    (2, 5, 3, 17),
    (3, 4, 40, 33),
    (7, 6, 9, 8),
    (13, 3, 2, 48),
    (100, 2, 4, 20),
    (5, 0, 3, 4),
    (0, 5, 3, 4),
    (2, 3, 0, 5),
    (6, 2, 3, 300),
    (40, 30, 150, 64),  # by w and u, products that share what is packed
]


def weights_of(cell, inputs, units, directions, bias, draw):
    result = []
    for _ in range(directions):
        columns = GATES[cell] * units
        result += [draw(inputs, columns) / max(inputs, 1) ** 0.5, draw(units, columns) / units**0.5]
        if bias:
            result.append(draw(2, columns) if cell == "gru" else draw(columns))
        if cell == "lstm_peephole":
            result.append(draw(3, units))
    return result


def case(cell, shape, dtype, directions=1, bias=True, initial=False, masked=False, ids=None):
    """ids: their dtype, in place of inputs."""
    batch, steps, inputs, units = shape
    random = generator(cell, shape, directions, 0)

    def draw(*extents):
        return random.normal(size=extents).astype(dtype)

    x, weights = draw(batch, steps, inputs), weights_of(cell, inputs, units, directions, bias, draw)
    states = [draw(batch, units) for _ in range(directions * STATES.get(cell, 1))]
    mask = random.random((batch, steps)) < 0.6 if masked else None
    if ids:
        x = random.integers(0, max(inputs, 1), (batch, steps)).astype(ids)
    return x, [w.astype(dtype) for w in weights], states if initial else None, mask, draw


def bound_of(dtype):
    share = 1e-5 if dtype == "float32" else 1e-10

    def bound(i, expected, eps):
        return share * np.max(np.abs(expected), initial=1e-3)

    return bound


def check_both(backend, dtype, cell, shape, functions, options, **how):
    """Forward, then back from random gradients, on what the reference kept."""
    directions = how.get("directions", 1)
    x, weights, initial, mask, draw = case(cell, shape, dtype, **how)
    backwards, zero_masked = options
    rule = (cell, *functions, directions, backwards, zero_masked)
    bound = bound_of(dtype)
    check(backend, "rnn", [x, weights, initial, mask], *rule, True, False, bound=bound)
    check(backend, "rnn", [x, weights, initial, mask], *rule, True, True, bound=bound)
    names = ("cell", "activation", "recurrent_activation", "directions", "backwards", "zero_masked")
    keywords = dict(zip(names, rule, strict=True))
    y, last, gates, history = FUNCTIONS["rnn"](
        x, weights, initial, mask, **keywords, want_history=True
    )
    operands = [draw(*y.shape), [draw(*a.shape) for a in last], x, weights, mask, gates, history]
    rule += not how.get("ids"), True, True
    check(backend, "rnn_backward", operands, *rule, bound=bound)
    check(backend, "rnn_backward", [None, None, *operands[2:]], *rule, bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "cell", "shape"),
    rows((d, c, s) for d in FLOATS for c in GATES for s in SHAPES),
)
def test_rnn(backend, dtype, cell, shape):
    check_both(backend, dtype, cell, shape, ("tanh", "sigmoid"), (False, False))


@pytest.mark.parametrize(
    ("backend", "dtype", "cell", "shape", "ids"),
    rows(
        (d, c, s, i)
        for d in FLOATS
        for c in GATES
        for s in [(1, 7, 5, 16), (3, 4, 40, 33), (7, 6, 3, 8), (40, 9, 2, 70), (5, 0, 3, 4)]
        for i in ("int32", "int64")
    ),
)
def test_ids(backend, dtype, cell, shape, ids):
    """They stand for rows of w."""
    check_both(backend, dtype, cell, shape, ("tanh", "sigmoid"), (False, False), ids=ids)


@pytest.mark.parametrize("cell", GATES)
def test_ids_are_vectors_with_a_one(cell):
    """The reference itself: what it makes of ids is what it makes of such vectors."""
    ids, weights, *_ = case(cell, (3, 6, 4, 5), "float64", directions=2, ids="int32")
    given = {"cell": cell, "directions": 2}
    pairs = []
    for x in (ids, np.eye(4)[ids]):
        y, last, gates, history = FUNCTIONS["rnn"](x, weights, **given, want_history=True)
        slopes = FUNCTIONS["rnn_backward"](
            np.cos(y), None, x, weights, None, gates, history, **given, want_dx=False
        )
        pairs.append([y, *last, *slopes[1]])
    for of_ids, of_vectors in zip(*pairs, strict=True):
        np.testing.assert_allclose(of_ids, of_vectors, rtol=1e-12, atol=1e-14)


@hypothesis.given(
    cell=strategies.sampled_from(list(GATES)),
    shape=strategies.tuples(
        *(strategies.integers(0, n) for n in (9, 6, 7)), strategies.integers(1, 40)
    ),
    activation=strategies.sampled_from(("linear", "relu", "sigmoid", "tanh")),
    recurrent=strategies.sampled_from(("sigmoid", "tanh")),
    directions=strategies.integers(1, 2),
    flags=strategies.tuples(*[strategies.booleans()] * 6),
)
@pytest.mark.parametrize(("backend", "dtype"), rows((d,) for d in FLOATS))
@drawn
def test_options(backend, dtype, cell, shape, activation, recurrent, directions, flags):
    bias, initial, masked, backwards, zero_masked, ids = flags
    check_both(
        backend,
        dtype,
        cell,
        shape,
        (activation, recurrent),
        (backwards, zero_masked),
        directions=directions,
        bias=bias,
        initial=initial,
        masked=masked,
        ids="int64" if ids and shape[2] else None,
    )
