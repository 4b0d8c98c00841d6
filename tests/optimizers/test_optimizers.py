"""Optimizers against their update rules in float64, and against Keras."""

import numpy as np
import pytest
from optimizer_cases import CASES, drawn, keras_case, run

import fastnn as fn
from fastnn import optimizers


@pytest.mark.parametrize("case", CASES)
def test_ten_steps_follow_the_formula(case):
    make, formula = CASES[case]
    got = run(make(optimizers))
    gradients = [drawn(100 + step) for step in range(10)]
    for i, w in enumerate(drawn(0)):
        np.testing.assert_allclose(got[i], formula(w, [g[i] for g in gradients]), rtol=1e-12)


OPTIONS = [
    {"clipnorm": 0.5},
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.7},
    {"weight_decay": 0.1},
    {"loss_scale_factor": 4.0},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 2, "global_clipnorm": 0.7, "weight_decay": 0.1},
    {
        "gradient_accumulation_steps": 3,
        "use_ema": True,
        "ema_momentum": 0.5,
        "ema_overwrite_frequency": 2,
    },
]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras's own making
@pytest.mark.parametrize(
    ("case", "options"),
    [keras_case(case, {}) for case in CASES]
    + [(case, options) for case in ("nesterov", "adam", "rmsprop_options") for options in OPTIONS],
    ids=str,
)
def test_ten_steps_agree_with_keras(case, options):
    """Weights, and all of the optimizer's variables in Keras's order."""
    keras = pytest.importorskip("keras")

    def make(module):
        base = CASES[case][0](module)
        return type(base).from_config({**base.get_config(), **options})

    ours, theirs = make(optimizers), make(keras.optimizers)
    mine = [fn.Variable(w, name=f"w{i}") for i, w in enumerate(drawn(0, np.float32))]
    variables = [keras.Variable(w) for w in drawn(0, np.float32)]
    for step in range(10):
        gradients = drawn(100 + step, np.float32)
        ours.apply([fn.tensor(g) for g in gradients], mine)
        theirs.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
    pairs = zip([*mine, *ours.variables], [*variables, *theirs.variables], strict=True)
    for i, (a, b) in enumerate(pairs):
        b = keras.ops.convert_to_numpy(b)
        # Of slots: where Keras takes 1 - 0.999 in float32, it is off by 1.3e-5.
        bound = 1e-5 if i < len(mine) else 2e-5
        assert np.abs(a.numpy() - b).max() <= bound * np.abs(b).max()
    if ours.use_ema:
        ours.finalize_variable_values(mine)
        theirs.finalize_variable_values(variables)
        for a, b in zip(mine, variables, strict=True):
            np.testing.assert_allclose(a.numpy(), keras.ops.convert_to_numpy(b), rtol=1e-5)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("case", CASES)
def test_configurations_are_keras(case):
    """Names and defaults of all arguments."""
    keras = pytest.importorskip("keras")
    ours, theirs = (
        CASES[case][0](module).get_config() for module in (optimizers, keras.optimizers)
    )
    del ours["name"], theirs["name"]
    assert ours.pop("learning_rate") == pytest.approx(theirs.pop("learning_rate"), rel=1e-6)
    assert ours == theirs


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
    with pytest.raises(ValueError, match="SGD: momentum must be from 0 to 1, got 2"):
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


@pytest.mark.parametrize("case", ["momentum", "amsgrad", "rmsprop_options", "nadam", "ftrl"])
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


class Plain(optimizers.Optimizer):
    """SGD with an update of its own."""

    def update_step(self, gradient, variable, learning_rate):
        variable.assign_sub(learning_rate * gradient)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_an_update_of_ones_own_gets_the_same_surroundings(options):
    """SGD by the primitive and by `update_step`."""
    native, own = optimizers.SGD(0.1, **options), Plain(0.1, **options)
    for a, b in zip(run(native), run(own), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    for a, b in zip(native.variables, own.variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-15)


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


def test_accumulated_gradients():
    """Three calls, one step with the mean; `iterations` counts steps."""
    w = fn.Variable(np.zeros(1), name="w")
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=3)
    for step, value in enumerate([1.0, 2.0, 6.0, 30.0]):
        assert int(optimizer.iterations) == step // 3
        optimizer.apply([fn.tensor(np.array([value]))], [w])
        assert w.item() == (0.0 if step < 2 else -3.0)
    assert [v.name.split("/")[-1] for v in optimizer.variables] == [
        "iteration",
        "learning_rate",
        "w_gradient_accumulator",
    ]
    assert optimizer.variables[2].item() == 30.0


