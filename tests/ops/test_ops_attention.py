"""dot_product_attention: a formula, dropout, recorded steps, messages, PyTorch and Keras."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops
from fastnn.ops.attention import attention_weights, fused_attention, weighted_values
from fastnn.tensor import Variable

rng = np.random.default_rng(0)
B, T, S, H, D, V = 2, 5, 7, 4, 3, 6
Q, K, VALUES = (rng.normal(size=shape) for shape in ((B, T, H, D), (B, S, 2, D), (B, S, 2, V)))
BIAS = rng.normal(size=(H, T, S))
SEEN = rng.random((B, 1, T, S)) < 0.5
SEEN[0, 0, 1] = False  # a query that sees no key


def formula(q, k, v, bias=None, mask=None, scale=None, is_causal=False, cap=None):
    """One query after the other: the weights, and what they make of the values."""
    shared = q.shape[2] // k.shape[2]
    weights = np.zeros((q.shape[0], q.shape[2], q.shape[1], k.shape[1]))
    y = np.zeros((*q.shape[:3], v.shape[3]))
    for b, t, h in np.ndindex(q.shape[:3]):
        scores = k[b, :, h // shared] @ q[b, t, h]
        scores = scores * (q.shape[3] ** -0.5 if scale is None else scale)
        if cap is not None:
            scores = cap * np.tanh(scores / cap)
        if bias is not None:
            scores = scores + np.broadcast_to(bias, weights.shape)[b, h, t]
        seen = np.ones(len(scores), bool)
        if mask is not None:
            seen &= np.broadcast_to(mask, weights.shape)[b, h, t]
        if is_causal:
            seen &= np.arange(len(scores)) <= t
        if seen.any():
            powers = np.exp(scores - scores[seen].max()) * seen
        else:
            powers = np.ones(len(scores))
        weights[b, h, t] = powers / powers.sum()
        y[b, t, h] = weights[b, h, t] @ v[b, :, h // shared]
    return weights, y


OPTIONS = {
    "plain": {},
    "scale": {"scale": 2.0},
    "causal": {"is_causal": True},
    "mask": {"mask": SEEN},
    "mask of keys": {"mask": SEEN[:, :, :1]},
    "mask of two axes": {"mask": SEEN[1, 0]},
    "mask and causal": {"mask": SEEN, "is_causal": True},
    "bias": {"bias": BIAS},
    "bias, mask, causal": {"bias": BIAS, "mask": SEEN, "is_causal": True},
    "cap": {"attn_logits_soft_cap": 0.5},
    "whole": {"flash_attention": False, "mask": SEEN, "is_causal": True},
    "flash": {"flash_attention": True},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_values(name):
    options = dict(OPTIONS[name])
    result = ops.dot_product_attention(Q, K, VALUES, **options)
    options.pop("flash_attention", None)
    options["cap"] = options.pop("attn_logits_soft_cap", None)
    np.testing.assert_allclose(result, formula(Q, K, VALUES, **options)[1], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("causal", [False, True])
def test_weights(causal):
    weights = attention_weights(Q, K, mask=SEEN, is_causal=causal)
    expected = formula(Q, K, VALUES, mask=SEEN, is_causal=causal)[0]
    np.testing.assert_allclose(weights, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype, bound", [("float32", 1e-5), ("float64", 1e-12)])
def test_long_sequences_in_blocks(dtype, bound):
    q, k, v = (rng.normal(size=(1, n, 2, 16)).astype(dtype) for n in (130, 700, 700))
    expected = formula(*(a.astype("float64") for a in (q, k, v)), is_causal=True)[1]
    assert np.abs(ops.dot_product_attention(q, k, v, is_causal=True) - expected).max() < bound


@pytest.mark.parametrize("size", [60.0, 1e4])
def test_large_scores_do_not_overflow(size):
    """The largest score of a row is far from the others: the weights are 0 and 1."""
    q = np.full((1, 3, 1, 1), size, "float32")
    k = np.array([1.0, 3.0, -2.0, 2.0], "float32").reshape(1, 4, 1, 1)
    v = np.arange(4, dtype="float32").reshape(1, 4, 1, 1)
    for x in (q, -q):
        y = ops.dot_product_attention(x, k, v)
        np.testing.assert_array_equal(y.numpy().ravel(), [1 if x is q else 2] * 3)


def test_mixed_dtypes_follow_the_query():
    y = ops.dot_product_attention(Q.astype("float32"), K, VALUES)
    assert y.dtype == "float32"


# ---- dropout -------------------------------------------------------------------------------------


def state(seed=3):
    return Variable(np.array([seed, 0]), trainable=False)


def kept_weights(rate, seed=3, shape=(2, 50, 3, 40)):
    """Weights after dropout: values that are the columns of an identity show them."""
    batch, queries, heads, keys = shape
    q, k = rng.normal(size=(batch, queries, heads, 4)), rng.normal(size=(batch, keys, heads, 4))
    v = np.broadcast_to(np.eye(keys)[:, None], (batch, keys, heads, keys))
    kept = fused_attention(q, k, v, rate=rate, state=state(seed)).numpy()
    return kept.transpose(0, 2, 1, 3), attention_weights(q, k).numpy()


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_keeps_each_weight_by_chance_and_the_mean(rate):
    dropped, weights = kept_weights(rate)
    zero = dropped == 0
    np.testing.assert_allclose(dropped[~zero], (weights / (1 - rate))[~zero], rtol=1e-10)
    # 12,000 independent draws: five deviations of the share.
    assert abs(zero.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / zero.size)
    for axis in range(4):  # neither rows nor columns are dropped together
        share = zero.mean(tuple(i for i in range(4) if i != axis))
        assert np.abs(share - rate).max() < 6 * np.sqrt(rate * share.size / zero.size)


def test_dropout_draws_anew_and_again_from_the_same_state():
    first, again, other = (kept_weights(0.5, seed)[0] == 0 for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert 0.4 < (first != other).mean() < 0.6
    moving = state()
    draws = [fused_attention(Q, K, VALUES, rate=0.5, state=moving).numpy() for _ in range(2)]
    assert np.abs(draws[0] - draws[1]).max() > 0.01
    everything = fused_attention(Q, K, VALUES, rate=1.0, state=moving)
    assert not everything.numpy().any()


# ---- recorded steps ------------------------------------------------------------------------------


@pytest.mark.parametrize("fused", [True, False])
def test_recorded_step_has_the_bits_of_eager_calls(fused):
    inputs = [a.astype("float32") for a in (Q, K, VALUES)]

    def run(wrap):
        moving = state()

        def step(q, k, v, seen):
            def loss(q, k, v):
                if fused:
                    y = fused_attention(q, k, v, seen, None, True, 0.3, moving)
                else:
                    y = weighted_values(attention_weights(q, k, mask=seen), v)
                return ops.sum(y * y)

            value, gradients = fn.value_and_grad(loss, argnums=(0, 1, 2))(q, k, v)
            return value, *gradients

        call = wrap(step)
        found = [[part.numpy() for part in call(*inputs, mask)] for mask in (SEEN, ~SEEN) * 3]
        return call, found

    recorded, found = run(fn.capture)
    for ours, eager in zip(found, run(lambda f: f)[1], strict=True):
        for a, b in zip(ours, eager, strict=True):
            np.testing.assert_array_equal(a, b)
    assert "replays" in recorded.explain()


# ---- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"query": Q[0]}, r"query has shape \(5, 4, 3\), expected \[batch, length, heads, width\]"),
        ({"key": K[:1]}, "expected one batch, and key and value with equal lengths and heads"),
        ({"value": VALUES[:, :3]}, "key and value with equal lengths"),
        ({"key": K[..., :2]}, r"key has shape \(2, 7, 2, 2\), expected the width of query"),
        ({"query": Q[:, :, :3]}, "query has 3 heads, expected a multiple of the 2 of key"),
        ({"mask": SEEN[:, 0]}, r"mask has shape \(2, 5, 7\), which does not broadcast to"),
        ({"mask": SEEN[:, :, 1:], "bias": BIAS}, "mask has shape"),
        ({"bias": BIAS[:3]}, r"bias has shape \(3, 5, 7\), which does not broadcast to"),
        ({"bias": BIAS, "flash_attention": True}, "flash_attention is True, expected None or"),
        ({"attn_logits_soft_cap": 1.0, "flash_attention": True}, "flash_attention is True"),
    ],
)
def test_messages(changed, message):
    given = {"query": Q, "key": K, "value": VALUES, **changed}
    with pytest.raises(ValueError, match="^dot_product_attention: .*" + message):
        ops.dot_product_attention(**given)


# ---- other libraries -----------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("name", ["plain", "scale", "causal", "mask", "bias"])
@pytest.mark.parametrize("queries", [33, 300])
def test_as_pytorch(name, queries):
    torch = pytest.importorskip("torch")
    draws = np.random.default_rng(queries)
    q, k, v = (
        draws.normal(size=(2, n, h, 16)).astype("float32")
        for n, h in ((queries, 4), (70, 2), (70, 2))
    )
    options = {"scale": 0.4} if name == "scale" else {"is_causal": name == "causal"}
    theirs = {**options, "attn_mask": None}
    if name == "mask":
        options["mask"] = draws.random((2, 4, queries, 70)) < 0.4
        theirs["attn_mask"] = torch.from_numpy(options["mask"])
    elif name == "bias":
        options["bias"] = draws.normal(size=(4, queries, 70)).astype("float32")
        theirs["attn_mask"] = torch.from_numpy(options["bias"])
    dy = draws.normal(size=(2, queries, 4, 16)).astype("float32")

    ours = [fn.tensor(a, requires_grad=True) for a in (q, k, v)]
    y = ops.dot_product_attention(*ours, **options)
    y.backward(dy)
    leaves = [torch.from_numpy(a).requires_grad_() for a in (q, k, v)]
    expected = torch.nn.functional.scaled_dot_product_attention(
        *(leaf.transpose(1, 2) for leaf in leaves), enable_gqa=True, **theirs
    ).transpose(1, 2)
    expected.backward(torch.from_numpy(dy))
    pairs = [(y, expected.detach()), *((a.grad, b.grad) for a, b in zip(ours, leaves))]
    for a, b in pairs:
        assert np.abs(np.asarray(a) - b.numpy()).max() <= 1e-5 * max(1, np.abs(b.numpy()).max())


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize("name", ["mask and causal", "bias, mask, causal"])
def test_as_keras(name):
    keras = pytest.importorskip("keras")
    q, k, v = (a.astype("float32") for a in (Q, K, VALUES[..., :D]))
    options = dict(OPTIONS[name])
    if "bias" in options:
        options["bias"] = options["bias"][None].astype("float32")
    ours = ops.dot_product_attention(q, k, v, **options)
    theirs = keras.ops.dot_product_attention(q, k, v, **options)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5, atol=1e-6)
