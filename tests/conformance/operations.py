"""How much a call computes, for what has to count it: the simulator of a GPU."""

import math

import hypothesis
import pytest

# A thread of a GPU is a thread of Python there: this many operations take a second or two.
MOST_SIMULATED = 220_000


def _size(value):
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value))
    return 0 if value is None else math.prod(value.shape)


def _attention(operands, results):
    q, k, v = operands[-6:-3]
    pairs = math.prod(q.shape[:3]) * k.shape[1]  # of queries and keys, for each head
    return pairs * (q.shape[-1] + v.shape[-1])


def _recurrence(x, weights):
    return math.prod(x.shape[:2]) * _size(weights)


def _sort(operands, results):
    (x,) = operands
    return _size(x) * math.log2(max(x.shape, default=1) + 1) ** 2  # a network of comparisons


# Of primitives that do more than one operation for an element, the multiplications or comparisons,
# by operands that are read and results.
COUNTS = {
    "gemm": lambda o, r: math.sqrt(_size(o[0]) * _size(o[1]) * _size(r[0])),  # (m k) (k n) (m n)
    "dense_backward": lambda o, r: 2 * _size(o[0]) * o[1].shape[-1],
    "conv": lambda o, r: _size(r[0]) * math.prod(o[1].shape[:-1]),
    "conv_backward_input": lambda o, r: _size(o[0]) * math.prod(o[1].shape[:-1]),
    "conv_backward_kernel": lambda o, r: _size(o[1]) * math.prod(r[0].shape[:-1]),
    "attention": _attention,
    "attention_backward": lambda o, r: 2 * _attention(o, r),
    "rnn": lambda o, r: _recurrence(o[0], o[1]),
    "rnn_backward": lambda o, r: 2 * _recurrence(o[2], o[3]),
    "sort": _sort,
}


def operations(primitive, operands, results):
    """About how many there are in a call: at least one for each element."""
    elements = max(_size(operands), _size(results))
    count = COUNTS.get(primitive)
    return max(elements, count(operands, results)) if count else elements


def skip_if_too_many(primitive, operands, results):
    """Skips a test whose call is too much for the simulator; drawn cases, that one of them."""
    count = operations(primitive, operands, results)
    if count <= MOST_SIMULATED:
        return
    if hypothesis.currently_in_test_context():
        hypothesis.reject()
    pytest.skip(f"{primitive}: {count:.0f} operations are too many for the simulator")
