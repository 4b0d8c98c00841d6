"""Recurrent layers on an Embedding: rows of a small table are multiplied before they are looked up.

What they are compared with gets the same sequences as the product of two other numbers, of which
nobody knows that they were rows of a table; that way is tested elsewhere.
"""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers, optimizers
from fastnn.layers import recurrent_cell
from fastnn.row_gradient import RowGradient

pytestmark = pytest.mark.usefixtures("seeded")
RANDOM = np.random.default_rng(0)
ROWS, WIDTH, UNITS = 9, 32, 5
IDS = RANDOM.integers(1, ROWS - 2, (6, 7)).astype("int32")  # neither the first nor the last two
IDS[2, 3] = 3
MADE = {
    "SimpleRNN": layers.SimpleRNN,
    "LSTM": layers.LSTM,
    "GRU": layers.GRU,
    "GRU, reset before": lambda *units, **o: layers.GRU(*units, reset_after=False, **o),
    "PeepholeLSTM": layers.PeepholeLSTM,
    "Bidirectional": lambda *units, **o: layers.Bidirectional(layers.LSTM(*units, **o)),
    "backwards": lambda *units, **o: layers.GRU(*units, go_backwards=True, **o),
    "no bias": lambda *units, **o: layers.LSTM(*units, use_bias=False, **o),
}
every = pytest.mark.parametrize("make", MADE.values(), ids=MADE.keys())


@pytest.fixture(autouse=True)
def calls(monkeypatch):
    """How often a table was multiplied."""
    counted, multiply = [], recurrent_cell.row_products
    monkeypatch.setattr(
        recurrent_cell, "row_products", lambda *given: counted.append(1) or multiply(*given)
    )
    return counted


def network(make, dtype, **options):
    embedding = layers.Embedding(ROWS, WIDTH, mask_zero=True, dtype=dtype)
    recurrent = make(UNITS, return_sequences=True, dtype=dtype, **options)
    recurrent(embedding(IDS))
    return embedding, recurrent


def gradients(embedding, recurrent, known, **options):
    """Of the outputs and, by all weights, of a loss of them."""
    weights = [*embedding.trainable_variables, *recurrent.trainable_variables]
    outputs = []

    def loss(*_):
        x = embedding(IDS) if known else embedding(IDS) * 1.0
        y = recurrent(x, mask=fn.tensor(IDS > 0))
        outputs.append(y.detach())
        return fn.ops.sum(fn.ops.sin(y))

    places = tuple(range(len(weights)))
    _, found = fn.value_and_grad(loss, argnums=places, **options)(*weights)
    return outputs[0], found


@every
def test_the_products_are_the_same(make, calls):
    net = network(make, "float64")
    calls.clear()
    y, found = gradients(*net, True)
    assert calls
    calls.clear()
    expected, known = gradients(*net, False)
    assert not calls
    np.testing.assert_array_equal(y.numpy(), expected.numpy())
    for a, b in zip(found, known, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-11, atol=1e-13)


def test_the_gradient_of_the_table_holds_the_rows_that_were_met():
    net = network(layers.LSTM, "float32")
    _, (table, *_) = gradients(*net, True, sparse=True)
    assert isinstance(table, RowGradient)
    assert set(table.merged()[0].tolist()) - {-1} == set(IDS.ravel().tolist())
    _, (known, *_) = gradients(*net, False, sparse=True)
    np.testing.assert_allclose(np.array(table), np.array(known), rtol=1e-4, atol=1e-6)


def test_rows_that_are_not_met_are_not_seen():
    net = network(layers.GRU, "float32")
    table = np.full((ROWS, WIDTH), 0.5, "float32")
    table[ROWS - 2 :] = np.nan
    net[0].embeddings.assign(table)
    y, found = gradients(*net, True)
    assert all(np.isfinite(np.asarray(a)).all() for a in (y, *found))


def table_and_ids(trained=True):
    embedding = layers.Embedding(ROWS, WIDTH, trainable=trained)
    lstm = layers.LSTM(UNITS)
    ids = fn.Variable(IDS, trainable=False)
    lstm(embedding(ids))
    return embedding, lstm, ids


