"""Recurrent layers against Keras 3, with drawn options, and PyTorch: all outputs and gradients.

Bounds: 1e-5 of the largest value, DESIGN.md's for float32. Before its first valid step a row has
zeros as outputs, as Keras has it on PyTorch and TensorFlow.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from keras_on_torch import gradients, host, leaf

import fastnn as fn
from fastnn import layers

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:__array__ implementation", "ignore:You passed"),
]
drawn = hypothesis.settings(max_examples=40, deadline=None, derandomize=True)
BATCH, STEPS, FEATURES, UNITS = 3, 4, 2, 3
STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def mask_of(seed):
    mask = np.random.default_rng(seed).random((BATCH, STEPS)) < 0.5
    mask[0] = False
    return mask


def flat(outputs):
    return fn.utils.tree.flatten(outputs)


def assert_close(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-5 * max(np.abs(b).max(), 1e-3)


def pair(make, seed=0):
    """A layer of ours and one of Keras with equal weights."""
    import keras

    ours, theirs = make(layers), make(keras.layers)
    shape = (BATCH, STEPS, FEATURES)
    ours.build(shape)
    theirs.build(shape)
    names = [[w.name for w in layer.weights] for layer in (ours, theirs)]
    assert names[0] == names[1]
    values = [numbers((seed, i), *w.shape) * 0.5 for i, w in enumerate(theirs.weights)]
    theirs.set_weights(values)
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def compare(ours, theirs, x, mask=None, initial=None, training=False):
    """Outputs, and gradients by all weights, the input and the initial states."""
    options = {"training": training} | ({} if mask is None else {"mask": mask})
    leaves = [leaf(v) for v in (x, *(initial or []))]
    states = {} if initial is None else {"initial_state": leaves[1:]}
    expected = flat(theirs(leaves[0], **options, **states))
    directions = [numbers((7, i), *y.shape) for i, y in enumerate(expected)]
    weights = [w.value for w in theirs.trainable_variables]
    wanted = gradients(expected, directions, weights + leaves)

    x = fn.tensor(x, requires_grad=True)
    states = None if initial is None else [fn.tensor(s, requires_grad=True) for s in initial]
    outputs = flat(ours(x, initial_state=states, **options))
    assert_close(outputs, [host(y) for y in expected])
    fn.ops.sum(fn.ops.stack([fn.ops.sum(y * d) for y, d in zip(outputs, directions)])).backward()
    found = [w.grad for w in ours.trainable_weights] + [x.grad] + [s.grad for s in states or []]
    assert_close([0.0 * e if g is None else g for g, e in zip(found, wanted)], wanted)


@st.composite
def cases(draw):
    flag = st.booleans()
    kind = draw(st.sampled_from(list(STATES)))
    options = {
        "units": UNITS,
        "activation": draw(st.sampled_from(["tanh", "tanh", "relu", "linear", "softsign"])),
        "use_bias": draw(flag),
    }
    if kind != "SimpleRNN":
        options["recurrent_activation"] = draw(st.sampled_from(["sigmoid", "tanh", "hard_sigmoid"]))
    if kind == "GRU":
        options["reset_after"] = draw(flag)
    names = ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
    flags = {name: draw(flag) for name in names}
    masked, initial, seed = draw(flag), draw(flag), draw(st.integers(0, 99))
    return kind, options, flags, masked, initial, seed


def data(masked, initial, count, seed):
    states = [numbers((seed, 2, i), BATCH, UNITS) for i in range(count)]
    return numbers((seed, 1), BATCH, STEPS, FEATURES), mask_of(seed) if masked else None, (
        states if initial else None)  # fmt: skip


@drawn
@hypothesis.given(case=cases(), by_cell=st.booleans())
def test_layers_and_cells(case, by_cell):
    kind, options, flags, masked, initial, seed = case

    def make(module):
        if by_cell:
            cell = getattr(module, f"{kind}Cell")(**options)
            return module.RNN(cell, **flags)
        return getattr(module, kind)(**options, **flags)

    compare(*pair(make, seed), *data(masked, initial, STATES[kind], seed))


@drawn
@hypothesis.given(
    case=cases(), merge=st.sampled_from(["concat", "sum", "mul", "ave", None]), mixed=st.booleans()
)
def test_bidirectional(case, merge, mixed):
    kind, options, flags, masked, initial, seed = case
    back = not flags["go_backwards"]
    other = {"activation": "sigmoid"} if mixed else {}

    def make(module):
        layer = getattr(module, kind)(**options, **flags)
        flipped = flags | {"go_backwards": back}
        backward = getattr(module, kind)(**options | other, **flipped)
        explicit = mixed or flags["go_backwards"]
        return module.Bidirectional(layer, merge, backward_layer=backward if explicit else None)

    compare(*pair(make, seed), *data(masked, initial, 2 * STATES[kind], seed))


@drawn
@hypothesis.given(case=cases(), second=st.sampled_from(["SimpleRNN", "LSTM", "GRU"]))
def test_stacked_cells(case, second):
    kind, options, flags, masked, _, seed = case

    def make(module):
        cells = [getattr(module, f"{kind}Cell")(**options), getattr(module, f"{second}Cell")(2)]
        return module.RNN(module.StackedRNNCells(cells), **flags)

    compare(*pair(make, seed), *data(masked, False, 0, seed))


@drawn
@hypothesis.given(case=cases(), both=st.booleans())
def test_stateful_layers(case, both):
    kind, options, flags, masked, _, seed = case
    if both:  # Keras fails on states of a stateful Bidirectional
        flags = flags | {"go_backwards": False, "return_state": False}

    def make(module):
        layer = getattr(module, kind)(stateful=True, **options, **flags)
        return module.Bidirectional(layer) if both else layer

    ours, theirs = pair(make, seed)
    for batch in range(4):
        x, mask, _ = data(masked, False, 0, (seed, batch))
        if batch == 2:
            ours.reset_state()
            theirs.reset_state()
        options = {} if mask is None else {"mask": mask}
        expected = [host(y) for y in flat(theirs(x, **options))]
        assert_close(flat(ours(x, **options)), expected)
        assert_close(list(ours.states), [host(s.value) for s in theirs.states])


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", list(STATES))
def test_torch(kind, both):
    """PyTorch's gates are i, f, g, o, and r, z, n; its weights are transposed, its biases two."""
    import torch

    features, units = 5, 7
    theirs = getattr(torch.nn, {"SimpleRNN": "RNN"}.get(kind, kind))(
        features, units, batch_first=True, bidirectional=both
    )
    layer = getattr(layers, kind)(units, return_sequences=True, return_state=True)
    ours = layers.Bidirectional(layer) if both else layer
    ours.build((None, None, features))
    order = [1, 0, 2] if kind == "GRU" else range(4)

    def fitted(tensor):
        count = tensor.shape[0] // units
        parts = np.split(tensor.detach().numpy(), count)
        return np.concatenate([parts[order[i]] for i in range(count)]).T

    def weights(get):
        for suffix in ["", "_reverse"] if both else [""]:
            w, u, b, c = (
                get(getattr(theirs, f"{part}_{which}_l0{suffix}"))
                for part in ("weight", "bias")
                for which in ("ih", "hh")
            )
            yield from (w, u, np.stack([b, c]) if kind == "GRU" else b + c)

    ours.set_weights(list(weights(fitted)))
    x, dy = numbers(1, 4, 6, features), numbers(2, 4, 6, units * (1 + both))
    given = torch.tensor(x, requires_grad=True)
    y, last = theirs(given)
    (y * torch.tensor(dy)).sum().backward()
    tensor = fn.tensor(x, requires_grad=True)
    output, *states = ours(tensor)
    output.backward(dy)
    last = torch.stack(last) if kind == "LSTM" else last[None]  # h and c, directions
    expected = [last[s, d] for d in range(1 + both) for s in range(len(last))]
    assert_close([output, *states], [y.detach(), *(e.detach() for e in expected)])
    found = [w.grad for w in ours.weights]
    wanted = list(weights(lambda p: fitted(p.grad)))
    if kind != "GRU":  # b + c: each has the whole gradient
        wanted[2::3] = [b / 2 for b in wanted[2::3]]
    assert_close([tensor.grad, *found], [given.grad, *wanted])


