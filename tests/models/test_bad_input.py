"""Each mistake gets an exception that names it."""

import numpy as np
import pytest

import fastnn as fn

X = np.ones((10, 4), np.float32)
Y = np.zeros((10, 3), np.float32)
LABELS = np.arange(10) % 3


def model(loss="sparse_categorical_crossentropy"):
    made = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3, activation="softmax")])
    made.compile("sgd", loss, metrics=["accuracy"])
    return made


def with_value(array, index, value):
    array = np.array(array, dtype=np.float32 if isinstance(value, float) else None)
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (np.array([["a"] * 4] * 10), LABELS, TypeError, "x must be numbers"),
        (np.array([[None] * 4] * 10), LABELS, TypeError, "x must be numbers"),
        (np.ones((10, 4), np.complex64), LABELS, TypeError, "x must be numbers"),
        ([[1.0, 2.0], [3.0]], [0, 1], ValueError, "ragged"),
        (X, np.array(["a"] * 10), TypeError, "y must be numbers"),
        (X[:0], LABELS[:0], ValueError, "x has no samples"),
        ([], [], ValueError, "x has no samples|x has no arrays"),
        (np.float32(3), LABELS, ValueError, "the first axis must count the samples"),
        (X, LABELS[:9], ValueError, "x has 10 samples, but y has 9"),
        (None, LABELS, ValueError, "x is missing"),
        (3, LABELS, ValueError, "the first axis must count the samples"),
        (np.ones((10, 5)), LABELS, ValueError, r"shape \(10, 5\)"),
        (X, with_value(LABELS, 3, 7), ValueError, "label 7"),
        (X, with_value(LABELS, 3, -1), ValueError, "label -1"),
        (X, with_value(LABELS, 3, float("nan")), ValueError, r"y holds NaN, first at index \(3,\)"),
        (X, with_value(LABELS, 3, 0.5), ValueError, "fractions"),
        (X, np.zeros((10, 2)), ValueError, "needs labels of shape"),
    ],
)
def test_data(x, y, error, message):
    made = model()
    before = made.get_weights()
    with pytest.raises(error, match=message):
        made.fit(x, y, verbose=0, shuffle=False)
    for a, b in zip(before, made.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert int(made.optimizer.iterations) == 0
    made.fit(X, LABELS, verbose=0)  # it can still be used


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": -3}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be an integer"),
        ({"epochs": -1}, ValueError, "epochs must not be negative, got -1"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer"),
        ({"verbose": 3}, ValueError, "verbose must be"),
        ({"shuffle": "rows"}, ValueError, "shuffle must be"),
        ({"validation_split": 1.0}, ValueError, "validation_split must be between"),
        ({"validation_split": 0.99}, ValueError, "leaves 0 to train"),
        ({"validation_data": X[:, 0]}, ValueError, "fit: validation_data: .*shape"),
        ({"validation_data": (X, X, X, X)}, ValueError, "validation_data must be .* got 4 parts"),
        ({"sample_weight": np.ones(9)}, ValueError, "x has 10 samples, but sample_weight has 9"),
        ({"sample_weight": np.full(10, np.nan)}, ValueError, "sample_weight holds NaN"),
        ({"steps_per_epoch": 0}, ValueError, "fit: steps_per_epoch must be at least 1, got 0"),
        ({"steps_per_epoch": 1.5}, TypeError, "fit: steps_per_epoch must be an integer, got 1.5"),
        ({"validation_freq": 0}, ValueError, "fit: validation_freq must be at least 1, got 0"),
        ({"validation_freq": [0]}, ValueError, "validation_freq must be at least 1, got 0"),
        ({"validation_freq": 1.5}, TypeError, "fit: validation_freq must be an integer"),
        ({"validation_steps": 0}, ValueError, "fit: validation_steps must be at least 1"),
        ({"validation_data": (X, LABELS[:9])}, ValueError, "fit: validation_data: x has 10"),
        ({"validation_data": (X, ["a"] * 10)}, TypeError, "fit: validation_data: y must be num"),
        ({"validation_data": (Y, LABELS)}, ValueError, r"fit: validation_data: .*\(10, 3\)"),
        ({"validation_data": iter([])}, ValueError, "fit: validation_data: x yields no batches"),
        ({"validation_data": 3}, ValueError, "fit: validation_data: x is a number"),
        ({"class_weight": [1.0, 2.0]}, TypeError, "fit: class_weight must be a dict.* got list"),
        ({"callbacks": [3]}, TypeError, "expected Callback objects"),
        (
            {"class_weight": {0: 1.0}, "sample_weight": np.ones(10)},
            ValueError,
            "class_weight or sample_weight",
        ),
    ],
)
def test_options_of_fit(options, error, message):
    with pytest.raises(error, match=message):
        model().fit(X, LABELS, **{"verbose": 0, **options})


