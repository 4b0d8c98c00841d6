"""Recorded steps whose calls are changed: relu behind a max-pooling goes before it."""

import numpy as np
import pytest
from captured_steps import replayed, without_verification

import fastnn as fn
from fastnn import _core, captured, layers, ops


@pytest.fixture(autouse=True)
def reset_floatx():
    yield
    fn.config.set_floatx("float32")


def names_of(step):
    """The primitives that a replay calls."""
    return [line.split()[0] for line in step.explain().splitlines()[2:]]


def images(*shape, seed=0):
    """Equal numbers, zeros and, once, NaN and the infinities."""
    x = np.random.default_rng(seed).integers(-2, 3, shape).astype(fn.config.floatx())
    x.flat[:3] = np.nan, np.inf, -np.inf
    return x


def network():
    return fn.Sequential(
        [
            layers.Input((9, 10, 2)),
            *(layers.Conv2D(5, 3), layers.MaxPooling2D(), layers.ReLU()),
            *(layers.Conv2D(7, 2), layers.MaxPooling2D(2, 1), layers.Activation("relu")),
            *(layers.Flatten(), layers.Dense(3)),
        ]
    )


def training_step(model, optimizer, wrap):
    gradients = fn.value_and_grad(lambda _, x, y: ops.mean(model(x) * y))

    def step(x, y):
        loss, found = gradients(model.trainable_variables, x, y)
        optimizer.apply(found, model.trainable_variables)
        return loss

    return wrap(step)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_step_has_the_bits_of_the_eager_one(dtype):
    fn.config.set_floatx(dtype)
    weights, losses, steps = [], [], []
    for wrap in (fn.capture, lambda step: step):
        fn.utils.set_random_seed(3)
        model = network()
        step = training_step(model, fn.optimizers.SGD(0.01, momentum=0.9), wrap)
        x = images(4, 9, 10, 2)
        x[~np.isfinite(x)] = 1
        losses.append([step(x + i, np.ones((4, 3))).numpy().tobytes() for i in range(6)])
        weights.append([w.tobytes() for w in model.get_weights()])
        steps.append(step)
    assert weights[0] == weights[1] and losses[0] == losses[1]
    assert replayed(steps[0])
    if not captured.VERIFY:
        names = names_of(steps[0])
        assert not {"unary", "unary_backward"} & set(names), names
        assert names.count("max_pool_backward") == 2


@pytest.mark.parametrize("shape", [(2, 6, 7, 3), (1, 2, 2, 1)])
def test_what_is_returned_is_what_relu_gave(shape):
    kernel, bias = images(2, 2, shape[-1], 4, seed=1)[::-1], images(4, seed=2)[::-1].copy()
    bias[-3:] = 0
    kernel = np.where(np.isfinite(kernel), kernel, 1)

    def forward(x):
        y = ops.conv(x, kernel, padding="same", bias=fn.tensor(bias))
        return ops.relu(ops.max_pool(y, 2, 1))

    step = fn.capture(forward)
    with fn.no_grad():
        for i in range(6):
            x = images(*shape, seed=i)
            assert step(x).numpy().tobytes() == forward(x).numpy().tobytes()
    assert replayed(step)
    if not captured.VERIFY:
        assert names_of(step).count("unary") == 0


def gradient(function):
    """Of the sum of what a function of a convolution's result returns, by the kernel."""

    def step(x, w):
        return fn.grad(lambda w: ops.sum(function(ops.conv(x, w))))(w)

    return step


def pool(y):
    return ops.max_pool(y, 2, 2)


