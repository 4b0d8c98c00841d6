"""Attention layers: formulas, masks, files, recorded steps, messages; a task that needs attention.

tests/layers/test_attention_peers.py compares with Keras.
"""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers, ops
from fastnn.layers import masks

rng = np.random.default_rng(0)
X, V, K = (rng.normal(size=shape) for shape in ((2, 5, 6), (2, 7, 4), (2, 7, 3)))


@pytest.fixture(autouse=True)
def no_masks_afterwards():
    yield
    masks.state.in_use = False


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def drawn(layer, *shapes):
    """The layer in float64, built, with weights that are all drawn."""
    layer.build(*shapes)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=w.shape) for w in layer.weights])
    return layer


# ---- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [4, 2, 1])
@pytest.mark.parametrize("gate", [False, True])
def test_heads_by_a_formula(groups, gate):
    """Head by head, from the weights as they lie."""
    if groups == 4:
        layer = layers.MultiHeadAttention(4, 3, use_gate=gate, dtype="float64")
    else:
        layer = layers.GroupQueryAttention(3, 4, groups, use_gate=gate, dtype="float64")
    drawn(layer, X.shape, V.shape, K.shape)
    wq, bq, wk, bk, *gates, wv, bv, wo, bo = layer.get_weights()
    heads = []
    for h in range(4):
        g = h // (4 // groups)
        q, k, v = X @ wq[:, h] + bq[h], K @ wk[:, g] + bk[g], V @ wv[:, g] + bv[g]
        y = softmax(q @ k.swapaxes(1, 2) / np.sqrt(3)) @ v
        if gate:
            y = y / (1 + np.exp(-(X @ gates[0][:, h] + gates[1][h])))
        heads.append(y @ wo[h])
    expected = sum(heads) + bo
    np.testing.assert_allclose(layer(X, V, K), expected, rtol=1e-11)
    y, weights = layer(X, V, K, return_attention_scores=True)
    np.testing.assert_allclose(y, expected, rtol=1e-11)
    np.testing.assert_allclose(weights.numpy().sum(-1), np.ones((2, 4, 5)), rtol=1e-11)


@pytest.mark.parametrize(
    "axes, order, positions, scores",
    [
        (None, (0, 1, 2, 3), 12, (2, 2, 3, 4, 3, 4)),
        ((1, 2), (0, 1, 2, 3), 12, (2, 2, 3, 4, 3, 4)),
        ((2, 1), (0, 2, 1, 3), 12, (2, 2, 4, 3, 4, 3)),
        ((2,), (0, 1, 2, 3), 4, (2, 3, 2, 4, 4)),
        (-2, (0, 1, 2, 3), 4, (2, 3, 2, 4, 4)),
        ((1,), (0, 2, 1, 3), 3, (2, 4, 2, 3, 3)),
        ((3, 1), (0, 2, 3, 1, 4), 6, (2, 4, 2, 2, 3, 2, 3)),
    ],
)
def test_attention_axes(axes, order, positions, scores):
    """Axes that attention is along become one, others examples; here by hand."""
    x = rng.normal(size=(*(2, 3, 4, 2)[: len(order) - 1], 6))
    layer = layers.MultiHeadAttention(2, 3, attention_axes=axes, dtype="float64")
    flat = layers.MultiHeadAttention(2, 3, dtype="float64")
    drawn(layer, x.shape, x.shape)
    drawn(flat, (1, 2, 6), (1, 2, 6))
    moved = x.transpose(order)
    parts = moved.reshape(-1, positions, 6)

    def back(y):
        return y.numpy().reshape(moved.shape).transpose(np.argsort(order))

    y, weights = layer(x, x, return_attention_scores=True)
    expected, flat_weights = flat(parts, parts, return_attention_scores=True)
    np.testing.assert_allclose(y, back(expected), rtol=1e-9)
    np.testing.assert_allclose(layer(x, x), back(expected), rtol=1e-9)
    assert weights.shape == scores
    np.testing.assert_allclose(weights.numpy().ravel(), flat_weights.numpy().ravel(), rtol=1e-9)
    seen = rng.random(scores) < 0.5
    masked = flat(parts, parts, attention_mask=seen.reshape(-1, 2, positions, positions))
    np.testing.assert_allclose(layer(x, x, attention_mask=seen), back(masked), rtol=1e-9)


