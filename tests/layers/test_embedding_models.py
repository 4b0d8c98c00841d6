"""Embedding and Masking in models: masks, recorded steps, files, and Keras."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers, optimizers
from fastnn.layers import masks
from fastnn.row_gradient import RowGradient

ROWS, WIDTH, STEPS = 30, 5, 7
REPLAYS = fn.backends.backend() == "native"
RANDOM = np.random.default_rng(1)
X = RANDOM.integers(0, ROWS - 5, (64, STEPS))
X[RANDOM.random(X.shape) < 0.3] = 0
Y = (X.sum(1) % 2).astype("float32")[:, None]
TABLE = RANDOM.normal(size=(ROWS, WIDTH)).astype("float32")


@pytest.fixture(autouse=True)
def no_masks_afterwards():
    yield
    masks.state.in_use = False


def classifier(dtype=None, **options):
    return fn.Sequential(
        [
            fn.Input((STEPS,), dtype="int32"),
            layers.Embedding(ROWS, WIDTH, weights=TABLE, dtype=dtype, **options),
            layers.Flatten(dtype=dtype),
            layers.Dense(1, "sigmoid", dtype=dtype),
        ]
    )


def trained(optimizer, epochs=3, eager=False, **options):
    fn.utils.set_random_seed(4)
    model = classifier(**options)
    model.compile(optimizer, "binary_crossentropy", run_eagerly=eager)
    model.fit(X, Y, epochs=epochs, batch_size=16, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("clip", [{}, {"clipnorm": 0.1}, {"global_clipnorm": 0.1}], ids=str)
@pytest.mark.parametrize("mask_zero", [False, True])
def test_fit_is_replayed_with_the_bits_of_eager_steps(mask_zero, clip):
    results = []
    for eager in (False, True):
        optimizer = optimizers.Adam(0.01, **clip)
        model = trained(optimizer, eager=eager, mask_zero=mask_zero)
        results.append([np.array(v) for v in (*model.weights, *optimizer.variables)])
        if not eager:
            text = "".join(step.explain() for _, step in vars(model)["_records"].steps.values())
            assert "sum_rows" in text or not REPLAYS
            assert "scatter_add" not in text
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    unmet = np.setdiff1d(np.arange(ROWS), X)
    assert np.array_equal(results[0][0][unmet], TABLE[unmet])
    assert np.abs(results[0][0] - TABLE).max() > 0.01


def test_steps_of_fit_in_numpy():
    """Adam on the rows of each batch, step by step, in float64."""
    optimizer = optimizers.Adam(0.01)
    model = trained(optimizer, epochs=2, dtype="float64")
    fn.utils.set_random_seed(4)
    table, kernel, bias = (np.array(w) for w in classifier(dtype="float64").get_weights())
    state = {name: [np.zeros_like(w), np.zeros_like(w)] for name, w in
             (("table", table), ("kernel", kernel), ("bias", bias))}  # fmt: skip

    def step(name, w, g, t, at=...):
        m, v = state[name]
        m[at] += (g[at] - m[at]) * 0.1
        v[at] += (g[at] * g[at] - v[at]) * 0.001
        rate = 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        w[at] -= rate * m[at] / (np.sqrt(v[at]) + 1e-7)

    t = 0
    for _ in range(2):
        for first in range(0, 64, 16):
            t += 1
            ids, y = X[first : first + 16], Y[first : first + 16]
            flat = table[ids].reshape(16, -1)
            p = 1 / (1 + np.exp(-(flat @ kernel + bias)))
            dz = (p - y) / 16
            g = np.zeros_like(table)
            np.add.at(g, ids, (dz @ kernel.T).reshape(16, STEPS, WIDTH))
            step("kernel", kernel, flat.T @ dz, t)
            step("bias", bias, dz.sum(0), t)
            step("table", table, g, t, np.unique(ids))
    for found, expected in zip(model.get_weights(), (table, kernel, bias), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("whole", [None, "first", "last"])
def test_a_captured_step_of_ones_own(whole):
    """Of two uses by ids, without a use of the whole table and with one."""
    ids = [RANDOM.integers(0, ROWS, 6) for _ in range(8)]
    results = []
    for capture in (lambda f: f, fn.capture):
        table, optimizer = fn.Variable(TABLE), optimizers.RMSprop(0.01)

        def step(ids, table=table, optimizer=optimizer):
            def loss(table):
                both = fn.ops.embedding(ids, table) * fn.ops.embedding(ids // 2, table)
                if whole is None:
                    return both.sum()
                square = (table * table).sum()
                return square + both.sum() if whole == "first" else both.sum() + square

            value, gradient = fn.value_and_grad(loss, sparse=True)(table)
            assert type(gradient) is (fn.Tensor if whole else RowGradient)
            optimizer.apply([gradient], [table])
            return value

        step = capture(step)
        results.append([[step(i).item() for i in ids], np.array(table)])
        if capture is fn.capture:
            used = "scatter_add" if whole else "concatenate"
            assert used in step.explain() or not REPLAYS
            assert ("sum_rows" in step.explain()) != bool(whole) or not REPLAYS
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_an_id_outside_the_vocabulary_in_a_replayed_step():
    """The words of an eager step, and nothing is stepped."""
    model = trained(optimizers.Adam(0.01))
    before = [np.array(v) for v in (*model.weights, *model.optimizer.variables)]
    bad = X[:16].copy()
    bad[2, 3] = ROWS
    name = model.layers[0].name
    text = rf"{name}: id {ROWS} at position \(2, 3\) is not in the vocabulary, .* {ROWS}"
    with pytest.raises(IndexError, match=text):
        model.fit(bad, Y[:16], batch_size=16, shuffle=False, verbose=0)
    after = [np.array(v) for v in (*model.weights, *model.optimizer.variables)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("kind", ["regularizer", "constraint", "tied", "frozen"])
def test_models_whose_table_is_not_only_read_by_ids(kind):
    """A regularized table moves whole, a constrained one keeps its bound, a frozen one rests."""
    options = {
        "regularizer": {"embeddings_regularizer": "l2"},
        "constraint": {"embeddings_constraint": fn.constraints.MaxNorm(0.5, axis=1)},
        "tied": {},
        "frozen": {"trainable": False},
    }[kind]
    embedding = layers.Embedding(ROWS, WIDTH, weights=TABLE, **options)
    inputs = fn.Input((STEPS,), dtype="int32")
    hidden = fn.ops.mean(embedding(inputs), 1)
    if kind == "tied":

        class Scores(fn.Layer):
            def call(self, x):
                return x @ fn.ops.transpose(embedding.embeddings)

        outputs, y = Scores()(hidden), X[:, 0]
        loss = fn.losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        outputs, y, loss = layers.Dense(1)(hidden), Y, "mse"
    model = fn.Model(inputs, outputs)
    model.compile(optimizers.Adam(0.01), loss)
    model.fit(X, y, epochs=2, batch_size=16, verbose=0)
    table = np.array(embedding.embeddings)
    unmet = np.setdiff1d(np.arange(ROWS), X)
    assert np.isfinite(table).all()
    if kind == "frozen":
        np.testing.assert_array_equal(table, TABLE)
    elif kind == "constraint":
        assert np.linalg.norm(table, axis=1).max() <= 0.5 + 1e-6
    else:
        assert np.all(table[unmet] != TABLE[unmet])


@pytest.mark.parametrize("name", ["use_ema", "gradient_accumulation_steps"])
def test_averages_and_accumulation(name):
    """fit does what steps of the whole gradient do."""
    options = {name: True if name == "use_ema" else 2}
    model = trained(optimizers.Adam(0.01, **options), epochs=2)
    fn.utils.set_random_seed(4)
    twin, optimizer = classifier(), optimizers.Adam(0.01, **options)
    for _ in range(2):
        for first in range(0, 64, 16):
            x, y = X[first : first + 16], Y[first : first + 16]
            _, found = fn.value_and_grad(
                lambda w, x=x, y=y: fn.losses.BinaryCrossentropy()(y, twin(x))
            )(twin.trainable_weights)
            optimizer.apply(found, twin.trainable_weights)
    optimizer.finalize_variable_values(twin.trainable_weights)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


# ---- masks, files, shapes ------------------------------------------------------------------------


def test_masks():
    x = np.array([[1, 0, 2], [0, 0, 0]])
    y = layers.Embedding(3, 2, mask_zero=True)(x)
    np.testing.assert_array_equal(masks.get_mask(y), x != 0)
    assert masks.get_mask(layers.Embedding(3, 2)(x)) is None
    dense = layers.Dense(4)(y)
    np.testing.assert_array_equal(masks.get_mask(dense), x != 0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("value", [0, -1, 2.5])
def test_masking(dtype, value):
    x = RANDOM.integers(-1, 2, (3, 6, 2)).astype(dtype)
    x[0, 2], x[1, 0, 1], x[2] = value, value, value
    y = layers.Masking(value, dtype=None if dtype == "int32" else dtype)(x)
    kept = (x != value).any(-1)
    np.testing.assert_array_equal(y, np.where(kept[..., None], x, 0))
    np.testing.assert_array_equal(masks.get_mask(y), kept)
    assert y.shape == layers.Masking().compute_output_shape(x.shape)


def test_gradient_of_masking():
    x = RANDOM.normal(size=(2, 3, 2))
    x[0, 1] = 0.5
    assert fn.gradcheck(layers.Masking(9.0, dtype="float64"), x)
    t = fn.tensor(x, requires_grad=True)
    layers.Masking(0.5, dtype="float64")(t).sum().backward()
    expected = np.ones_like(x)
    expected[0, 1] = 0
    np.testing.assert_array_equal(t.grad, expected)


@pytest.mark.parametrize("mask_zero", [False, True])
def test_saving_loading_and_configuration(tmp_path, mask_zero):
    model = trained(optimizers.Adam(0.01), mask_zero=mask_zero)
    model.save(tmp_path / "model.fastnn")
    twin = fn.models.load_model(tmp_path / "model.fastnn")
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    for one in (model, twin):
        one.fit(X, Y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    layer = layers.Embedding(
        3, 2, "zeros", "l2", "max_norm", mask_zero, activity_regularizer="l1", name="e"
    )
    again = layers.Embedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.input_dim, again.output_dim, again.mask_zero) == (3, 2, mask_zero)
    assert layers.Masking.from_config(layers.Masking(2.0).get_config()).mask_value == 2.0


def test_shapes_and_summary():
    with pytest.warns(UserWarning, match="input_length has no effect"):
        layers.Embedding(5, 3, input_length=10)
    inputs = fn.Input((None,), dtype="int32")
    outputs = layers.Embedding(ROWS, WIDTH)(inputs)
    assert outputs.shape == (None, None, WIDTH)
    model = fn.Model(inputs, outputs)
    assert model.count_params() == ROWS * WIDTH
    lines = []
    model.summary(print_fn=lines.append)
    assert any("(None, None, 5)" in line and "150" in line for line in "\n".join(lines).split("\n"))
    assert model.predict(X[:3, :4], verbose=0).shape == (3, 4, WIDTH)
    late = fn.Sequential([layers.Embedding(ROWS, WIDTH)])  # no Input: ids come by way of float32
    assert late(X).shape == (64, STEPS, WIDTH)
    assert late.predict(X, verbose=0).shape == (64, STEPS, WIDTH)


# ---- other libraries -----------------------------------------------------------------------------


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("kind", ["embedding", "masking"])
def test_a_masked_model_as_keras(kind):
    """Outputs, masks, and weights after training by SGD, whose rows and whole steps are one."""
    import keras

    x = X if kind == "embedding" else np.where(X[..., None] == 0, 0, TABLE[X]).astype("float32")
    y = RANDOM.normal(size=(64, STEPS, 2)).astype("float32")

    def model_of(library):
        first = (
            library.layers.Embedding(ROWS, WIDTH, mask_zero=True)
            if kind == "embedding"
            else library.layers.Masking()
        )
        dtype = "int32" if kind == "embedding" else "float32"
        inputs = library.Input(x.shape[1:], dtype=dtype)
        return library.Model(inputs, library.layers.Dense(2)(first(inputs)))

    theirs, mine = model_of(keras), model_of(fn)
    mine.set_weights(theirs.get_weights())
    np.testing.assert_allclose(mine(x), theirs(x), rtol=0, atol=1e-6)
    first = mine.layers[1](x if kind == "masking" else fn.tensor(x))
    np.testing.assert_array_equal(masks.get_mask(first), theirs.layers[1].compute_mask(x))
    losses = []
    for library, model in ((keras, theirs), (fn, mine)):
        model.compile(library.optimizers.SGD(0.5, clipnorm=0.3), "mse")
        options = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0}
        losses.append(model.fit(x, y, **options).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()


@pytest.mark.parity
def test_configuration_as_keras():
    import keras

    for name, arguments in (("Embedding", (5, 3)), ("Masking", (2.0,))):
        theirs = getattr(keras.layers, name)(*arguments)
        again = getattr(layers, name).from_config(
            {k: v for k, v in theirs.get_config().items() if k != "dtype"}
        )
        mine = again.get_config()
        assert set(theirs.get_config()) - set(mine) <= {"quantization_config"}
        assert [w.shape for w in again.weights] == [w.shape for w in theirs.weights]


@pytest.mark.parity
def test_adam_as_torchs_sparse_adam():
    """Ten steps in float64, of rows that differ from step to step."""
    import torch

    start, random = TABLE.astype("float64"), np.random.default_rng(5)
    theirs, mine = torch.nn.Parameter(torch.from_numpy(start)), fn.Variable(start)
    torch_adam = torch.optim.SparseAdam([theirs], lr=0.05, eps=1e-7)
    adam = optimizers.Adam(0.05)
    for _ in range(10):
        ids, dy = random.integers(0, ROWS // 2, (2, 4)), random.normal(size=(2, 4, WIDTH))
        torch_adam.zero_grad()
        y = torch.nn.functional.embedding(torch.from_numpy(ids), theirs, sparse=True)
        (y * torch.from_numpy(dy)).sum().backward()
        torch_adam.step()

        def loss(table, ids=ids, dy=dy):
            return (fn.ops.embedding(ids, table) * dy).sum()

        adam.apply([fn.value_and_grad(loss, sparse=True)(mine)[1]], [mine])
    np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(np.asarray(mine)[ROWS // 2 :], TABLE[ROWS // 2 :])
