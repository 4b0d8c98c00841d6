"""Losses against their formulas in float64."""

import ctc_alignments
import numpy as np
import pytest

import fastnn as fn
from fastnn import losses

RNG = np.random.default_rng(3)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_mean_squared_error_per_sample_and_reduced():
    y, p = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    values = losses.mean_squared_error(y, p)
    np.testing.assert_allclose(values.numpy(), ((y - p) ** 2).mean(-1), rtol=1e-12)
    assert losses.MeanSquaredError()(y, p).item() == pytest.approx(((y - p) ** 2).mean())
    total = losses.MeanSquaredError(reduction="sum")(y, p).item()
    assert total == pytest.approx(((y - p) ** 2).mean(-1).sum())
    assert losses.MeanSquaredError(reduction=None)(y, p).shape == (5,)


def test_mean_absolute_error():
    y, p = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    assert losses.MeanAbsoluteError()(y, p).item() == pytest.approx(np.abs(y - p).mean())


def test_a_column_of_targets_meets_a_row():
    values = losses.mean_squared_error(np.ones(4), np.zeros((4, 1)))
    np.testing.assert_array_equal(values.numpy(), np.ones(4))


@pytest.mark.parametrize("source", ["probabilities", "logits", "softmax"])
def test_categorical_crossentropy(source):
    z = RNG.normal(size=(6, 4))
    y = softmax(RNG.normal(size=(6, 4)))
    expected = -(y * np.log(softmax(z))).sum(-1)
    output = {"probabilities": softmax(z), "logits": z}.get(source)
    if output is None:
        output = fn.ops.softmax(fn.tensor(z))
    values = losses.categorical_crossentropy(y, output, from_logits=source == "logits")
    np.testing.assert_allclose(values.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
def test_sparse_categorical_crossentropy(dtype):
    z, labels = RNG.normal(size=(6, 4)), np.array([0, 3, 1, 1, 2, 0])
    expected = -np.log(softmax(z))[np.arange(6), labels]
    y = labels.astype(dtype)
    for targets in (y, y[:, None]):
        values = losses.sparse_categorical_crossentropy(targets, z, from_logits=True)
        np.testing.assert_allclose(values.numpy(), expected, rtol=1e-9)


def test_labels_above_two_to_the_24_stay_exact():
    labels = losses.crossentropy.as_labels(np.array([2**24 + 1]), "test")
    assert labels.item() == 2**24 + 1


def test_from_softmax_is_exact_where_probabilities_round_to_zero():
    logits = fn.tensor(np.array([[0.0, 200.0]], np.float32))
    y = losses.sparse_categorical_crossentropy([0], fn.ops.softmax(logits))
    assert y.item() == pytest.approx(200.0)
    # From plain probabilities the largest loss is -log(1e-7).
    y = losses.sparse_categorical_crossentropy([0], fn.ops.softmax(logits).numpy())
    assert y.item() == pytest.approx(16.118, abs=1e-3)


def test_binary_crossentropy_is_the_mean_over_the_last_axis():
    z = RNG.normal(size=(5, 3))
    y = (RNG.random((5, 3)) < 0.5).astype(np.float64)
    p = 1 / (1 + np.exp(-z))
    expected = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(-1)
    for output, logits in ((p, False), (z, True), (fn.ops.sigmoid(fn.tensor(z)), False)):
        values = losses.binary_crossentropy(y, output, from_logits=logits)
        np.testing.assert_allclose(values.numpy(), expected, rtol=1e-9)


def test_label_smoothing_moves_toward_the_middle():
    z = RNG.normal(size=(5, 3))
    y = np.eye(3)[[0, 2, 1, 1, 0]]
    smooth = y * 0.9 + 0.1 / 3
    values = losses.categorical_crossentropy(y, z, from_logits=True, label_smoothing=0.1)
    expected = -(smooth * np.log(softmax(z))).sum(-1)
    np.testing.assert_allclose(values.numpy(), expected, rtol=1e-9)
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    assert loss(y, z).item() == pytest.approx(expected.mean(), rel=1e-9)
    b = losses.binary_crossentropy([[1.0]], [[0.3]], label_smoothing=0.2)
    assert b.item() == pytest.approx(-(0.9 * np.log(0.3) + 0.1 * np.log(0.7)), rel=1e-5)


def test_sum_over_batch_size_divides_by_the_number_of_values():
    y, p = np.zeros((2, 3, 1)), np.array([[[1.0], [2], [3]], [[4], [5], [6]]])
    weight = np.array([1.0, 0.0])
    loss = losses.MeanSquaredError()(y, p, sample_weight=weight)
    assert loss.item() == pytest.approx((1 + 4 + 9) / 6)
    by_weight = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert by_weight(y, p, sample_weight=weight).item() == pytest.approx(1 + 4 + 9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_cross_entropy_of_a_batch_and_its_gradient(sparse, weighted):
    z, labels = RNG.normal(size=(6, 4)), np.array([0, 3, 1, 1, 2, 0])
    weight = RNG.random(6) if weighted else np.ones(6)
    kind = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
    x = fn.tensor(z, requires_grad=True)
    y = labels if sparse else np.eye(4)[labels]
    loss = kind(from_logits=True)(y, x, sample_weight=weight if weighted else None)
    expected = -(weight * np.log(softmax(z))[np.arange(6), labels]).sum() / 6
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    loss.backward()
    gradient = weight[:, None] * (softmax(z) - np.eye(4)[labels]) / 6
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-9, atol=1e-12)


def test_ignored_labels_leave_the_mean():
    z, labels = RNG.normal(size=(4, 3)), np.array([0, -1, 2, -1])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    expected = -np.log(softmax(z))[[0, 2], [0, 2]].mean()
    assert loss(labels, z).item() == pytest.approx(expected, rel=1e-9)
    values = losses.sparse_categorical_crossentropy(labels, z, from_logits=True, ignore_class=-1)
    np.testing.assert_array_equal(values.numpy()[[1, 3]], 0)
    assert loss(np.array([-1, -1]), z[:2]).item() == 0


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 3.0, 4.0]])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_a_mean_by_weights_leaves_ignored_labels_out(weight, shape):
    labels, p = np.array([0, 1, 1, 2]), softmax(np.random.default_rng(0).normal(size=(4, 3)))
    loss = losses.SparseCategoricalCrossentropy(ignore_class=1, reduction="mean_with_sample_weight")
    have = loss(labels.reshape(shape), p, None if weight is None else np.array(weight))
    first, last = -np.log(p[0, 0]), -np.log(p[3, 2])
    want = (first + last) / 2 if weight is None else (first + 4 * last) / 5
    np.testing.assert_allclose(have.item(), want, rtol=1e-6)