@pytest.mark.parametrize("kind", ["dot", "scaled dot", "concat", "additive"])
def test_attention_by_a_formula(kind):
    x, k = X[..., :3], K
    if kind == "additive":
        layer = layers.AdditiveAttention(dtype="float64")
    else:
        layer = layers.Attention(kind != "dot", kind.split()[-1], dtype="float64")
    drawn(layer, [x.shape, V.shape, k.shape])
    sums = x[:, :, None] + k[:, None]
    if kind == "additive":
        scores = (np.tanh(sums) * layer.scale.numpy()).sum(-1)
    elif kind == "concat":
        scale, weight = (w.item() for w in layer.get_weights())
        scores = weight * np.tanh(scale * sums).sum(-1)
    else:
        scores = x @ k.swapaxes(1, 2) * (layer.get_weights()[0] if kind != "dot" else 1)
    expected = softmax(scores) @ V
    np.testing.assert_allclose(layer([x, V, k]), expected, rtol=1e-10)
    y, weights = layer([x, V, k], return_attention_scores=True)
    np.testing.assert_allclose(y, expected, rtol=1e-10)
    np.testing.assert_allclose(weights, softmax(scores), rtol=1e-10)
    causal = np.where(np.tri(5, 7, dtype=bool), scores, -np.inf)
    y = layer([x, V, k], use_causal_mask=True)
    np.testing.assert_allclose(y, softmax(causal) @ V, rtol=1e-10)
    # More axes before: an example each.
    more = [np.stack([a, a[::-1]], 1) for a in (x, V, k)]
    np.testing.assert_allclose(layer(more)[:, 0], expected, rtol=1e-10)
    np.testing.assert_allclose(layer(more)[:, 1], expected[::-1], rtol=1e-10)


def test_kernels_of_heads_have_the_fans_of_one_matrix():
    """glorot_uniform of [64, 8, 16] is that of [64, 128], and of [8, 16, 64] that of [128, 64]."""
    layer = layers.MultiHeadAttention(8, 16)
    layer.build((1, 2, 64), (1, 2, 64))
    limit = np.sqrt(6 / (64 + 128))
    for kernel in layer.get_weights()[::2]:
        assert 0.99 * limit < np.abs(kernel).max() <= limit


# ---- masks ---------------------------------------------------------------------------------------


def test_masks_of_embeddings_reach_the_heads():
    """What stands in filled places does not matter, and the result carries the query's mask."""
    ids = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0]])
    table = layers.Embedding(5, 6, mask_zero=True)
    layer = layers.MultiHeadAttention(2, 3)
    x = table(ids)
    y = layer(x, x)
    np.testing.assert_array_equal(masks.get_mask(y), ids != 0)
    np.testing.assert_array_equal(masks.get_mask(x), ids != 0)
    other = x.numpy().copy()
    other[ids == 0] = 100
    again = fn.tensor(other)
    masks.set_mask(again, masks.get_mask(x))
    np.testing.assert_array_equal(layer(again, again).numpy()[ids != 0], y.numpy()[ids != 0])
    by_name = layer(value=x, query=x)
    np.testing.assert_array_equal(by_name, y)
    np.testing.assert_array_equal(masks.get_mask(by_name), ids != 0)
    # Only the first of two outputs has the query's positions.
    y, weights = layer(x, x, return_attention_scores=True)
    np.testing.assert_array_equal(masks.get_mask(y), ids != 0)
    assert masks.get_mask(weights) is None
    pairs = (ids != 0)[:, None, :, None] & (ids != 0)[:, None, None]
    np.testing.assert_array_equal(weights.numpy() != 0, np.broadcast_to(pairs, weights.shape))


def test_masks_of_attention():
    ids = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0]])
    x = layers.Embedding(5, 6, mask_zero=True)(ids)
    y = layers.Attention()([x, x])
    np.testing.assert_array_equal(masks.get_mask(y), ids != 0)
    assert not y.numpy()[ids == 0].any()
    seen = x.numpy()
    scores = np.where((ids != 0)[:, None], seen @ seen.swapaxes(1, 2), -np.inf)
    expected = softmax(scores) @ seen
    np.testing.assert_allclose(y.numpy()[ids != 0], expected[ids != 0], rtol=1e-5)


