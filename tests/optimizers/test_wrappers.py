"""LossScaleOptimizer, MultiOptimizer and OptimizerMap."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import optimizers


def two():
    return [fn.Variable(np.array([1.0, 2.0], np.float32), name=name) for name in ("a", "b")]


def ones(scale=1.0):
    return [fn.tensor(np.full(2, scale, np.float32)) for _ in range(2)]


def averaged_adam():
    return optimizers.Adam(0.1, use_ema=True, weight_decay=0.1, gradient_accumulation_steps=2)


def muon():
    return optimizers.Muon(0.1)  # no rule of the primitive


def adam_or_muon():
    chosen = {"a": averaged_adam(), "b": muon()}
    return optimizers.MultiOptimizer(lambda variable: chosen[variable.path])


@pytest.mark.parametrize("inner", [averaged_adam, muon, adam_or_muon])
@pytest.mark.parametrize("gradients", [[3.0, np.inf], [np.nan, 1.0]])
def test_a_step_that_is_not_finite_halves_the_scale_and_nothing_else(inner, gradients):
    a, b = two()
    a.constraint = fn.constraints.UnitNorm(axis=None)
    optimizer = optimizers.LossScaleOptimizer(inner(), 8.0, 2)
    optimizer.apply(ones(), [a, b])
    state = [a, b, *optimizer.inner_optimizer.variables]
    before = [np.array(v.numpy()) for v in state]
    optimizer.apply([ones()[0], fn.tensor(np.float32(gradients))], [a, b])
    assert optimizer.dynamic_scale.item() == 4.0
    for old, new in zip(before, state, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    optimizer.apply(ones(), [a, b])
    assert (before[0] != a.numpy()).all() and (before[1] != b.numpy()).all()
    (counter,) = [v for v in optimizer.variables if v.name.endswith("step_counter")]
    assert counter.item() == 1  # good step since the bad one


def test_the_scale_doubles_after_good_steps_and_gradients_are_divided():
    a, b = two()
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5, loss_scale_factor=3.0), 4.0, 2)
    assert optimizer.scale_loss(fn.tensor(1.0)).item() == 4.0
    scales = []
    for _ in range(4):
        scale = optimizer.scale_loss(fn.tensor(1.0)).item()
        optimizer.apply(ones(scale), [a, b])
        scales.append(scale)
    assert scales == [4.0, 4.0, 8.0, 8.0]
    assert a.numpy().tolist() == [-1.0, 0.0]
    optimizer.learning_rate = 0.25
    assert optimizer.inner_optimizer.learning_rate.item() == 0.25
    assert int(optimizer.iterations) == 4


def small(optimizer):
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((3,)), fn.layers.Dense(4, name="one"), fn.layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


DATA = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)


def fitted(model, shuffle=False):
    model.fit(DATA, DATA[:, :1], epochs=2, batch_size=16, shuffle=shuffle, verbose=0)
    return model.get_weights()


def multi():
    chosen = optimizers.OptimizerMap(optimizers.SGD(0.1, momentum=0.9))
    chosen[".*one/.*"] = optimizers.Adam(0.01, weight_decay=0.1)
    return optimizers.MultiOptimizer(chosen)


@pytest.mark.parametrize("make", [lambda: optimizers.LossScaleOptimizer(optimizers.Adam()), multi])
def test_fit_save_and_continue(make, tmp_path):
    model = small(make())
    fitted(model)
    model.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for a, b in zip(fitted(model), fitted(again), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_scaled_loss_trains_as_the_inner_optimizer_does():
    scaled = fitted(small(optimizers.LossScaleOptimizer(optimizers.SGD(0.1))))
    for a, b in zip(scaled, fitted(small(optimizers.SGD(0.1))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)  # float32, in another order


class Plain(optimizers.Optimizer):
    """SGD of one's own, which is no rule of the primitive."""

    def update_step(self, gradient, variable, learning_rate):
        variable.assign_sub(gradient * learning_rate)


def test_an_optimizer_of_ones_own_gets_true_gradients():
    a, b = two()
    optimizer = optimizers.LossScaleOptimizer(Plain(0.5), 8.0)
    optimizer.apply(ones(8.0), [a, b])
    assert a.numpy().tolist() == [0.5, 1.5]


@pytest.mark.parametrize("inner", [optimizers.SGD, Plain])
def test_gradients_of_different_scales_are_added_up_as_those_of_the_loss(inner):
    a, b = two()
    optimizer = optimizers.LossScaleOptimizer(inner(1.0, gradient_accumulation_steps=2), 8.0, 1)
    for scale in (8.0, 16.0, np.inf, 16.0, 32.0):
        optimizer.apply(ones(scale), [a, b])
    assert a.numpy().tolist() == [-1.0, 0.0]  # two steps of 1; that of inf is none