KEPT = {
    "the convolution is read besides": lambda y: ops.sum(ops.relu(pool(y))) + ops.sum(y),
    "the pooling is read besides": lambda y: ops.relu(pool(y)) * pool(y) + pool(y),
    "one pooling, twice": lambda y: (lambda p: ops.relu(p) + p)(pool(y)),
    "relu twice": lambda y: (lambda p: ops.relu(p) * ops.relu(p))(pool(y)),
    "another activation": lambda y: ops.relu(pool(ops.tanh(y))),
    "leaky": lambda y: ops.leaky_relu(pool(y)),
    "a mean": lambda y: ops.relu(ops.average_pool(y, 2, 2)),
    "a view": lambda y: ops.relu(ops.reshape(pool(y), (-1, 9))),
    "transposed": lambda y: ops.square(ops.relu(ops.transpose(pool(y), (0, 2, 1, 3)))),
    "the first": lambda y: ops.relu(pool(y)[:1]),
    "the last": lambda y: ops.relu(pool(y)[1:]),
    "a broadcast gradient": lambda y: ops.mean(ops.relu(pool(y)), axis=(1, 2)),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_others_read_stays(name):
    for eager in (gradient(KEPT[name]), lambda x, w: KEPT[name](ops.conv(x, w))):
        step = fn.capture(eager)
        for i in range(6):
            x, w = images(3, 6, 8, 2, seed=i), images(3, 3, 2, 3, seed=9 - i)
            x[~np.isfinite(x)] = w[~np.isfinite(w)] = 1
            x, w = fn.tensor(x), fn.tensor(w)
            assert step(x, w).numpy().tobytes() == eager(x, w).numpy().tobytes()
        assert replayed(step)


@without_verification
def test_the_convolution_may_be_a_result():
    def forward(x, w):
        y = ops.conv(x, w)
        return y, ops.relu(ops.max_pool(y, 2, 2))

    step = fn.capture(forward)
    with fn.no_grad():
        for i in range(5):
            x, w = fn.tensor(images(2, 6, 6, 1, seed=i)), fn.tensor(images(3, 3, 1, 2, seed=i))
            for one, other in zip(step(x, w), forward(x, w), strict=True):
                assert one.numpy().tobytes() == other.numpy().tobytes()
    assert "unary" in names_of(step)


def same_bits(eager, *arrays):
    step = fn.capture(eager)
    for _ in range(5):
        operands = [fn.tensor(array) for array in arrays]
        assert step(*operands).numpy().tobytes() == eager(*operands).numpy().tobytes()
    assert replayed(step)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_that_vanish_below_zero(dtype):
    tiny = np.finfo(dtype).tiny
    x = np.full((2, 5, 5, 1), tiny, dtype)
    x[0, 2:] = 1
    with fn.no_grad():
        same_bits(
            lambda x, w: ops.relu(pool(ops.conv(x, w))), x, np.full((2, 2, 1, 3), -tiny, dtype)
        )


def test_windows_of_nothing():
    """A maximum of no elements is -infinity, which relu makes 0."""

    def forward(x, w):
        y = ops.conv(x, w)
        return ops.relu(_core.max_pool(y, (2, 2), (1, 1), (2, 2, 2, 2), (2, 2), False, False)[0])

    with fn.no_grad():
        same_bits(forward, images(2, 3, 3, 1, seed=1)[:, ::-1], np.ones((3, 3, 1, 4), "float32"))


def test_a_gradient_that_is_written_before_the_pooling_reads_it():
    state = fn.Variable(np.zeros((2, 2, 2, 4), "float32"), trainable=False)

    @ops.custom_gradient
    def above(y):
        return y, lambda _: state

    @ops.custom_gradient
    def below(y):
        def backward(gradient):
            state.assign(ops.full(y.shape, -5))
            return gradient

        return y, backward

    def function(y):
        state.assign(ops.ones(state.shape))
        return above(ops.relu(below(pool(y))))

    random = np.random.default_rng(0)
    x, w = random.standard_normal((2, 6, 6, 3)), random.standard_normal((3, 3, 3, 4))
    same_bits(gradient(function), x.astype("float32"), w.astype("float32"))


def test_verification_compares_with_what_relu_gave():
    kernel = fn.tensor(images(3, 3, 1, 4, seed=1)[:, ::-1])

    def forward(x):
        return ops.relu(pool(ops.conv(x, kernel)))

    step = fn.capture(forward)
    inputs = [
        (fn.tensor(np.random.default_rng(i).random((2, 6, 6, 1), "float32")),) for i in (0, 1)
    ]
    with fn.no_grad():
        for _ in range(4):
            step(*inputs[0])
        (plan,) = (taken.plan for taken in step._steps.values())
        recording = _core.Recording()
        captured._recorded(recording, lambda inputs: forward(*inputs), inputs[0])
        assert plan.verify(recording, inputs[0], plan.state()) == ""
        assert "max_pool" in plan.verify(recording, inputs[1], plan.state())
