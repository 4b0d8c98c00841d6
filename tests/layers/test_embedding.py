"""Embedding and Masking: values, masks, and gradients that hold the rows of a batch only."""

import numpy as np
import pytest
from captured_steps import replayed, without_verification

import fastnn as fn
from fastnn import _core, layers, optimizers
from fastnn.layers import masks
from fastnn.row_gradient import RowGradient
from tests.same_bits import same_for_threads

ROWS, WIDTH = 40, 6
RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(ROWS, WIDTH)).astype("float32")
IDS = np.array([[3, 17, 3, 0], [39, 17, 17, 5]])
TOUCHED = [0, 3, 5, 17, 39]
LEFT = np.setdiff1d(np.arange(ROWS), TOUCHED)


@pytest.fixture(autouse=True)
def no_masks_afterwards():
    yield
    masks.state.in_use = False


def table_of(dtype="float32"):
    return fn.Variable(TABLE.astype(dtype), name="table")


def loss_of(ids, dy):
    """A loss whose gradient for the rows that are read is dy."""
    return lambda table: (fn.ops.embedding(ids, table) * dy).sum()


def expected_gradient(ids, dy):
    total = np.zeros((ROWS, dy.shape[-1]))
    for i, part in zip(ids.reshape(-1), dy.reshape(-1, dy.shape[-1]).astype("float64")):
        total[i] += part
    return total


# ---- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "float32", "float64", "bool"]
)
def test_values(dtype):
    layer = layers.Embedding(ROWS, WIDTH, weights=TABLE)
    ids = (IDS > 3 if dtype == "bool" else IDS).astype(dtype)
    y = layer(ids)
    assert (y.shape, y.dtype) == ((2, 4, WIDTH), "float32")
    np.testing.assert_array_equal(y, TABLE[ids.astype(int)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bad", [0.5, 2.9, -0.9, np.nan])
def test_floats_that_are_no_whole_numbers(dtype, bad):
    """Neither is a row: not the one before a fraction, and not row 0 for NaN."""
    layer = layers.Embedding(3, 1, weights=[[0.0], [1.0], [2.0]], name="words")
    ids = np.array([[2, 0], [bad, 1]], dtype)
    text = rf"words: id {ids[1, 0]} at position \(1, 0\) is not in .*, expected whole .* 0 to 2 "
    with pytest.raises(IndexError, match=text):
        layer(ids)
    with pytest.raises(IndexError, match=rf"words: id {ids[1, 0]} at position 0 is not"):
        layer(ids[1])
    with pytest.raises(IndexError, match=r"words: id .* at position \(\) is not"):
        layer(ids[1, 0])


@without_verification
@pytest.mark.parametrize("bad", [0.5, np.nan, np.inf, 3.0, -1.0])
def test_floats_that_are_no_ids_in_a_recorded_step(bad):
    layer = layers.Embedding(3, 1, weights=[[0.0], [1.0], [2.0]], name="words")
    step = fn.capture(lambda ids: layer(ids).detach())
    for ids in (np.array([2.0, 0.0, 1.0], np.float32),) * 4:
        np.testing.assert_array_equal(step(ids)[:, 0], ids)
    assert replayed(step)
    with pytest.raises(IndexError, match=r"words: id .* at position 1 is not in the vocabulary"):
        step(np.array([2.0, bad, 1.0], np.float32))


def test_initial_values():
    """Keras's: uniform between -0.05 and 0.05; the deviation of n draws is off by 1 / sqrt(n)."""
    layer = layers.Embedding(300, 40)
    assert not layer.built
    layer.build()
    table = np.asarray(layer.embeddings)
    assert table.shape == (300, 40)
    assert np.abs(table).max() <= 0.05
    assert abs(table.std() / (0.05 / np.sqrt(3)) - 1) < 5 / np.sqrt(table.size)


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), ()])
def test_few_ids(shape):
    layer, ids = layers.Embedding(5, 3, weights=np.ones((5, 3))), np.zeros(shape, "int64")
    assert layer(ids).shape == (*shape, 3)
    _, gradient = fn.value_and_grad(lambda _: layer(ids).sum(), sparse=True)(layer.embeddings)
    optimizers.Adam(1.0).apply([gradient], [layer.embeddings])
    expected = np.ones((5, 3))
    expected[0] -= ids.size  # one step is the rate's size, or none
    np.testing.assert_allclose(layer.embeddings, expected, atol=1e-5)


@pytest.mark.parametrize("ids", [[1, 5], [-1, 0], [2**40, 0], [0.0, 5.0], [2.0**24 + 1]])
def test_ids_outside_the_vocabulary(ids):
    layer = layers.Embedding(5, 3, name="words")
    ids = np.array(ids)
    bad = int(np.argmax((ids >= 5) | (ids < 0)))
    text = rf"words: id {int(ids[bad])} at position {bad} is not in the vocabulary, .*is 5\)"
    with pytest.raises(IndexError, match=text):
        layer(ids)