def test_the_scale_doubles_again_and_again():
    a, b = two()
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), 1.0, 3)
    scales = []
    for _ in range(9):
        optimizer.apply(ones(), [a, b])
        scales.append(optimizer.dynamic_scale.item())
    assert scales == [1, 1, 2, 2, 2, 4, 4, 4, 8]


@pytest.mark.parametrize("inner", [optimizers.SGD, Plain])
@pytest.mark.parametrize(
    ("initial", "gradient", "most"), [(2.0**124, 1.0, 2.0**126), (2.0**-124, np.inf, 2.0**-126)]
)
def test_the_scale_stays_a_number_that_steps_can_leave(inner, initial, gradient, most):
    a, b = two()
    optimizer = optimizers.LossScaleOptimizer(inner(0.5), initial, 1)
    for _ in range(4):
        optimizer.apply(ones(gradient), [a, b])
    assert optimizer.dynamic_scale.item() == most
    a.assign([1.0, 2.0])
    optimizer.apply(ones(most), [a, b])
    assert a.numpy().tolist() == [0.5, 1.5]  # gradients of 1
    optimizer.apply(ones(np.nan), [a, b])
    assert optimizer.dynamic_scale.item() == 2.0**125 if most > 1 else 2.0**-126


@pytest.mark.parametrize("lost", [0.0, np.inf])
def test_a_scale_that_a_file_brings_as_0_or_infinity_changes_nothing_and_recovers(lost):
    a, b = two()
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), 8.0)
    optimizer.build([a, b])
    optimizer.dynamic_scale.assign(np.float32(lost))
    optimizer.apply(ones(), [a, b])
    assert a.numpy().tolist() == [1.0, 2.0]
    scale = optimizer.dynamic_scale.item()
    optimizer.apply(ones(scale), [a, b])
    assert a.numpy().tolist() == [0.5, 1.5]


@pytest.mark.parametrize("inner", [lambda: optimizers.SGD(0.5), lambda: Plain(0.5), multi])
def test_the_inner_optimizer_is_its_own_before_and_after(inner):
    a, b = two()
    alone = inner()
    alone.apply(ones(), [a, b])
    first = a.numpy() - [1.0, 2.0]
    wrapped = optimizers.LossScaleOptimizer(alone, 8.0)
    wrapped.apply([fn.tensor([np.inf, 1.0]), ones()[1]], [a, b])
    again = optimizers.LossScaleOptimizer(alone, 4.0)
    for optimizer, scale in ((wrapped, 4.0), (again, 4.0), (alone, 1.0)):
        before = a.numpy().copy()
        optimizer.apply(ones(scale), [a, b])
        np.testing.assert_array_less(0.5 * np.abs(first), np.abs(a.numpy() - before))


@pytest.mark.parametrize("inner", [optimizers.Adam, multi])
def test_scaled_steps_are_recorded_and_skipped_where_they_must(inner):
    """An overflow in the first epoch's second batch, and in none of the second epoch's."""
    runs = []
    for eager in (False, True):
        model = small(optimizers.LossScaleOptimizer(inner(), 2.0**60, 3))
        model.compile(model.optimizer, "mse", run_eagerly=eager)
        rows = DATA.copy()
        rows[16:32] *= 1e20
        for x in (rows, DATA):
            model.fit(x, x[:, :1], epochs=1, batch_size=16, shuffle=False, verbose=0)
        runs.append([*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)])
        assert int(model.optimizer.iterations) == 7
        if not eager and fn.backends.backend() == "native":
            assert " replays " in model._records.steps["training step on rows"][1].explain()
    for recorded, eager in zip(*runs, strict=True):
        np.testing.assert_array_equal(recorded, eager)


def test_each_variable_has_its_optimizer_in_recorded_steps():
    model = small(multi())
    fitted(model, shuffle=True)
    if fn.backends.backend() == "native":
        assert " replays " in model._records.steps["training step on rows"][1].explain()
    adam, sgd = model.optimizer.optimizers
    assert [v.path.split("/")[-2:] for v in adam._parameters] == [
        ["one", "kernel"],
        ["one", "bias"],
    ]
    assert int(model.optimizer.iterations) == int(adam.iterations) == int(sgd.iterations) == 8


def test_missing_gradients_and_averages_reach_the_right_optimizer():
    a, b = two()
    chosen = {"a": optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5), "b": optimizers.SGD(0.25)}
    optimizer = optimizers.MultiOptimizer(lambda v: chosen[v.path], loss_scale_factor=2.0)
    optimizer.build([a, b])
    for _ in range(2):
        with pytest.warns(UserWarning, match="no gradients for b"):
            optimizer.apply([ones(2.0)[0], None], [a, b])
    optimizer.finalize_variable_values([b, a])
    assert a.numpy().tolist() == [0.25, 1.25]  # half way from 0.5 to 0
    assert b.numpy().tolist() == [1.0, 2.0]


