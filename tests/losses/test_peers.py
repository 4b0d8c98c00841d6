"""Losses against Keras over drawn shapes, options, reductions and weights."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import fastnn as fn
from fastnn import losses

drawn = hypothesis.settings(
    max_examples=25, deadline=None, derandomize=True, phases=[hypothesis.Phase.generate]
)
# Keras on NumPy takes logarithms of zero, and looks afterwards.
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

REDUCTIONS = st.sampled_from(["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
UNIT = st.floats(0.0, 1.0)
SHAPES = st.sampled_from([(1, 3), (6, 4), (4, 5, 2)])
SMOOTH = {"label_smoothing": st.sampled_from([0.0, 0.3]), "from_logits": st.booleans()}

# Name: what targets and predictions are, and options to draw.
KINDS = {
    "MeanSquaredError": ("real", {}),
    "MeanAbsoluteError": ("real", {}),
    "MeanAbsolutePercentageError": ("real", {}),
    "MeanSquaredLogarithmicError": ("real", {}),
    "CosineSimilarity": ("real", {"axis": st.sampled_from([-1, 1])}),
    "Huber": ("real", {"delta": st.floats(0.1, 3.0)}),
    "LogCosh": ("real", {}),
    "Hinge": ("signs", {}),
    "SquaredHinge": ("signs", {}),
    "CategoricalHinge": ("one-hot", {}),
    "KLDivergence": ("shares", {}),
    "Poisson": ("shares", {}),
    "BinaryCrossentropy": ("hits", SMOOTH),
    "BinaryFocalCrossentropy": (
        "hits",
        {**SMOOTH, "apply_class_balancing": st.booleans(), "alpha": UNIT, "gamma": UNIT},
    ),
    "CategoricalCrossentropy": ("one-hot", SMOOTH),
    "CategoricalFocalCrossentropy": ("one-hot", {**SMOOTH, "alpha": UNIT, "gamma": UNIT}),
    "Dice": ("hits", {"axis": st.sampled_from([None, -1, 1])}),
    "Tversky": ("hits", {"axis": st.sampled_from([None, -1]), "alpha": UNIT, "beta": UNIT}),
}


def pair(kind, shape, rng, logits):
    """Targets and predictions of that kind, in float32."""
    one_hot = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    hits = rng.random(shape) < 0.5
    real = rng.normal(size=shape)
    y = {"real": real, "signs": 2 * hits - 1, "hits": hits, "one-hot": one_hot}.get(kind)
    if y is None:
        y = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    usual = kind in ("real", "signs") or logits
    p = rng.normal(size=shape) if usual else rng.uniform(0.02, 0.98, shape)
    return y.astype(np.float32), p.astype(np.float32)


def agree(ours, theirs, scale=1.0):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * max(scale, 1e-30))


@pytest.mark.parametrize("name", list(KINDS))
@drawn
@hypothesis.given(data=st.data())
def test_elementwise_and_rowwise_losses(name, data):
    import keras

    kind, choices = KINDS[name]
    options = {key: data.draw(choice, key) for key, choice in choices.items()}
    shape = data.draw(SHAPES, "shape")  # few: Keras compiles each anew
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), "seed"))
    y, p = pair(kind, shape, rng, options.get("from_logits"))
    reduction = data.draw(REDUCTIONS, "reduction")
    ours = getattr(losses, name)(reduction=reduction, **options)
    theirs = getattr(keras.losses, name)(reduction=reduction, **options)
    values = ours.call(fn.tensor(y), fn.tensor(p)).numpy()
    weight = None
    if values.ndim and "axis" not in options and data.draw(st.booleans(), "weighted"):
        by_sample = (shape[0], *(1 for _ in values.shape[1:]))
        weight = rng.random(data.draw(st.sampled_from([by_sample, values.shape])))
        weight = weight.astype(np.float32)
    scale = np.abs(values).max() * (values.size if reduction == "sum" else 1)
    agree(ours(y, p, weight), theirs(y, p, weight), scale)


@drawn
@hypothesis.given(
    rows=st.sampled_from([2, 7]),
    seed=st.integers(0, 2**32 - 1),
    reduction=REDUCTIONS,
    gamma=st.floats(1.0, 80.0),
    margin=UNIT,
    remove_diagonal=st.booleans(),
    weighted=st.booleans(),
)
def test_circle(rows, seed, reduction, gamma, margin, remove_diagonal, weighted):
    import keras

    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 3, rows), rng.normal(size=(rows, 4))
    p = (p / np.linalg.norm(p, axis=1, keepdims=True)).astype(np.float32)
    weight = rng.random(rows).astype(np.float32) if weighted else None
    options = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}
    ours = losses.Circle(reduction=reduction, **options)(y, p, weight)
    theirs = keras.losses.Circle(reduction=reduction, **options)(y, p, weight)
    # Values near zero are what two numbers of up to 200 leave of each other.
    np.testing.assert_allclose(ours.numpy(), np.asarray(theirs), rtol=1e-5, atol=2e-4)


@drawn
@hypothesis.given(
    rows=st.sampled_from([1, 7]), seed=st.integers(0, 2**32 - 1), q=st.floats(0.05, 0.95)
)
def test_generalized_cross_entropy(rows, seed, q):
    import keras

    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 4, rows), rng.dirichlet(np.ones(4), rows).astype(np.float32)
    ours = losses.CategoricalGeneralizedCrossEntropy(q)(y, p)
    theirs = keras.losses.CategoricalGeneralizedCrossEntropy(q)(y, p)
    # 1 - p^q of a p near 1, over q.
    np.testing.assert_allclose(ours.numpy(), np.asarray(theirs), rtol=1e-5, atol=1e-6)


def test_no_loss_of_keras_is_missing():
    import keras

    theirs = {name for name in dir(keras.losses) if not name.startswith("_")}
    assert theirs <= set(losses.__all__)
    from keras.src.losses import ALL_OBJECTS_DICT

    for name in set(ALL_OBJECTS_DICT) - {"Loss", "LossFunctionWrapper"}:
        found = losses.get(name)
        assert isinstance(found, losses.Loss) or callable(found), name


@pytest.mark.parametrize("name", [n for n in losses.__all__ if n[0].isupper()])
def test_arguments_and_defaults(name):
    import inspect

    import keras

    theirs = getattr(keras.losses, name, None)
    if theirs is None:
        return
    want = {k: p.default for k, p in inspect.signature(theirs).parameters.items()}
    have = {k: p.default for k, p in inspect.signature(getattr(losses, name)).parameters.items()}
    want.pop("name"), have.pop("name")
    assert have == want
    if name != "Loss":
        assert getattr(losses, name)().name == theirs().name