def test_bad_targets_are_named():
    with pytest.raises(ValueError, match=r"mean_squared_error: y_true has shape \(4, 2\), but"):
        losses.mean_squared_error(np.ones((4, 2)), np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"y_true holds NaN, first at index \(1, 0\)"):
        losses.MeanSquaredError()([[1.0], [np.nan]], [[1.0], [2.0]])
    for output, logits in ((np.zeros((2, 3)), True), (np.full((2, 3), 1 / 3), False)):
        for label in (3, -1):
            with pytest.raises(ValueError, match=f"{label}.*row 1"):
                losses.SparseCategoricalCrossentropy(from_logits=logits)([0, label], output)
    with pytest.raises(ValueError, match="class numbers, got fractions"):
        losses.sparse_categorical_crossentropy([0.5], [[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"needs labels of shape \(2,\)"):
        losses.sparse_categorical_crossentropy([0, 1, 2], np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\)"):
        losses.MeanSquaredError()(np.ones((2, 1)), np.ones((2, 1)), sample_weight=np.ones(3))
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\]"):
        losses.CategoricalCrossentropy(label_smoothing=1.5)
    with pytest.raises(ValueError, match="reduction must be one of"):
        losses.MeanSquaredError(reduction="median")
    with pytest.raises(TypeError, match="y_true"):
        losses.MeanSquaredError()(np.array(["a"]), np.ones(1))


def test_get_serialize_and_back():
    assert losses.get("mse") is losses.mean_squared_error
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert losses.get(None) is None
    loss = losses.BinaryCrossentropy(label_smoothing=0.1, reduction="sum", name="b")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is losses.BinaryCrossentropy
    assert again.get_config() == loss.get_config()
    assert losses.deserialize(losses.serialize(losses.mean_squared_error)) is (
        losses.mean_squared_error
    )
    with pytest.raises(ValueError, match=r"unknown loss 'msee'; known are .*mean_squared_error"):
        losses.get("msee")
    with pytest.raises(TypeError, match="loss: expected a name"):
        losses.get(3)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy"])
@pytest.mark.parametrize("weights", [None, "sample", "value"])
def test_elementwise_losses_agree_with_keras(name, weights):
    import keras

    y = (RNG.random((4, 5, 3)) < 0.5).astype(np.float32)
    p = RNG.random((4, 5, 3)).astype(np.float32)
    weight = {None: None, "sample": RNG.random((4, 1)), "value": RNG.random((4, 5))}[weights]
    weight = None if weight is None else weight.astype(np.float32)
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
        ours = getattr(losses, name)(reduction=reduction)(y, p, sample_weight=weight)
        theirs = getattr(keras.losses, name)(reduction=reduction)(y, p, sample_weight=weight)
        np.testing.assert_allclose(ours.numpy(), np.asarray(theirs), rtol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropies_agree_with_keras(from_logits, smoothing):
    import keras

    z = RNG.normal(size=(7, 4)).astype(np.float32)
    p = z if from_logits else np.abs(z)  # rows that do not sum to one are divided by their sum
    labels = RNG.integers(0, 4, 7)
    y = np.eye(4, dtype=np.float32)[labels]
    weight = RNG.random(7).astype(np.float32)
    options = {"from_logits": from_logits, "label_smoothing": smoothing}
    for w in (None, weight):
        ours = losses.CategoricalCrossentropy(**options)(y, p, sample_weight=w)
        theirs = keras.losses.CategoricalCrossentropy(**options)(y, p, sample_weight=w)
        np.testing.assert_allclose(ours.numpy(), np.asarray(theirs), rtol=1e-5)
        ours = losses.SparseCategoricalCrossentropy(from_logits)(labels, p, sample_weight=w)
        theirs = keras.losses.SparseCategoricalCrossentropy(from_logits)(labels, p, sample_weight=w)
        np.testing.assert_allclose(ours.numpy(), np.asarray(theirs), rtol=1e-5)


def test_ctc_counts_labels_that_are_not_zero():
    z = RNG.normal(size=(3, 6, 4))
    y = np.array([[1, 2, 2], [3, 0, 0], [0, 0, 0]])
    expected = [ctc_alignments.loss(x, [k for k in labels if k]) for x, labels in zip(z, y)]
    for labels in (y, y.astype("float32"), y.astype("uint8")):
        np.testing.assert_allclose(losses.ctc(labels, z), expected, rtol=1e-12)
        assert losses.CTC()(labels, z).item() == pytest.approx(np.mean(expected), rel=1e-12)
    total = losses.CTC(reduction="sum")(y, z, sample_weight=[1.0, 2.0, 0.0]).item()
    assert total == pytest.approx(expected[0] + 2 * expected[1], rel=1e-12)
    assert isinstance(losses.get("CTC"), losses.CTC) and losses.get("ctc") is losses.ctc
    again = losses.deserialize(losses.serialize(losses.CTC(reduction="sum", name="spelt")))
    assert isinstance(again, losses.CTC) and (again.reduction, again.name) == ("sum", "spelt")


def test_ctc_trains_a_model():
    """Frames that show their label, in an order of their own for each example."""
    labels = RNG.integers(1, 5, (64, 3))
    x = np.eye(5, dtype=np.float32)[np.repeat(labels, 4, axis=1)] + RNG.normal(0, 0.1, (64, 12, 5))
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((12, 5)), fn.layers.Dense(5)])
    model.compile(fn.optimizers.Adam(0.05), "ctc")
    history = model.fit(x.astype("float32"), labels, batch_size=16, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    spelt, _ = fn.ops.ctc_decode(model.predict(x, verbose=0), np.full(64, 12), "beam_search", 20)
    different = (labels[:, 1:] != labels[:, :-1]).all(1)  # equal ones need a blank between
    assert (spelt.numpy()[0, different, :3] == labels[different]).all(1).mean() > 0.9


def test_ctc_counts_the_frames_that_a_mask_keeps():
    z = RNG.normal(size=(3, 6, 4))
    y = np.array([[1, 2, 2], [3, 0, 0], [0, 0, 0]])
    mask = np.array([[1, 1, 1, 1, 1, 0], [0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1]], bool)
    expected = [
        ctc_alignments.loss(x[kept], [k for k in labels if k])
        for x, labels, kept in zip(z, y, mask)
    ]
    np.testing.assert_allclose(losses.ctc(y, z, mask), expected, rtol=1e-12)
    z[~mask] = np.nan  # may hold anything
    _, slope = fn.value_and_grad(lambda z: losses.ctc(y, z, mask).sum())(z)
    assert np.isfinite(slope.numpy()).all() and not slope.numpy()[~mask].any()
    np.testing.assert_allclose(losses.ctc(y, z, mask.tolist()), expected, rtol=1e-12)
    np.testing.assert_allclose(losses.ctc(y, z, 2 * mask.astype(int)), expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"ctc: mask has shape \(3, 5\), expected \(3, 6\)"):
        losses.ctc(y, z, mask[:, :5])


@pytest.mark.parametrize("loss", ["ctc", losses.ctc, losses.CTC()])
def test_ctc_of_a_model_that_masks(loss):
    """Padding of any length changes nothing, eager or recorded."""
    x, labels = RNG.normal(size=(4, 6, 3)).astype("float32"), RNG.integers(1, 5, (4, 2))
    x[1, 4:] = 0
    values = []
    for after in (0, 3):
        fn.utils.set_random_seed(0)
        model = fn.Sequential([fn.Input((None, 3)), fn.layers.Masking(), fn.layers.Dense(5)])
        model.compile("sgd", loss)
        padded = np.pad(x, ((0, 0), (0, after), (0, 0)))
        history = model.fit(padded, labels, batch_size=2, epochs=4, shuffle=False, verbose=0)
        values.append(history.history["loss"])
    scores = model(x).numpy()
    np.testing.assert_allclose(*values, rtol=1e-5)
    expected = np.mean(
        [
            ctc_alignments.loss(z[: 4 if i == 1 else 6], y)
            for i, (z, y) in enumerate(zip(scores, labels))
        ]
    )
    assert model.evaluate(x, labels, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_ctc_refuses():
    z = np.zeros((2, 6, 4))
    with pytest.raises(ValueError, match=r"label 0 at \(1, 1\) of target is the blank"):
        losses.CTC()(np.array([[1, 2, 3], [1, 0, 3]]), z)
    with pytest.raises(ValueError, match=r"ctc: y_true has shape \(2,\), expected"):
        losses.CTC()(np.array([1, 2]), z)
    with pytest.raises(ValueError, match=r"ctc: y_pred has shape \(2, 6\), expected"):
        losses.CTC()(np.array([[1], [2]]), z[..., 0])
    with pytest.raises(ValueError, match="ctc: y_true must hold class numbers"):
        losses.CTC()(np.array([[1.5], [2.0]]), z)


@pytest.mark.parity
def test_ctc_agrees_with_keras():
    import keras

    z = RNG.normal(size=(3, 9, 5)).astype(np.float32)
    y = np.array([[1, 2, 2], [4, 3, 0], [2, 0, 0]])
    for reduction in ("sum_over_batch_size", "sum", "none"):
        ours = losses.CTC(reduction)(y, z)
        theirs = keras.losses.CTC(reduction)(y, z)
        np.testing.assert_allclose(ours.numpy(), np.asarray(theirs), rtol=1e-5)