def scaled_vsgd():
    return optimizers.LossScaleOptimizer(optimizers.VSGD(0.5), 8.0)


def shared_vsgd():
    """VSGD for the first layer, AdaSecant for the second."""
    chosen = optimizers.OptimizerMap(optimizers.AdaSecant(0.5))
    chosen[".*one/.*"] = optimizers.VSGD(0.5)
    return optimizers.MultiOptimizer(chosen, loss_scale_factor=4.0)


def chosen_vsgd():
    """The same, known only when there are variables to choose for."""
    first, others = optimizers.VSGD(0.5), optimizers.AdaSecant(0.5)
    return optimizers.MultiOptimizer(lambda v: first if "one/" in v.path else others)


@pytest.mark.parametrize("make", [scaled_vsgd, shared_vsgd, chosen_vsgd])
def test_probes_reach_the_optimizers_inside(make):
    fn.utils.set_random_seed(0)
    model = small(make())
    history = model.fit(DATA, DATA[:, :1], epochs=15, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_a_scaled_vsgd_steps_as_itself():
    for a, b in zip(fitted(small(scaled_vsgd())), fitted(small(optimizers.VSGD(0.5))), strict=True):
        np.testing.assert_array_equal(a, b)  # 8 is a power of 2


@pytest.mark.parametrize("bad", ["first", "second"])
def test_a_probe_that_is_not_finite_halves_the_scale_and_nothing_else(bad):
    a, b = two()
    optimizer = scaled_vsgd()
    infinite = [fn.tensor(np.full(2, np.inf, np.float32)) for _ in range(2)]
    found, again = (infinite, ones()) if bad == "first" else (ones(), infinite)
    optimizer.probe(found, [a, b], lambda: again)
    optimizer.apply(found, [a, b])
    assert optimizer.dynamic_scale.item() == 4.0
    assert a.numpy().tolist() == [1.0, 2.0]
    optimizer.probe(ones(), [a, b], lambda: ones(2.0))
    optimizer.apply(ones(), [a, b])
    assert np.isfinite(a.numpy()).all() and a.numpy().tolist() != [1.0, 2.0]


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras's own making
def test_a_scaled_optimizer_has_keras_variables():
    """Keras's by its stateless form, the one that it has for JAX."""
    keras = pytest.importorskip("keras")

    def scaled(module):
        return module.LossScaleOptimizer(module.Adam(0.1), 8.0, 2)

    ours, theirs = scaled(optimizers), scaled(keras.optimizers)
    mine, variables = two(), [keras.Variable(v.numpy()) for v in two()]
    theirs.build(variables)
    weights, state = ([v.value for v in of] for of in (variables, theirs.variables))
    for gradient in (1.0, 2.0, np.inf, 3.0):
        ours.apply(ones(gradient), mine)
        gradients = [np.full(2, gradient, np.float32) for _ in range(2)]
        weights, state = theirs.stateless_apply(state, gradients, weights)
    for a, b in zip([*mine, *ours.variables], [*weights, *state], strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=2e-5)


ADAM, SGD = optimizers.Adam(), optimizers.SGD()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optimizers.LossScaleOptimizer("adam"), TypeError, "inner_optimizer must be an"),
        *(
            (
                lambda scale=scale: optimizers.LossScaleOptimizer(ADAM, scale),
                ValueError,
                rf"initial_scale must be from 2\*\*-126 to 2\*\*126, got {scale}",
            )
            for scale in (0.0, np.inf, np.nan, -1.0)
        ),
        (
            lambda: optimizers.LossScaleOptimizer(ADAM, dynamic_growth_steps=2.5),
            TypeError,
            "LossScaleOptimizer: dynamic_growth_steps must be an integer",
        ),
        (lambda: optimizers.OptimizerMap("adam"), TypeError, "default_optimizer must be an optim"),
        (
            lambda: optimizers.OptimizerMap(multi()),
            ValueError,
            "OptimizerMap: default_optimizer cannot be a MultiOptimizer",
        ),
        (
            lambda: optimizers.OptimizerMap(SGD, {"a.*": ADAM, ".*b": ADAM})["ab"],
            ValueError,
            r"'ab' matches 'a\.\*', '\.\*b'",
        ),
        (
            lambda: optimizers.OptimizerMap(SGD, {"a": ADAM}).update({"a": SGD}),
            ValueError,
            "'a' has an optimizer already",
        ),
        (
            lambda: optimizers.MultiOptimizer(lambda v: None).build(two()),
            TypeError,
            "MultiOptimizer: the optimizer of a must be an optimizer, got None",
        ),
        (lambda: multi().learning_rate, AttributeError, "has no learning rate"),
        (lambda: setattr(multi(), "learning_rate", 0.1), AttributeError, "has no learning rate"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