def test_long_names_of_layers_are_cut_between_characters():
    for name in ("é" * 40, "a" + "é" * 40, "x" * 63, "x" * 64):
        with pytest.raises(IndexError) as error:
            layers.Embedding(2, 1, name=name)(np.array([2]))
        shown = str(error.value).split(":")[0]
        assert name.startswith(shown)
        assert 60 < len(shown.encode()) <= 63


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None])
def test_arguments(value):
    with pytest.raises(ValueError, match="input_dim must be a positive integer"):
        layers.Embedding(value, 3)
    with pytest.raises(ValueError, match="output_dim must be a positive integer"):
        layers.Embedding(3, value)


def test_weights_of_another_shape():
    with pytest.raises(ValueError, match=r"\(40, 6\)"):
        layers.Embedding(ROWS, WIDTH + 1, weights=TABLE)
    for weights in (TABLE, [TABLE], TABLE.tolist()):
        layer = layers.Embedding(ROWS, WIDTH, weights=weights)
        np.testing.assert_array_equal(layer.get_weights()[0], TABLE)


def test_what_the_operation_refuses():
    with pytest.raises(TypeError, match="embedding: ids must be integers, got float32"):
        fn.ops.embedding([0.5], TABLE)
    with pytest.raises(ValueError, match="embedding: table has no axes"):
        fn.ops.embedding([0], 1.0)
    with pytest.raises(TypeError, match="gather: owner is no text: 3"):
        _core.gather(_core.from_numpy(TABLE), _core.from_numpy(IDS), 0, False, 3)


# ---- gradients -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("index", ["int32", "int64"])
def test_gradients_are_those_of_numpy(dtype, index):
    dy = RANDOM.normal(size=(*IDS.shape, WIDTH)).astype(dtype)
    table, ids = table_of(dtype), IDS.astype(index)
    expected = expected_gradient(ids, dy)
    bound = 3 * np.finfo(dtype).eps * expected_gradient(ids, np.abs(dy))  # three terms at most
    loss_of(ids, dy)(table).backward()
    _, whole = fn.value_and_grad(loss_of(ids, dy))(table)
    _, rows = fn.value_and_grad(loss_of(ids, dy), sparse=True)(table)
    assert type(table.grad) is type(whole) is fn.Tensor
    assert type(rows) is RowGradient
    assert rows.shape == (ROWS, WIDTH)
    assert rows.dtype == dtype
    numbers, sums = map(np.asarray, rows.merged())
    assert numbers.tolist() == [*TOUCHED, -1, -1, -1]
    assert not sums[5:].any()
    merged = np.zeros((ROWS, WIDTH), dtype)
    merged[numbers[:5]] = sums[:5]
    for found in (table.grad, whole, rows.dense(), merged, np.asarray(rows)):
        assert np.all(np.abs(np.asarray(found) - expected) <= bound)
    loss_of(ids, dy)(table).backward()  # adds to what is there
    np.testing.assert_array_equal(table.grad, 2 * np.asarray(whole))


def test_the_layer_by_central_differences():
    layer = layers.Embedding(5, 3, dtype="float64")
    layer.build()
    ids = np.array([[1, 4, 1]])
    assert fn.gradcheck(lambda table: fn.ops.embedding(ids, table) ** 2, RANDOM.normal(size=(5, 3)))
    assert fn.gradcheck(
        lambda table: fn.ops.embedding(ids, table * 2.0), RANDOM.normal(size=(5, 3))
    )


@pytest.mark.parametrize("uses", ["twice", "also whole", "whole first", "three times"])
def test_several_uses_of_a_table(uses):
    """Of ids alone, rows are joined; with another use the gradient is a Tensor."""
    dy, other = RANDOM.normal(size=(2, *IDS.shape, WIDTH))
    table, more = table_of("float64"), IDS[:, ::-1].astype("int32") // 2
    whole = RANDOM.normal(size=(ROWS, WIDTH))
    expected = expected_gradient(IDS, dy)

    def loss(table):
        first = loss_of(IDS, dy)(table)
        if uses == "twice":
            return first + loss_of(more, other)(table)
        if uses == "three times":
            return loss_of(more, other)(table) + first + loss_of(IDS, dy)(table)
        extra = (table * whole).sum()
        return first + extra if uses == "also whole" else extra + first

    if uses == "twice":
        expected = expected + expected_gradient(more, other)
    elif uses == "three times":
        expected = 2 * expected + expected_gradient(more, other)
    else:
        expected = expected + whole
    _, found = fn.value_and_grad(loss, sparse=True)(table)
    assert type(found) is (fn.Tensor if "whole" in uses else RowGradient)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=1e-14)
    if type(found) is RowGradient:
        numbers, sums = map(np.asarray, found.merged())
        used = numbers >= 0
        np.testing.assert_array_equal(numbers[used], np.flatnonzero(np.any(expected, 1)))
        np.testing.assert_allclose(sums[used], expected[numbers[used]], rtol=0, atol=1e-14)