def test_masks_of_several_axes():
    """A mask of fewer axes than the positions, and one of all, where attention is along one."""
    x = rng.normal(size=(2, 3, 4, 6))
    layer = drawn(
        layers.MultiHeadAttention(2, 3, attention_axes=2, dtype="float64"), x.shape, x.shape
    )
    full = rng.random((2, 3, 4)) < 0.6
    full[..., 0] = True
    y = layer(x, x, value_mask=full)
    pairs = np.broadcast_to(full[:, :, None], (2, 3, 4, 4))
    np.testing.assert_allclose(y, layer(x, x, attention_mask=pairs), rtol=1e-10)
    rows = np.array([[True, True, False], [True, False, True]])
    y = layer(x, x, value_mask=rows)  # a row that is all filling weighs alike, others all
    free = layer(x, x).numpy()
    np.testing.assert_allclose(y.numpy()[rows], free[rows], rtol=1e-10)
    assert np.abs(y.numpy() - free)[~rows].min() > 1e-6


def test_a_query_that_sees_nothing_weighs_all_alike_unless_weights_are_returned():
    nothing = np.zeros((2, 5, 7), bool)
    for flash in (None, False):
        layer = layers.MultiHeadAttention(2, 3, flash_attention=flash, dtype="float64")
        wv, bv, wo, bo = drawn(layer, X.shape, V.shape).get_weights()[4:]
        values = (np.einsum("bkf,fhd->bkhd", V, wv) + bv).mean(1, keepdims=True)
        mean = np.broadcast_to(np.einsum("bqhd,hdf->bqf", values, wo) + bo, X.shape)
        np.testing.assert_allclose(layer(X, V, attention_mask=nothing), mean, rtol=1e-10)
        y, weights = layer(X, V, attention_mask=nothing, return_attention_scores=True)
        assert not weights.numpy().any()
        np.testing.assert_array_equal(y, np.broadcast_to(bo, X.shape))


def test_masks_may_be_lists():
    seen = np.array([[True] * 5, [True, False] * 2 + [True]])
    for kind in (layers.Attention, layers.AdditiveAttention):
        layer = kind()
        np.testing.assert_array_equal(
            layer([X, X], mask=[None, seen.tolist()]), layer([X, X], mask=[None, seen])
        )
    scores, norm = layers.Softmax(), layers.BatchNormalization()
    np.testing.assert_array_equal(scores(X[:, :, :5], mask=seen.tolist()[1]).numpy()[..., 1], 0)
    np.testing.assert_array_equal(
        norm(X, training=True, mask=seen.tolist()), norm(X, training=True, mask=seen)
    )


def test_each_mask_hides_what_it_names():
    layer = layers.MultiHeadAttention(2, 3)
    keys, others = np.array([[True] * 6 + [False], [False] + [True] * 6]), np.arange(7) != 3
    given = {
        "key_mask": keys,
        "value_mask": np.stack([others] * 2),
        "attention_mask": np.eye(5, 7) < 1,
    }
    _, weights = layer(X, V, K, return_attention_scores=True, **given)
    expected = (keys & others)[:, None, None] & given["attention_mask"]
    np.testing.assert_array_equal(weights.numpy() > 0, np.broadcast_to(expected, (2, 2, 5, 7)))


