"""The bits of attention and its gradients depend on nothing but the numbers."""

import numpy as np
import pytest
from same_bits import same_at_offsets, same_for_threads

import fastnn as fn
from fastnn import ops
from fastnn.ops.attention import fused_attention
from fastnn.tensor import Variable

# batch, queries, keys, heads, groups, width
SHAPES = {
    "one head in many blocks": (1, 700, 600, 1, 1, 24),
    "few heads": (1, 130, 140, 3, 3, 17),
    "groups": (2, 65, 300, 6, 2, 8),
    "many heads": (9, 40, 33, 4, 4, 32),
    "short": (64, 9, 9, 2, 2, 64),
}


def operands(shape, dtype="float32"):
    batch, queries, keys, heads, groups, width = shape
    draws = np.random.default_rng(sum(shape))
    sizes = (
        (batch, queries, heads, width),
        (batch, keys, groups, width),
        (batch, keys, groups, width),
    )
    q, k, v = (draws.normal(size=size).astype(dtype) for size in sizes)
    return q, k, v, draws.random((batch, 1, queries, keys)) < 0.4


def compute(q, k, v, mask=None, causal=False, rate=0.0):
    """The result, all gradients, and the random state afterwards."""
    leaves = [fn.tensor(a, requires_grad=True) for a in (q, k, v)]
    state = Variable(np.array([7, 11]), trainable=False)
    y = fused_attention(*leaves, mask, None, causal, rate, state)
    ops.sum(y * y).backward()
    return y, [leaf.grad for leaf in leaves], state


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_threads(shape, causal):
    q, k, v, _ = operands(SHAPES[shape])
    same_for_threads(lambda: compute(q, k, v, causal=causal))


@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_threads_with_mask_and_dropout(shape, rate):
    given = operands(SHAPES[shape], "float64" if shape == "groups" else "float32")
    same_for_threads(lambda: compute(*given, rate=rate))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_offsets(dtype):
    q, k, v, mask = operands((2, 19, 21, 4, 2, 7), dtype)
    same_at_offsets(lambda *moved: compute(*moved, mask, True, 0.3), q, k, v)


def test_inference_has_the_bits_of_training():
    given = operands(SHAPES["groups"])
    trained = compute(*given)[0]
    with fn.no_grad():
        alone = fused_attention(*given)
    np.testing.assert_array_equal(alone, trained)


def test_examples_do_not_see_each_other():
    """The last example of a batch has the bits that it has alone."""
    q, k, v, mask = operands(SHAPES["many heads"])
    whole = fused_attention(q, k, v, mask).numpy()
    alone = fused_attention(q[-1:], k[-1:], v[-1:], mask[-1:]).numpy()
    np.testing.assert_array_equal(whole[-1:], alone)