def test_zero_epochs_do_nothing():
    assert model().fit(X, LABELS, epochs=0, verbose=0).history == {}


def test_nan_in_float_targets():
    for loss in ("mse", "categorical_crossentropy"):
        with pytest.raises(ValueError, match=r"y holds NaN, first at index \(2, 1\)"):
            model(loss).fit(X, with_value(Y, (2, 1), float("nan")), verbose=0)


def test_a_generator_with_bad_batches():
    with pytest.raises(ValueError, match="x has 10 samples, but y has 9"):
        model().fit(iter([(X, LABELS[:9])]), verbose=0)
    with pytest.raises(ValueError, match="a batch must be x"):
        model().fit(iter([(X, LABELS, None, None)]), verbose=0)
    with pytest.raises(ValueError, match="y holds NaN"):
        model("mse").fit(iter([(X, np.full((10, 3), np.nan))]), verbose=0)
    with pytest.raises(ValueError, match="y must not be given"):
        model().fit(iter([(X, LABELS)]), LABELS, verbose=0)
    with pytest.raises(ValueError, match="x yields no batches"):
        model().fit(iter([]), verbose=0)


def test_before_compile():
    made = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3)])
    for operation in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        with pytest.raises(RuntimeError, match=f"{operation}: call compile"):
            getattr(made, operation)(X, Y)


def test_no_loss():
    made = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3)])
    made.compile("sgd")
    with pytest.raises(ValueError, match="no loss to compute"):
        made.fit(X, Y, verbose=0)


def test_shapes_that_would_broadcast():
    made = fn.Sequential([fn.Input((4,)), fn.layers.Dense(3)])
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"y_true has shape \(10, 1\), but y_pred has \(10, 3\)"):
        made.fit(X, np.zeros((10, 1)), verbose=0)


def test_too_many_targets():
    with pytest.raises(ValueError, match="y has 2 targets, but the model has 1 outputs"):
        model().fit(X, [LABELS, LABELS], verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": {"z": Y}}, r"y has targets for \['z'\], but the outputs are \['a'\]"),
        ({"y": {"a": Y, "z": Y}}, r"y has targets for \['z'\]"),
        (
            {"y": {"a": Y}, "sample_weight": {"z": np.ones(10)}},
            r"sample_weight has weights for \['z'\], but the outputs are \['a'\]",
        ),
    ],
)
def test_an_output_that_does_not_exist(options, message):
    made = fn.Sequential([fn.Input((4,)), fn.layers.Dense(Y.shape[1], name="a")])
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match=message):
        made.fit(X, verbose=0, **options)
    made.fit(X, {"a": Y}, verbose=0)


def test_an_output_without_targets():
    x = fn.Input((4,))
    made = fn.Model(x, [fn.layers.Dense(1, name=name)(x) for name in "ab"])
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"y has no targets for \['b'\], which have a loss"):
        made.fit(X, {"a": np.ones((10, 1))}, verbose=0)
    made.compile("sgd", {"a": "mse"})
    made.evaluate(X, {"a": np.ones((10, 1))}, verbose=0)


def test_a_name_for_the_output_of_a_call_of_ones_own():
    class Net(fn.Model):
        def __init__(self):
            super().__init__()
            self.dense = fn.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    made = Net()
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"targets for \['a'\], but the output has no name"):
        made.fit(X, {"a": np.ones((10, 1))}, verbose=0)


def test_a_loss_that_is_no_tensor():
    def constant(y_true, y_pred):
        return 0.5

    with pytest.raises(TypeError, match=r"loss 'constant' must return a Tensor .* got float"):
        model(constant).fit(X, Y, verbose=0)


@pytest.mark.parametrize("operation", ["evaluate", "predict"])
def test_steps(operation):
    with pytest.raises(ValueError, match=f"{operation}: steps must be at least 1, got 0"):
        getattr(model(), operation)(X, steps=0)