@pytest.mark.parametrize("window", [1, 2, 5])
def test_sliding_window(window):
    layer = layers.MultiHeadAttention(2, 3, sliding_window=window)
    _, weights = layer(X, X, return_attention_scores=True)
    distance = np.abs(np.arange(5)[:, None] - np.arange(5))
    expected = np.broadcast_to(distance < window, (2, 2, 5, 5))
    np.testing.assert_array_equal(weights.numpy() > 0, expected)
    _, weights = layer(X, X, return_attention_scores=True, use_causal_mask=True)
    np.testing.assert_array_equal(weights.numpy() > 0, expected & np.tri(5, dtype=bool))
    np.testing.assert_allclose(
        layer(X, X, use_causal_mask=True),
        layer(X, X, use_causal_mask=True, return_attention_scores=True)[0],
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip


# ---- dropout -------------------------------------------------------------------------------------


def test_dropout_only_in_training():
    made = (
        layers.MultiHeadAttention(2, 3, dropout=0.5, seed=1),
        layers.GroupQueryAttention(3, 2, 1, dropout=0.5, seed=1),
    )
    for layer in made:
        calm = layer(X, X).numpy()
        np.testing.assert_array_equal(layer(X, X, training=False), calm)
        first, second = (layer(X, X, training=True).numpy() for _ in range(2))
        assert np.abs(first - second).max() > 1e-3 and np.abs(first - calm).max() > 1e-3
        mean = np.mean([layer(X, X, training=True).numpy() for _ in range(400)], axis=0)
        assert np.abs(mean - calm).max() < 0.25 * np.abs(first - calm).max()
    attention = layers.Attention(dropout=0.5, seed=1)
    calm = attention([X, X]).numpy()
    assert np.abs(attention([X, X], training=True).numpy() - calm).max() > 1e-3
    _, weights = attention([X, X], training=True, return_attention_scores=True)
    assert 0.2 < (weights.numpy() == 0).mean() < 0.8
    np.testing.assert_array_equal(attention([X, X]), calm)


# ---- models --------------------------------------------------------------------------------------

LENGTH, SYMBOLS = 8, 6


def which_came_first(count, seed):
    """Sequences with one 1 and one 2 among other symbols and filling; 1 if the 1 came first."""
    random = np.random.default_rng(seed)
    ids = random.integers(3, SYMBOLS, (count, LENGTH))
    lengths = random.integers(4, LENGTH + 1, count)
    ids[np.arange(LENGTH) >= lengths[:, None]] = 0
    places = np.array([random.choice(n, 2, replace=False) for n in lengths])
    ids[np.arange(count), places[:, 0]] = 1
    ids[np.arange(count), places[:, 1]] = 2
    return ids, (places[:, 0] < places[:, 1]).astype("float32")


def transformer(attends=True, dropout=0.0):
    """A block of a decoder: who looks back sees whether the other was there."""
    ids = layers.Input((LENGTH,), dtype="int32")
    x = layers.Embedding(SYMBOLS, 16, mask_zero=True)(ids)
    if attends:
        y = layers.MultiHeadAttention(2, 8, dropout=dropout, seed=3)(x, x, use_causal_mask=True)
        x = layers.Add()([x, y])
    x = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.Dense(16)(layers.Dense(32, activation="relu")(x))])
    x = layers.GlobalAveragePooling1D()(x)
    model = fn.Model(ids, layers.Dense(1, activation="sigmoid")(x))
    model.compile(fn.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def test_a_transformer_learns_what_only_attention_can_see():
    data, test = which_came_first(1024, 0), which_came_first(512, 1)
    found = {}
    for attends in (True, False):
        fn.utils.set_random_seed(0)
        model = transformer(attends)
        model.fit(*data, batch_size=64, epochs=12, verbose=0)
        found[attends] = model.evaluate(*test, verbose=0)[1]
    assert found[True] > 0.95
    assert found[False] < 0.6  # without attention order cannot be seen


def test_steps_are_recorded_with_the_bits_of_eager_ones_and_saved(tmp_path):
    x, y = which_came_first(100, 2)
    found = []
    for eager in (False, True):
        fn.utils.set_random_seed(4)
        model = transformer(dropout=0.2)
        model.compile("adam", "binary_crossentropy", run_eagerly=eager)
        losses = model.fit(x, y, batch_size=32, epochs=3, verbose=0).history["loss"]
        found.append((losses, model.get_weights()))
        if not eager:
            assert any(" replays " in step.explain() for _, step in model._records.steps.values())
    assert found[0][0] == found[1][0]
    for a, b in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(a, b)
    model.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def every_layer():
    query, value = layers.Input((5, 6)), layers.Input((7, 6))
    y, weights = layers.MultiHeadAttention(
        2, 3, 4, 0.1, False, (2, 3), 1, 3, None, kernel_regularizer="l2", use_gate=True, seed=4
    )(query, value, return_attention_scores=True)
    assert y.shape == (None, 5, 2, 3) and weights.shape == (None, 2, 5, 7)
    z = layers.GroupQueryAttention(3, 4, 2, flash_attention=False)(query, value, value)
    a, scores = layers.Attention(True, "concat", 0.2, 5)([z, value], return_attention_scores=True)
    assert a.shape == (None, 5, 6) and scores.shape == (None, 5, 7)
    b = layers.UnitNormalization([1, 2])(layers.AdditiveAttention()([a, value]))
    c = layers.EinsumDense("abc,cd->abd", (None, 4), "relu", "d", activity_regularizer="l1")(b)
    return fn.Model([query, value], [y, weights, c])


def test_every_layer_is_saved_with_its_arguments(tmp_path):
    model = every_layer()
    x = [rng.normal(size=(3, n, 6)).astype("float32") for n in (5, 7)]
    model.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    for a, b in zip(model.predict(x, verbose=0), again.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.layers, again.layers, strict=True):
        assert a.get_config() == b.get_config()
    assert [w.path for w in model.weights] == [w.path for w in again.weights]
    assert len(model.losses) == len(again.losses) == 5  # l2 of the kernels; activities when called


# ---- messages ------------------------------------------------------------------------------------


def heads(**options):
    return layers.MultiHeadAttention(**{"num_heads": 2, "key_dim": 3, "name": "m", **options})


MESSAGES = [
    (lambda: heads(num_heads=0), "MultiHeadAttention: num_heads must be a positive integer, got 0"),
    (lambda: heads(key_dim=1.5), "key_dim must be a positive integer, got 1.5"),
    (lambda: heads(value_dim=-1), "value_dim must be a positive integer, got -1"),
    (lambda: heads(value_dim=0), "value_dim must be a positive integer, got 0"),
    (lambda: heads(dropout=2), "dropout must be a number from 0 to 1, got 2"),
    (lambda: heads(sliding_window=0), "sliding_window must be a positive integer, got 0"),
    (lambda: heads(output_shape="3"), "output_shape must be an integer or several, got '3'"),
    (lambda: heads(attention_axes=0)(X, X), r"m: attention_axes is \(0,\), expected different"),
    (lambda: heads(attention_axes=(1, -2))(X, X), "expected different ones of 1 for inputs of 3"),
    (lambda: heads()(X[0], X[0]), "m: query, value and key have shapes .* expected three axes"),
    (lambda: heads()(X, V, K[:, :3]), "expected value and key to have equal positions"),
    (lambda: heads()(X, V[:1]), "m: query, value and key have shapes .* agree in the batch"),
    (lambda: heads()(X, V, K[:1]), "m: query, value and key have shapes .* agree in the batch"),
    (
        lambda: layers.GroupQueryAttention(3, 4, 2, name="g")(X, V[:1]),
        "g: query, value and key have shapes .* agree in the batch",
    ),
    (
        lambda: heads()(X, V, attention_mask=np.ones((2, 7, 5), bool)),
        r"m: attention_mask has shape \(2, 7, 5\), which does not broadcast to \(2, 2, 5, 7\)",
    ),
    (lambda: heads()(X, V, attention_mask=np.ones(7, bool)), "m: attention_mask has shape"),
    (lambda: heads()(X, V, attention_mask=np.ones((1,) * 5, bool)), "m: attention_mask has shape"),
    (lambda: heads()(X, V, value_mask=np.ones((2, 5), bool)), "m: value_mask has shape"),
    (lambda: heads()(X, V, query_mask=np.ones((2, 5, 6), bool)), "m: query_mask has shape"),
    (
        lambda: heads(flash_attention=True)(X, X, return_attention_scores=True),
        "m: flash_attention is True, expected None or False where attention scores are returned",
    ),
    (lambda: layers.GroupQueryAttention(3, 4, 3), "num_query_heads is 4, expected a multiple of"),
    (lambda: layers.GroupQueryAttention(3, 4, 0), "num_key_value_heads must be a positive integer"),
    (lambda: layers.Attention(score_mode="cosine"), "score_mode must be 'dot' or 'concat', got"),
    (lambda: layers.Attention(name="a")(X), "a: the inputs must be a list of query, value"),
    (lambda: layers.Attention(name="a")([X]), "a: the inputs must be a list of query, value"),
    (lambda: layers.Attention(name="a")([X, V]), "a: query, value and key have shapes"),
    (lambda: layers.Attention(name="a")([X, X], mask=X), "a: mask must be a list of the masks"),
    (
        lambda: layers.Attention(name="a")([X, X], mask=[None, np.ones((2, 4), bool)]),
        r"a: the mask of value has shape \(2, 4\), expected \(2, 5\)",
    ),
    (
        lambda: layers.EinsumDense("ab->b", 3, name="e")(X),
        "e: equation is 'ab->b', expected a",
    ),
]


@pytest.mark.parametrize("index", range(len(MESSAGES)))
def test_messages(index):
    call, message = MESSAGES[index]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_dropout_that_is_no_number():
    with pytest.raises(TypeError, match="Attention: dropout must be a number from 0 to 1, got 'a'"):
        layers.Attention(dropout="a")


def test_shapes_after_building():
    attention = heads()
    attention(X, V)
    with pytest.raises(ValueError, match="query: kernel has shape"):
        attention(V, V)
    with pytest.raises(ValueError, match="expected one batch"):
        ops.dot_product_attention(X[:, :, None], V[:1, :, None, :], V[:1, :, None])