def test_a_rule_may_not_return_rows_for_what_is_no_leaf():
    x = fn.tensor(TABLE, requires_grad=True)
    y = _core.copy(x, "float32")
    _core.record(y, lambda node, gradient: RowGradient(x.shape, x.dtype, []), (), x * 1.0)
    with pytest.raises(TypeError, match="a gradient rule returned RowGradient, expected a Tensor"):
        y.sum().backward()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_on_any_number_of_threads(dtype):
    random = np.random.default_rng(3)
    ids = random.integers(0, 3000, 20_000)
    ids[random.random(ids.size) < 0.2] = 7
    dy = random.normal(size=(ids.size, 33)).astype(dtype)
    start = random.normal(size=(3000, 33)).astype(dtype)

    def compute():
        table, optimizer = fn.Variable(start), optimizers.Adam(0.1, global_clipnorm=1.0)
        for _ in range(2):
            _, gradient = fn.value_and_grad(loss_of(ids, dy), sparse=True)(table)
            optimizer.apply([gradient], [table])
        return gradient.merged(), gradient.dense(), table, optimizer.variables[2:]

    same_for_threads(compute)
    numbers, sums = map(np.asarray, compute()[0])
    expected = np.zeros((33,), dtype)
    for part in dy[ids == 7]:
        expected += part  # in ascending order: the very bits
    np.testing.assert_array_equal(sums[numbers == 7][0], expected)


# ---- optimizers ----------------------------------------------------------------------------------

EVERY = {
    "SGD": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "Adagrad": {},
    "Adadelta": {},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Adam": {},
    "AdamW": {},
    "amsgrad": {"amsgrad": True},
    "Adamax": {},
    "Nadam": {},
    "Ftrl": {},
    "Lion": {},
}
KINDS = {"momentum": "SGD", "nesterov": "SGD", "amsgrad": "Adam"}
CLIPS = [{}, {"clipvalue": 0.5}, {"clipnorm": 1.0}, {"global_clipnorm": 1.5}]


def optimizer_of(name, **more):
    return getattr(optimizers, KINDS.get(name, name))(0.05, **EVERY[name], **more)


def steps(optimizer, table, bias, batches, sparse):
    """Steps of a table and of another variable, by rows or by whole gradients."""
    for ids, dy in batches:

        def loss(table, bias, ids=ids, dy=dy):
            return ((fn.ops.embedding(ids, table) + bias) * dy).sum()

        _, found = fn.value_and_grad(loss, (0, 1), sparse=sparse)(table, bias)
        assert type(found[0]) is (RowGradient if sparse else fn.Tensor)
        optimizer.apply(found, [table, bias])
    return [np.array(v) for v in (table, bias, *optimizer.variables[2:])]