@pytest.mark.parametrize("what", ["table", "ids"])
def test_what_is_written_after_the_look_up_changes_nothing(what):
    embedding, lstm, ids = table_and_ids()
    expected = lstm(embedding(ids) * 1.0).numpy()
    x = embedding(ids)
    if what == "table":
        embedding.embeddings.assign(embedding.embeddings * 2.0)
    else:
        ids.assign(IDS[::-1].copy())
    np.testing.assert_array_equal(lstm(x).numpy(), expected)


def test_the_table_may_be_written_before_the_way_back():
    embedding, lstm, ids = table_and_ids()
    slopes = []
    for written in (False, True):
        lstm.cell.kernel.grad = None
        y = fn.ops.sum(lstm(embedding(ids)))
        if written:
            embedding.embeddings.assign(embedding.embeddings * 2.0)
        y.backward()
        slopes.append(lstm.cell.kernel.grad.numpy())
    np.testing.assert_array_equal(*slopes)


def test_what_is_looked_up_without_gradients_has_none():
    embedding, lstm, ids = table_and_ids()
    with fn.no_grad():
        x = embedding(ids)
    fn.ops.sum(lstm(x)).backward()
    assert embedding.embeddings.grad is None and lstm.cell.kernel.grad is not None


def test_the_gradient_by_what_was_looked_up_is_not_lost():
    embedding, lstm, ids = table_and_ids(trained=False)
    x = embedding(ids)
    x.requires_grad = True
    fn.ops.sum(lstm(x)).backward()
    other = fn.tensor(x.numpy(), requires_grad=True)
    fn.ops.sum(lstm(other)).backward()
    np.testing.assert_array_equal(x.grad.numpy(), other.grad.numpy())


def test_a_gradient_of_ones_own_is_asked():
    embedding, lstm, ids = table_and_ids()

    @fn.ops.custom_gradient
    def looked_up(table):
        return fn.ops.embedding(ids, table), lambda dy: fn.ops.ones_like(table)

    fn.ops.sum(lstm(looked_up(embedding.embeddings))).backward()
    assert (embedding.embeddings.grad.numpy() == 1).all()


def test_a_table_that_was_computed():
    _, lstm, ids = table_and_ids()
    table = np.linspace(-1, 1, ROWS * WIDTH, dtype="float32").reshape(ROWS, WIDTH)

    def loss(table, known):
        x = fn.ops.embedding(ids, fn.ops.sin(table))
        return fn.ops.sum(lstm(x if known else x * 1.0))

    found, expected = (fn.grad(lambda t, k=known: loss(t, k))(table) for known in (True, False))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-7)


def test_rows_of_more_axes_are_no_sequences_of_a_table():
    _, lstm, _ = table_and_ids()
    tables = fn.tensor(RANDOM.standard_normal((3, 4, WIDTH)).astype("float32"), requires_grad=True)
    assert lstm(fn.ops.embedding([0, 2, 1, 1, 0, 0, 2], tables)).shape == (7, UNITS)


def test_nothing_is_looked_up_in_no_rows():
    _, lstm, _ = table_and_ids()
    table = fn.tensor(np.zeros((0, WIDTH), "float32"), requires_grad=True)
    fn.ops.sum(lstm(fn.ops.embedding(np.zeros((0, 3), int), table))).backward()
    assert lstm.cell.kernel.grad.shape == (WIDTH, 4 * UNITS)


@pytest.mark.parametrize("ids", [[[1, 0]], np.array([[1, 0]]), np.array([[1, 0]], np.uint8)])
def test_ops_rnn_takes_ids_of_any_kind(ids):
    weights = [[[0.5], [2.0]], [[1.0]]]
    y, _ = fn.ops.rnn(ids, weights, activation="linear")
    assert y.tolist() == [[[2.0], [2.5]]]