def test_averages_of_a_variable_without_gradients():
    a, b = fn.Variable(np.ones(1), name="a"), fn.Variable(np.full(1, 5.0), name="b")
    optimizer = optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    optimizer.build([a, b])
    for _ in range(2):
        with pytest.warns(UserWarning, match="no gradients for b"):
            optimizer.apply([fn.tensor(np.ones(1)), None], [a, b])
    optimizer.finalize_variable_values([a, b])
    assert (a.item(), b.item()) == (0.25, 5.0)  # of a: 0.5 at first, then half way to 0


def test_bad_settings():
    with pytest.raises(ValueError, match="gradient_accumulation_steps must be an integer"):
        optimizers.SGD(gradient_accumulation_steps=1)
    with pytest.raises(ValueError, match="ema_momentum must be from 0 to 1, got 2"):
        optimizers.SGD(use_ema=True, ema_momentum=2)
    with pytest.raises(ValueError, match="ema_overwrite_frequency must be a positive integer"):
        optimizers.SGD(use_ema=True, ema_overwrite_frequency=0.5)
    with pytest.raises(ValueError, match="AdamW: weight_decay must be a float, got None"):
        optimizers.AdamW(weight_decay=None)
    with pytest.raises(ValueError, match="Lion: beta_1 must be above 0"):
        optimizers.Lion(beta_1=0.0)
    with pytest.raises(ValueError, match="Ftrl: learning_rate_power must be at most 0"):
        optimizers.Ftrl(learning_rate_power=0.5)
    with pytest.raises(ValueError, match="Ftrl: l1_regularization_strength must be at least 0"):
        optimizers.Ftrl(l1_regularization_strength=-0.5)
    with pytest.raises(TypeError, match="unexpected keyword argument 'rate'"):
        optimizers.Adam(rate=0.1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: optimizers.Adam(beta_1="0.9"),
            TypeError,
            r"Adam: beta_1 must be at .* got '0\.9'",
        ),
        (lambda: optimizers.Adam(epsilon=None), TypeError, "Adam: epsilon must be .* got None"),
        (
            lambda: optimizers.Adagrad(epsilon=[1e-7]),
            TypeError,
            r"Adagrad: epsilon must be .* got \[",
        ),
        (
            lambda: optimizers.SGD(weight_decay="a"),
            TypeError,
            "SGD: weight_decay must be .* got 'a'",
        ),
        (
            lambda: optimizers.Ftrl(l2_regularization_strength=10**400),
            ValueError,
            "Ftrl: l2_.* got 1",
        ),
        (
            lambda: optimizers.Adam(beta_2=np.float32(1.5)),
            ValueError,
            r"Adam: beta_2 must be at least 0 and below 1, got 1\.5",
        ),
        (
            lambda: optimizers.schedules.CosineDecay(None, 10),
            TypeError,
            "CosineDecay: initial_learning_rate must be at least 0, got None",
        ),
    ],
)
def test_a_setting_that_is_no_number_in_its_range_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


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


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adafactor_where_inputs_and_units_are_dead(backend, dtype):
    """Rows and columns of zeros among small gradients, as of black pixels and silent units."""
    with fn.use_backend(backend):
        w = fn.Variable(np.ones((20, 30)), dtype=dtype)
        optimizer = optimizers.Adafactor(0.1)
        for step in range(5):
            g = np.random.default_rng(step).normal(0, 1e-3, (20, 30)).astype(dtype)
            g[:10], g[:, :15] = 0, 0
            optimizer.apply([fn.tensor(g)], [w])
        moved = w.numpy() != 1
    assert np.isfinite(w.numpy()).all() and moved[10:, 15:].all() and not moved[:10, :15].any()