def batches(count, ids=None):
    random = np.random.default_rng(5)
    for _ in range(count):
        drawn = random.integers(0, ROWS // 2, (2, 4)) if ids is None else ids
        yield drawn, random.normal(size=(*drawn.shape, WIDTH)).astype("float32")


@pytest.mark.parametrize("clip", CLIPS, ids=str)
@pytest.mark.parametrize("name", EVERY)
def test_first_steps_are_those_of_a_whole_gradient(name, clip):
    """Where slots still hold what they began with, rows that are read get what a whole step gives
    them; all others stay, and so do their slots."""
    every = [
        steps(
            optimizer_of(name, **clip),
            table_of(),
            fn.Variable(np.ones(WIDTH, "float32")),
            batches(3, IDS),
            sparse,
        )
        for sparse in (True, False)
    ]
    start = [TABLE, None, *[np.full_like(TABLE, s.flat[-1]) for s in every[0][2:]]]
    for mine, whole, before in zip(*every, start, strict=True):
        if mine.shape != TABLE.shape:
            # Norms are summed in another order.
            np.testing.assert_allclose(mine, whole, rtol=1e-6 if clip else 0)
            continue
        np.testing.assert_allclose(mine[TOUCHED], whole[TOUCHED], rtol=1e-5 if clip else 0)
        if mine is every[0][0]:
            assert mine[LEFT].tobytes() == before[LEFT].tobytes()
            assert np.abs(mine[TOUCHED] - before[TOUCHED]).min() > 0
        else:
            assert np.unique(mine[LEFT]).size == 1


@pytest.mark.parametrize("name", ["SGD", "Adagrad"])
@pytest.mark.parametrize("clip", CLIPS, ids=str)
def test_many_steps_as_dense_ones_in_numpy(name, clip):
    """SGD and Adagrad do nothing where the gradient is zero, so rows are exact for any batches."""
    table, rate = TABLE.astype("float64"), 0.05
    sums = np.full(TABLE.shape, 0.1)
    mine = table_of()
    bias, wide = fn.Variable(np.zeros(WIDTH, "float32")), np.zeros(WIDTH)
    bias_sums = np.full(WIDTH, 0.1)
    steps(optimizer_of(name, **clip), mine, bias, batches(20), True)
    for ids, dy in batches(20):
        g, h = expected_gradient(ids, dy), dy.astype("float64").sum((0, 1))
        if "clipvalue" in clip:
            g, h = np.clip(g, -0.5, 0.5), np.clip(h, -0.5, 0.5)
        elif "clipnorm" in clip:
            g, h = (x / max(1.0, np.linalg.norm(x)) for x in (g, h))
        elif clip:
            norm = np.hypot(np.linalg.norm(g), np.linalg.norm(h))
            g, h = (x * 1.5 / max(1.5, norm) for x in (g, h))
        if name == "SGD":
            table, wide = table - rate * g, wide - rate * h
        else:
            sums, bias_sums = sums + g * g, bias_sums + h * h
            table = table - rate * g / np.sqrt(sums + 1e-7)
            wide = wide - rate * h / np.sqrt(bias_sums + 1e-7)
    # Each of 20 steps rounds numbers below 4 a few times.
    np.testing.assert_allclose(mine, table, rtol=0, atol=20 * 8 * 2.0**-24 * 4)
    np.testing.assert_allclose(bias, wide, rtol=0, atol=20 * 8 * 2.0**-24 * 4)


def test_weight_decay_is_of_the_rows_of_the_batch():
    table = table_of()
    optimizer = optimizers.SGD(0.5, weight_decay=0.1)
    _, gradient = fn.value_and_grad(loss_of(IDS, np.zeros((*IDS.shape, WIDTH))), sparse=True)(table)
    optimizer.apply([gradient], [table])
    expected = TABLE.copy()
    expected[TOUCHED] *= 1 - 0.05
    np.testing.assert_allclose(table, expected, rtol=2.0**-23)
    assert np.array_equal(np.asarray(table)[LEFT], TABLE[LEFT])


def test_momentum_of_other_rows_waits():
    """Two steps of different rows: the first row's velocity is as the first step left it."""
    table, optimizer = table_of(), optimizers.SGD(1.0, momentum=0.5)
    for row in (2, 9):
        loss = loss_of(np.array([row]), np.ones((1, WIDTH), "float32"))
        optimizer.apply([fn.value_and_grad(loss, sparse=True)(table)[1]], [table])
    (velocity,) = (np.asarray(v) for v in optimizer.variables[2:])
    assert velocity[2].tolist() == velocity[9].tolist() == [-1.0] * WIDTH
    np.testing.assert_array_equal(np.asarray(table)[2], TABLE[2] - 1)


@pytest.mark.parametrize(
    "case", ["constraint", "use_ema", "accumulation", "update_step", "composed clip"]
)
def test_steps_that_take_the_whole_gradient(case):
    class Own(optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(learning_rate * gradient)

    makers = {
        "constraint": lambda: optimizers.Adam(0.1),
        "use_ema": lambda: optimizers.Adam(0.1, use_ema=True),
        "accumulation": lambda: optimizers.Adam(0.1, gradient_accumulation_steps=2),
        "update_step": lambda: Own(0.1),
        "composed clip": lambda: Own(0.1, global_clipnorm=1.0),
    }
    results = []
    for sparse in (True, False):
        table = table_of()
        if case == "constraint":
            table.constraint = fn.constraints.MaxNorm(2.0)
        bias = fn.Variable(np.zeros(WIDTH, "float32"))
        results.append(steps(makers[case](), table, bias, batches(4), sparse))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(results[0][0], TABLE)


def test_rows_and_variables_without_gradient():
    table, other = table_of(), fn.Variable(np.ones(3, "float32"))
    _, rows = fn.value_and_grad(loss_of(IDS, np.ones((*IDS.shape, WIDTH))), sparse=True)(table)
    with pytest.warns(UserWarning, match="no gradients for variable"):
        optimizers.SGD(1.0).apply([rows, None], [table, other])
    counts = np.bincount(IDS.reshape(-1), minlength=ROWS)[:, None]
    np.testing.assert_array_equal(table, TABLE - counts.astype("float32"))
    assert other.tolist() == [1.0, 1.0, 1.0]