@pytest.mark.parametrize("x", [[[1, 0]], [[[1.0], [0.0]]]])
def test_ops_rnn_takes_any_iterable_of_weights_and_says_how_many_there_must_be(x):
    weights = [[[0.5]] if np.ndim(x) == 3 else [[0.5], [2.0]], [[1.0]]]
    assert fn.ops.rnn(x, iter(weights))[0].shape == (1, 2, 1)
    for initial in (None, [[[0.0]]]):
        with pytest.raises(ValueError, match="rnn: weights has 0 arrays, expected 2 or 3"):
            fn.ops.rnn(x, [], initial)


def test_two_layers_may_read_one_table():
    embedding = layers.Embedding(ROWS, WIDTH)
    first, second = layers.LSTM(UNITS), layers.GRU(UNITS)
    x = embedding(IDS)
    weights = [embedding.embeddings]
    _ = first(x), second(x)

    def loss(_, known=True):
        x = embedding(IDS) if known else embedding(IDS) * 1.0
        return fn.ops.sum(first(x) * second(x)) + fn.ops.sum(embedding(IDS) ** 2)

    found = fn.value_and_grad(loss, sparse=True)(*weights)[1]
    known = fn.value_and_grad(lambda table: loss(table, False))(*weights)[1]
    np.testing.assert_allclose(np.array(found), np.array(known), rtol=1e-4, atol=1e-6)


def shapes_of_inputs(model):
    """Of the recurrent calls in the recorded steps."""
    text = "\n".join(step.explain() for _, step in model._records.steps.values())
    calls = [line for line in text.splitlines() if line.startswith("rnn ")]
    return {line.split(" inputs")[1].split("]")[0] + "]" for line in calls}


def trained(eager, ids, between=(), rows=ROWS, width=WIDTH):
    fn.utils.set_random_seed(1)
    model = fn.Sequential(
        [
            fn.Input((7,), dtype="int32"),
            layers.Embedding(rows, width),
            *between,
            layers.Bidirectional(layers.LSTM(UNITS)),
            layers.Dense(1),
        ]
    )
    model.compile(optimizers.Adam(0.01), "mse", run_eagerly=eager)
    table = model.layers[0].embeddings.numpy().copy()
    y = ids.sum(1, keepdims=True).astype("float32")
    model.fit(ids, y, epochs=5, batch_size=8, shuffle=False, verbose=0)
    return model, table


MANY = RANDOM.integers(0, ROWS - 2, (32, 7)).astype("int32")


def test_recorded_steps_have_the_bits_of_eager_ones_and_leave_other_rows_alone():
    (recorded, table), (eager, _) = trained(False, MANY), trained(True, MANY)
    for a, b in zip(recorded.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    after = recorded.layers[0].embeddings.numpy()
    np.testing.assert_array_equal(after[ROWS - 2 :], table[ROWS - 2 :])
    assert (after[: ROWS - 2] != table[: ROWS - 2]).any(1).all()
    assert shapes_of_inputs(recorded) == {"[8, 7]"} or fn.backends.backend() != "native"


@pytest.mark.skipif(fn.backends.backend() != "native", reason="only native steps are explained")
@pytest.mark.parametrize(
    ("options", "width"),
    [({"rows": 29}, WIDTH), ({"between": [layers.Dropout(0.5)]}, WIDTH), ({"width": 31}, 31)],
    ids=["large table", "dropout", "narrow table"],
)
def test_else_the_sequences_are_multiplied(options, width):
    model, _ = trained(False, MANY, **options)
    assert shapes_of_inputs(model) == {f"[8, 7, {width}]"}


def test_weights_stay_packed_in_predict(calls):
    model, _ = trained(False, MANY)
    calls.clear()
    model.predict(MANY, batch_size=8, verbose=0)
    assert not calls


def test_a_table_of_another_dtype_is_looked_up_first():
    embedding = layers.Embedding(ROWS, WIDTH, dtype="float64")
    y = layers.LSTM(UNITS, dtype="float64")
    assert y(embedding(IDS)).dtype == "float64"
    assert layers.LSTM(UNITS)(embedding(IDS)).dtype == "float32"
