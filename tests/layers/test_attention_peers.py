"""Attention layers against Keras 3: outputs, masks, and gradients by inputs and weights.

Bounds: 1e-5 of the largest value, DESIGN.md's for float32, and of 1 where all are smaller: the
gradient by the bias of keys is 0, up to rounding, as all scores of a query move alike.
Keras's MultiHeadAttention on JAX takes values of another width than keys only where scores are
returned.
"""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers
from fastnn.layers import masks

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:__array__ implementation", "ignore:You passed"),
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask"),
]
SHAPES = (2, 5, 6), (2, 7, 4), (2, 7, 3)  # query, value, key


@pytest.fixture(autouse=True)
def no_masks_afterwards():
    yield
    masks.state.in_use = False


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def bits(seed, *shape):
    return np.random.default_rng(seed).random(shape) < 0.6


def assert_close(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-5 * max(np.abs(b).max(), 1)


def pair(kind, options, *shapes):
    """A layer of ours and one of Keras with equal weights."""
    import keras

    if "Head" in kind or "Group" in kind:  # JAX compiles every draw
        options = {**options, "kernel_initializer": "zeros"}
    ours, theirs = (getattr(module, kind)(**options) for module in (layers, keras.layers))
    for layer in (ours, theirs):
        layer.build(*shapes)
    assert [w.path.split("/")[1:] for w in ours.weights] == [
        w.path.split("/")[1:] for w in theirs.weights
    ]
    theirs.set_weights([numbers((9, i), *w.shape) * 0.5 for i, w in enumerate(theirs.weights)])
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def compare(ours, theirs, inputs, listed=False, **options):
    """Outputs, and gradients by the inputs and all weights."""
    import jax

    def results(values, inputs):
        given = [list(inputs)] if listed else inputs
        return fn.utils.tree.flatten(theirs.stateless_call(values, rest, *given, **options)[0])

    @jax.jit
    def everything(values, inputs, directions):
        y, back = jax.vjp(results, values, inputs)
        return y, back(directions)

    values = [w.value for w in theirs.trainable_variables]
    rest = [w.value for w in theirs.non_trainable_variables]
    leaves = [fn.tensor(x, requires_grad=True) for x in inputs]
    outputs = fn.utils.tree.flatten(ours(*([leaves] if listed else leaves), **options))
    directions = [numbers((7, i), *y.shape) for i, y in enumerate(outputs)]
    sum(fn.ops.sum(y * d) for y, d in zip(outputs, directions)).backward()
    expected, gradients = everything(values, list(inputs), directions)
    assert_close(outputs, expected)
    found = [w.grad for w in ours.trainable_weights] + [leaf.grad for leaf in leaves]
    assert_close(found, fn.utils.tree.flatten(gradients))


SCORES = {"return_attention_scores": True}
MASK = {"attention_mask": bits(1, 2, 5, 7)}
BLIND = {"attention_mask": np.broadcast_to(np.arange(5)[:, None] != 1, (2, 5, 7))}  # a query
HEADS = [
    ({"num_heads": 2, "key_dim": 3}, {}),
    ({"num_heads": 2, "key_dim": 3, "use_bias": False}, {"use_causal_mask": True}),
    ({"num_heads": 3, "key_dim": 2, "output_shape": (2, 3)}, MASK),
    ({"num_heads": 2, "key_dim": 4, "use_gate": True}, {**MASK, "use_causal_mask": True}),
    ({"num_heads": 1, "key_dim": 4, "value_dim": 3}, SCORES),
    ({"num_heads": 2, "key_dim": 3, "value_dim": 5, "sliding_window": 2}, {**SCORES, **MASK}),
    ({"num_heads": 2, "key_dim": 3}, {"attention_mask": bits(2, 2, 2, 5, 7)}),
    ({"num_heads": 2, "key_dim": 3, "flash_attention": False}, BLIND),
    ({"num_heads": 2, "key_dim": 3}, {**BLIND, **SCORES}),
    ({"num_heads": 2, "key_dim": 3, "dropout": 0.5}, {"attention_mask": bits(4, 5, 7)}),
]


@pytest.mark.jax
@pytest.mark.parametrize("case", range(len(HEADS)))
def test_multi_head_attention(case):
    config, options = HEADS[case]
    inputs = [numbers((case, i), *shape) for i, shape in enumerate(SHAPES)]
    compare(*pair("MultiHeadAttention", config, *SHAPES), inputs, **options)


@pytest.mark.jax
@pytest.mark.parametrize("axes", [None, (2,), (1,)])
def test_attention_axes(axes):
    shape, memory = (2, 3, 4, 5), {None: (2, 6, 2, 5), (2,): (2, 3, 6, 5), (1,): (2, 6, 4, 5)}[axes]
    ours, theirs = pair(
        "MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "attention_axes": axes}, shape, memory
    )
    inputs = numbers(1, *shape), numbers(2, *memory)
    options = {} if axes == (1,) else SCORES  # of axes before others Keras orders scores otherwise
    compare(ours, theirs, inputs, **options)


@pytest.mark.jax
@pytest.mark.parametrize(
    "config, options",
    [
        ({}, {}),
        ({"use_gate": True, "sliding_window": 3}, {**MASK, "use_causal_mask": True}),
        ({"use_bias": False}, SCORES),
    ],
)
def test_group_query_attention(config, options):
    inputs = [numbers(i, *shape) for i, shape in enumerate(SHAPES)]
    sizes = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
    compare(*pair("GroupQueryAttention", {**sizes, **config}, *SHAPES), inputs, **options)


@pytest.mark.jax
@pytest.mark.parametrize(
    "kind, config, options",
    [
        ("Attention", {}, {"mask": [bits(1, 2, 5), bits(2, 2, 7)]}),
        ("Attention", {"use_scale": True}, {"use_causal_mask": True}),
        ("Attention", {"use_scale": True}, {"mask": [None, bits(3, 2, 7)], **SCORES}),
        ("Attention", {"use_scale": True, "score_mode": "concat"}, SCORES),
        ("AdditiveAttention", {}, {"mask": [bits(1, 2, 5), bits(2, 2, 7)]}),
        ("AdditiveAttention", {"use_scale": False}, {"use_causal_mask": True, **SCORES}),
    ],
)
def test_attention(kind, config, options):
    shapes = [(2, 5, 3), (2, 7, 4), (2, 7, 3)]
    inputs = [numbers((3, i), *shape) for i, shape in enumerate(shapes)]
    compare(*pair(kind, config, shapes), inputs, listed=True, **options)


def test_defaults_and_arguments():
    """The arguments of constructors, in their order, and their defaults."""
    import inspect

    import keras

    for name in ("MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention",
                 "UnitNormalization", "EinsumDense"):  # fmt: skip
        ours, theirs = (
            [
                (p.name, p.default)
                for p in inspect.signature(getattr(module, name).__init__).parameters.values()
                if "lora" not in p.name and "quant" not in p.name and "gptq" not in p.name
            ]
            for module in (layers, keras.layers)
        )
        assert ours == theirs
        ours, theirs = (
            [n for n in inspect.signature(getattr(module, name).call).parameters if n != "training"]
            for module in (layers, keras.layers)
        )
        assert ours == theirs


@pytest.mark.jax
@pytest.mark.parametrize("causal", [False, True])
def test_masks_of_embeddings(causal):
    """Masks of query and value, and the mask of the result; memory that is masked differently."""
    import keras

    ids, memory = (
        np.array([[1, 2, 3, 0], [4, 0, 0, 0]]),
        np.array([[1, 0, 2, 0, 0], [3, 3, 1, 2, 0]]),
    )
    config = {"num_heads": 2, "key_dim": 3}
    ours, theirs = pair("MultiHeadAttention", config, (2, 4, 6), (2, 5, 6))
    table = numbers(1, 5, 6)
    found = []
    for module, layer in ((layers, ours), (keras.layers, theirs)):
        embedding = module.Embedding(5, 6, "zeros", mask_zero=True)
        embedding.build((2, 4))
        embedding.set_weights([table])
        x, y, *others = (embedding(np.array(rows)) for rows in (ids, memory) * 2)
        cross = layer(x, y, use_causal_mask=causal)
        again = layer(*others, return_attention_scores=True)
        found.append(
            [cross, *again, getattr(cross, "_mask" if module is layers else "_keras_mask")]
        )
    assert_close(found[0][:3], found[1][:3])
    np.testing.assert_array_equal(found[0][3], np.asarray(found[1][3]))


@pytest.mark.jax
@pytest.mark.parametrize(
    "kind, config, shape",
    [
        ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 4, 5),
                         "bias_axes": "e", "activation": "relu"}, (2, 3, 6)),
        ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 4, "bias_axes": "c"},
         (2, 3, 6)),
    ],
)  # fmt: skip
def test_einsum_dense(kind, config, shape):
    compare(*pair(kind, config, shape), [numbers(1, *shape)])