RATES = [(0.4, 0.0), (0.0, 0.3), (0.4, 0.3)]


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("kind", list(STATES))
@pytest.mark.parametrize("reset_after", [True, False])
def test_dropout(kind, rates, reset_after):
    dropout, recurrent = rates
    options = {"reset_after": reset_after} if kind == "GRU" else {}

    def make(module):
        rates = {"dropout": dropout, "recurrent_dropout": recurrent}
        return getattr(module, kind)(UNITS, return_sequences=True, seed=5, **rates, **options)

    ours, theirs = pair(make)
    seed = fn.random.SeedGenerator(5)
    count = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}[kind] if recurrent else 1

    def draw(rate, features):
        ones = np.ones((BATCH, features), "float32")
        return [np.asarray(fn.random.dropout(ones, rate, seed=seed)) for _ in range(count)]

    masks = {"_dropout_mask": (dropout, FEATURES), "_recurrent_dropout_mask": (recurrent, UNITS)}
    import torch

    for name, (rate, features) in masks.items():
        if rate:
            values = [torch.tensor(mask) for mask in draw(rate, features)]
            assert any((value == 0).any() for value in values)
            alone = kind == "SimpleRNN" or (name == "_dropout_mask" and not recurrent)
            setattr(theirs.cell, name, values[0] if alone else values)
    keep, reset = theirs.cell, lambda: None
    keep.reset_dropout_mask = keep.reset_recurrent_dropout_mask = reset
    compare(ours, theirs, numbers(1, BATCH, STEPS, FEATURES), training=True)


@pytest.mark.parametrize("inner", ["Dense", "SimpleRNN", "BatchNormalization", "Dropout"])
@pytest.mark.parametrize("masked", [False, True])
def test_time_distributed(inner, masked):
    deep = inner == "SimpleRNN"
    shape = (BATCH, STEPS, 3, FEATURES) if deep else (BATCH, STEPS, FEATURES)
    import keras

    def make(module):
        argument = {"Dropout": (0.5,), "BatchNormalization": ()}.get(inner, (UNITS,))
        return module.TimeDistributed(getattr(module, inner)(*argument))

    ours, theirs = make(layers), make(keras.layers)
    ours.build(shape)
    theirs.build(shape)
    theirs.set_weights([np.abs(numbers(i, *w.shape)) + 0.1 for i, w in enumerate(theirs.weights)])
    ours.set_weights(theirs.get_weights())
    mask = None
    if masked:
        mask = np.random.default_rng(0).random(shape[:3] if deep else shape[:2]) < 0.5
        mask[0, 0] = True
    x = numbers(3, *shape)
    training = inner == "BatchNormalization" and not masked
    expected = host(theirs(x, mask=mask, training=training))
    assert_close([ours(x, mask=mask, training=training)], [expected])
    assert_close(ours.get_weights(), theirs.get_weights())
