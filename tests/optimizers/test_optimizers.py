"""Optimizers against their update rules in float64, and against Keras."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import optimizers

SHAPES = [(3, 4), (4,), (4, 2), (2,)]


def drawn(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def run(optimizer, steps=10, dtype=np.float64):
    """The weights after some steps with fixed gradients."""
    variables = [fn.Variable(w, name=f"w{i}") for i, w in enumerate(drawn(0, dtype))]
    for step in range(steps):
        gradients = [fn.tensor(g) for g in drawn(100 + step, dtype)]
        optimizer.apply(gradients, variables)
    return [v.numpy() for v in variables]


def sgd(w, gs, rate=0.01, momentum=0.0, nesterov=False):
    m = np.zeros_like(w)
    for g in gs:
        m = momentum * m - rate * g
        w = w + (momentum * m - rate * g if nesterov else m)
    return w


def adam(w, gs, rate=0.001, b1=0.9, b2=0.999, eps=1e-7, amsgrad=False, decay=0.0):
    m, v, top = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gs, 1):
        w = w - w * decay * rate
        m = m + (g - m) * (1 - b1)
        v = v + (g * g - v) * (1 - b2)
        top = np.maximum(top, v)
        alpha = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
        w = w - m * alpha / (np.sqrt(top if amsgrad else v) + eps)
    return w


def rmsprop(w, gs, rate=0.001, rho=0.9, momentum=0.0, eps=1e-7, centered=False):
    v, mean, m = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for g in gs:
        v = rho * v + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        m = momentum * m + rate * g / np.sqrt(v - centered * mean**2 + eps)
        w = w - m
    return w


CASES = {
    "sgd": (lambda o: o.SGD(0.1), lambda w, g: sgd(w, g, 0.1)),
    "momentum": (lambda o: o.SGD(0.1, momentum=0.9), lambda w, g: sgd(w, g, 0.1, 0.9)),
    "nesterov": (
        lambda o: o.SGD(0.1, momentum=0.9, nesterov=True),
        lambda w, g: sgd(w, g, 0.1, 0.9, True),
    ),
    "adam": (lambda o: o.Adam(), adam),
    "adam_options": (
        lambda o: o.Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
        lambda w, g: adam(w, g, 0.01, 0.8, 0.99, 1e-3),
    ),
    "amsgrad": (lambda o: o.Adam(0.01, amsgrad=True), lambda w, g: adam(w, g, 0.01, amsgrad=True)),
    "rmsprop": (lambda o: o.RMSprop(), rmsprop),
    "rmsprop_options": (
        lambda o: o.RMSprop(0.01, rho=0.8, momentum=0.5, epsilon=1e-3, centered=True),
        lambda w, g: rmsprop(w, g, 0.01, 0.8, 0.5, 1e-3, True),
    ),
    "adamw": (lambda o: o.AdamW(0.01), lambda w, g: adam(w, g, 0.01, decay=0.004)),
}


@pytest.mark.parametrize("case", CASES)
def test_ten_steps_follow_the_formula(case):
    make, formula = CASES[case]
    got = run(make(optimizers))
    gradients = [drawn(100 + step) for step in range(10)]
    for i, w in enumerate(drawn(0)):
        np.testing.assert_allclose(got[i], formula(w, [g[i] for g in gradients]), rtol=1e-12)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras's own making
@pytest.mark.parametrize(
    "options",
    [{}, {"clipnorm": 0.5}, {"clipvalue": 0.3}, {"global_clipnorm": 0.7}, {"weight_decay": 0.1}],
    ids=str,
)
@pytest.mark.parametrize("case", ["momentum", "nesterov", "adam", "amsgrad", "rmsprop_options"])
def test_ten_steps_agree_with_keras(case, options):
    import keras

    def make(module):
        base = CASES[case][0](module)
        return type(base).from_config({**base.get_config(), **options})

    ours = run(make(optimizers), dtype=np.float32)
    variables = [keras.Variable(w) for w in drawn(0, np.float32)]
    theirs = make(keras.optimizers)
    for step in range(10):
        theirs.apply(drawn(100 + step, np.float32), variables)
    for a, b in zip(ours, variables):
        b = keras.ops.convert_to_numpy(b)
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()


def test_clipping():
    def clipped(gradients, **options):
        w = [fn.Variable(np.zeros_like(g)) for g in gradients]
        optimizers.SGD(1.0, **options).apply([fn.tensor(g) for g in gradients], w)
        return [-v.numpy() for v in w]

    a, b = np.array([3.0, 4.0]), np.array([0.3, 0.4])
    got = clipped([a, b], clipnorm=1.0)
    np.testing.assert_allclose(got[0], a / 5, rtol=1e-12)
    np.testing.assert_allclose(got[1], b, rtol=1e-12)
    got = clipped([a, b], clipvalue=0.35)
    np.testing.assert_allclose(got[1], [0.3, 0.35], rtol=1e-12)
    norm = np.sqrt(25 + 0.25)
    got = clipped([a, b], global_clipnorm=1.0)
    np.testing.assert_allclose(got[0], a / norm, rtol=1e-12)
    got = clipped([np.array([np.inf, 1.0]), b], global_clipnorm=1.0)
    assert np.isnan(np.concatenate(got)).all()
    with pytest.raises(ValueError, match="at most one of clipnorm"):
        optimizers.SGD(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(ValueError, match="clipnorm must be positive"):
        optimizers.SGD(clipnorm=-1.0)


def test_the_learning_rate_can_be_set_between_steps():
    w = fn.Variable(np.zeros(2))
    optimizer = optimizers.SGD(1.0, momentum=0.5)
    one = [fn.tensor(np.ones(2))]
    optimizer.apply(one, [w])
    optimizer.learning_rate = 0.1
    optimizer.apply(one, [w])
    # m = -1, then -0.5 - 0.1: the new rate acts on the new gradient only.
    np.testing.assert_allclose(w.numpy(), -1.6, rtol=1e-12)
    optimizer.learning_rate.assign(0.0)
    optimizer.apply(one, [w])
    np.testing.assert_allclose(w.numpy(), -1.9, rtol=1e-12)
    assert float(optimizers.Adam(0.001).learning_rate) == 0.001


def test_a_changed_setting_counts_from_the_next_step():
    w = fn.Variable(np.zeros(1))
    optimizer = optimizers.SGD(1.0, momentum=0.5)
    optimizer.apply([fn.tensor([1.0], dtype="float64")], [w])
    optimizer.nesterov = True
    optimizer.apply([fn.tensor([1.0], dtype="float64")], [w])
    # m = -1, w = -1; then m = -1.5 and w += 0.5 * -1.5 - 1
    assert w.item() == -2.75


@pytest.mark.parametrize("rate", [1, "0.1", True, None])
def test_a_rate_must_be_a_float(rate):
    with pytest.raises(ValueError, match="learning_rate must be a float"):
        optimizers.Adam(rate)


def test_momentum_must_be_a_fraction():
    with pytest.raises(ValueError, match="momentum must be a float in"):
        optimizers.SGD(momentum=2.0)


def test_missing_gradients():
    a, b = fn.Variable(np.zeros(1), name="a"), fn.Variable(np.zeros(1), name="b")
    optimizer = optimizers.Adam(0.1)
    optimizer.build([a, b])
    with pytest.warns(UserWarning, match="no gradients for b"):
        optimizer.apply([fn.tensor(np.ones(1)), None], [a, b])
    assert a.item() == pytest.approx(-0.1, rel=1e-5)
    assert b.item() == 0
    assert int(optimizer.iterations) == 1
    with pytest.raises(ValueError, match="no gradients for any variable"):
        optimizer.apply([None, None], [a, b])
    with pytest.raises(ValueError, match="got 1 gradients for 2 variables"):
        optimizer.apply([fn.tensor(np.ones(1))], [a, b])
    with pytest.raises(ValueError, match="built for other variables; unknown: c"):
        optimizer.apply([fn.tensor(np.ones(1))], [fn.Variable(np.zeros(1), name="c")])
    with pytest.raises(ValueError, match=r"shape \(2\)|shape \(2,\)"):
        optimizer.apply([fn.tensor(np.ones(2)), fn.tensor(np.ones(1))], [a, b])
    assert int(optimizer.iterations) == 1


def test_variables_in_keras_order():
    optimizer = optimizers.Adam(amsgrad=True, name="adam")
    optimizer.build([fn.Variable(np.zeros(2), name="a"), fn.Variable(np.zeros(3), name="b")])
    assert [v.name for v in optimizer.variables] == [
        "adam/iteration",
        "adam/learning_rate",
        "adam/a_momentum",
        "adam/a_velocity",
        "adam/b_momentum",
        "adam/b_velocity",
        "adam/a_velocity_hat",
        "adam/b_velocity_hat",
    ]


@pytest.mark.parametrize("case", ["momentum", "amsgrad", "rmsprop_options"])
def test_restored_state_continues_bit_for_bit(case):
    make = CASES[case][0]
    whole = run(make(optimizers), steps=6, dtype=np.float32)
    first = make(optimizers)
    variables = [fn.Variable(w) for w in drawn(0, np.float32)]
    for step in range(3):
        first.apply([fn.tensor(g) for g in drawn(100 + step, np.float32)], variables)
    store = {}
    first.save_own_variables(store)
    second = make(optimizers)
    second.build(variables)
    second.load_own_variables(store)
    assert int(second.iterations) == 3
    for step in range(3, 6):
        second.apply([fn.tensor(g) for g in drawn(100 + step, np.float32)], variables)
    for a, b in zip(whole, variables):
        np.testing.assert_array_equal(a, b.numpy())
    with pytest.raises(ValueError, match="expected"):
        second.set_weights([])


def test_decay_spares_excluded_variables():
    a, b = fn.Variable(np.ones(1), name="kernel"), fn.Variable(np.ones(1), name="bias")
    optimizer = optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    zero = fn.tensor(np.zeros(1))
    optimizer.apply([zero, zero], [a, b])
    assert (a.item(), b.item()) == (1 - 0.05, 1.0)


def test_constraints_hold_after_the_update():
    w = fn.Variable(np.array([1.0, -1.0]))
    w.constraint = lambda v: fn.ops.maximum(v, 0.0)
    optimizers.SGD(0.5).apply([fn.tensor(np.ones(2))], [w])
    assert w.numpy().tolist() == [0.5, 0.0]


def test_an_optimizer_of_ones_own():
    class Signs(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.counts = [self.add_variable_from_reference(v, "count") for v in variables]

        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(learning_rate * fn.ops.sign(gradient))
            self.counts[0].assign_add(fn.ops.ones_like(gradient))

    w = fn.Variable(np.zeros(2, np.float32), name="w")
    optimizer = Signs(0.5, name="signs")
    for _ in range(2):
        optimizer.apply([fn.tensor(np.array([3.0, -2.0], np.float32))], [w])
    assert w.numpy().tolist() == [-1.0, 1.0]
    assert optimizer.variables[-1].numpy().tolist() == [2.0, 2.0]
    assert optimizer.variables[-1].name == "signs/w_count"


def test_configs_and_names():
    for make, _ in CASES.values():
        optimizer = make(optimizers)
        again = optimizers.deserialize(optimizers.serialize(optimizer))
        assert type(again) is type(optimizer)
        assert again.get_config() == optimizer.get_config()
    assert isinstance(optimizers.get("adam"), optimizers.Adam)
    assert isinstance(optimizers.get("SGD"), optimizers.SGD)
    assert isinstance(optimizers.get(optimizers.AdamW), optimizers.AdamW)
    with pytest.raises(ValueError, match=r"unknown optimizer 'adamm'; known are .*adam"):
        optimizers.get("adamm")
    with pytest.raises(TypeError, match="optimizer: expected"):
        optimizers.get(fn.losses.MeanSquaredError())
