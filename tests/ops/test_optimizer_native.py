"""optimizer_step and scale_list: rules against their formulas, and what surrounds a rule."""

from __future__ import annotations

import numpy as np
import optimizer_formulas as formulas
import pytest
from same_bits import same_at_offsets, same_for_threads

from fastnn import _core

SHAPES = [(3,), (64, 10), (), (0, 4), (17,), (40_000,)]
# rule: (what slots start at, hyper, formula)
RULES = {
    "sgd": ([], [], formulas.sgd),
    "momentum": ([0], [0.9], lambda w, g, r: formulas.sgd(w, g, r, 0.9)),
    "nesterov": ([0], [0.9], lambda w, g, r: formulas.sgd(w, g, r, 0.9, True)),
    "adagrad": ([0.1], [1e-7], formulas.adagrad),
    "adadelta": ([0, 0], [0.9, 1e-3], lambda w, g, r: formulas.adadelta(w, g, r, 0.9, 1e-3)),
    "rmsprop": ([0], [0.9, 1e-3], lambda w, g, r: formulas.rmsprop(w, g, r, 0.9, 0, 1e-3)),
    "rmsprop_momentum": (
        [0, 0],
        [0.9, 1e-3, 0.5],
        lambda w, g, r: formulas.rmsprop(w, g, r, 0.9, 0.5, 1e-3),
    ),
    "rmsprop_centered": (
        [0, 0],
        [0.9, 1e-1],
        lambda w, g, r: formulas.rmsprop(w, g, r, 0.9, 0, 1e-1, True),
    ),
    "rmsprop_centered_momentum": (
        [0, 0, 0],
        [0.9, 1e-1, 0.5],
        lambda w, g, r: formulas.rmsprop(w, g, r, 0.9, 0.5, 1e-1, True),
    ),
    "adam": ([0, 0], [0.9, 0.999, 1e-7], formulas.adam),
    "amsgrad": ([0] * 3, [0.9, 0.999, 1e-7], lambda w, g, r: formulas.adam(w, g, r, amsgrad=True)),
    "adamax": ([0, 0], [0.9, 0.999, 1e-7], formulas.adamax),
    "nadam": ([0, 0], [0.9, 0.999, 1e-7], formulas.nadam),
    "ftrl": (
        [0.1, 0],
        [-0.5, 0.2, 0.1, 0.05, 0.3],
        lambda w, g, r: formulas.ftrl(w, g, r, -0.5, 0.1, 0.2, 0.1, 0.05, 0.3),
    ),
    "lion": ([0], [0.9, 0.99], formulas.lion),
    "schedule_free": (
        ["w", 0],
        [0.9, 0.999, 1e-7, 3],
        lambda w, g, r: formulas.schedule_free(w, g, r, epsilon=1e-7, warmup=3),
    ),
    "vsgd": (
        [0, 0, 0, 0, 1, 0.5],
        [4.0],
        lambda w, g, r: formulas.vsgd(w, [Slope(x, 0.5) for x in g], r, 4.0),
    ),
    "adasecant": (
        [*[0] * 12, 1],
        [0.01, 1.2],
        lambda w, g, r: formulas.adasecant(w, [lambda w, x=x: x for x in g], r, 0.01, 1.2),
    ),
    "lamb": ([0, 0], [0.9, 0.999, 1e-7], formulas.lamb),
    "adafactor": ([0, 0, 0], [-0.8, 1e-30, 1e-3, 1.0], formulas.adafactor),
}
RATE = 0.01
WHOLE = ("lamb", "adafactor")


class Slope:
    """The gradient of a parabola where it is asked for first, of that curvature."""

    def __init__(self, value, curvature):
        self.value, self.curvature, self.place = value, curvature, None

    def __call__(self, w):
        self.place = w if self.place is None else self.place
        return self.value + self.curvature * (w - self.place)


def slot_of(rule, k, weight, start):
    """What slot k of a weight starts at."""
    if isinstance(start, str):
        return weight.copy()
    shape = weight.shape
    if rule == "adafactor" and k < 2:
        shape = (*shape[:-2], shape[k - 2]) if len(shape) > 1 else ()
    return np.full(shape, start, weight.dtype)


def tensors(arrays):
    return [_core.from_numpy(np.asarray(array)) for array in arrays]


class Stepper:
    """Parameters with their slots and all else that a rule reads."""

    def __init__(self, rule, weights, accumulate=1, averages=False):
        starts, hyper, _ = RULES[rule]
        self.rule = rule
        self.parameters = tensors(weights)
        self.slots = tensors(
            slot_of(rule, k, w, start) for k, start in enumerate(starts) for w in weights
        )
        self.rate, self.hyper = tensors([np.array(RATE), np.array(hyper, np.float64)])
        (self.iterations,) = tensors([np.array(0)])
        self.product = tensors([np.array(1.0)])[0] if rule == "nadam" else None
        self.accumulators = tensors(map(np.zeros_like, weights)) if accumulate > 1 else None
        self.averages = tensors(weights) if averages else None

    def __call__(self, gradients, *attributes):
        state = self.iterations, self.product, self.accumulators, self.averages, None, None
        return _core.optimizer_step(
            self.parameters,
            self.slots,
            gradients,
            self.rate,
            self.hyper,
            *state,
            self.rule,
            *attributes,
        )


def drawn(seed, dtype="float32", shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_five_steps(rule, dtype):
    """A step rounds w once and the change a few times, and slots likewise. AdaSecant divides by
    differences of directions: of those few that are next to 0, hardly a digit is left."""
    eps = np.finfo(dtype).eps
    w, gradients = drawn(0, dtype), [drawn(t, dtype) for t in range(1, 6)]
    step = Stepper(rule, w)
    for g in gradients:
        assert step(tensors(g)) is None
    assert int(step.iterations) == 5
    close = []
    for i, (start, parameter) in enumerate(zip(w, step.parameters, strict=True)):
        if rule in WHOLE and not start.size:
            continue  # the formulas take means of the whole
        wide = [g[i].astype(np.longdouble) for g in gradients]
        expected = RULES[rule][2](start.astype(np.longdouble), wide, RATE)
        y = np.asarray(parameter)
        assert y.dtype == dtype and y.shape == SHAPES[i]
        close.extend(np.ravel(abs(y - expected) <= 5 * eps * (2 + abs(expected))))
    assert np.mean(close) > 0.998 if rule == "adasecant" else np.all(close)


def over_root(gradient, square):
    """-gradient / sqrt(square), as RMSprop steps from 0 with a mean square that stays."""
    step = Stepper("rmsprop", [np.zeros_like(square)])
    step.slots = tensors([square])
    step.rate, step.hyper = tensors([np.array(1.0), np.array([1.0, 0.0])])
    step(tensors([gradient]))
    return np.asarray(step.parameters[0])


@pytest.mark.parametrize("register", [0, 1])
def test_roots_are_rounded(register):
    """Registers take turns in how they find a root: each number is in both. A quotient by the
    rounded root is 1, by its neighbours not."""
    rng = np.random.default_rng(4)
    of_any_size = np.sort(rng.integers(1, 0x7F800000, 1 << 18, dtype=np.uint32)).view("float32")
    mantissas = rng.integers(0x3F800000, 0x40800000, 1 << 20, dtype=np.uint32).view("float32")
    ends = np.float32([1, 4]) + np.float32([[2**-23], [-(2**-22)]]) * np.arange(50)[:, None, None]
    square = np.concatenate([np.ones(16 * register), of_any_size, mantissas, ends.ravel()])
    square = square.astype("float32")
    np.testing.assert_array_equal(over_root(np.sqrt(square), square), -1)


def test_roots_of_no_numbers():
    square = np.full(1024, 0.3, "float32")
    square[40], square[90:93], square[500:540] = -1, [0, np.inf, np.nan], 1e-44
    with np.errstate(all="ignore"):
        expected = 0 - 1 / np.sqrt(square)
    np.testing.assert_array_equal(over_root(np.ones_like(square), square), expected)


@pytest.mark.parametrize("power", [0.0, -0.3, -0.5, -1.0])
def test_powers_of_ftrl(power):
    (w,), gradients = drawn(0, "float64", [(100,)]), [drawn(t, "float64", [(100,)]) for t in (1, 2)]
    step = Stepper("ftrl", [w])
    (step.hyper,) = tensors([np.array([power, 0.2, 0.1, 0.0, 0.0])])
    for g in gradients:
        step(tensors(g))
    expected = formulas.ftrl(w, [g[0] for g in gradients], RATE, power, 0.1, 0.2, 0.1)
    np.testing.assert_allclose(step.parameters[0], expected, rtol=1e-12, atol=1e-14)


def test_lion_stands_still_without_a_slope_and_shows_nan():
    step = Stepper("lion", [np.ones(3, "float32")])
    step(tensors([np.array([0.0, 2.0, np.nan], "float32")]))
    np.testing.assert_array_equal(
        step.parameters[0], np.array([1, np.float32(1) - np.float32(RATE), np.nan], "float32")
    )


def test_mixed_dtypes_and_many_tensors():
    """Beyond what is kept on the stack, one dtype a tensor."""
    rng = np.random.default_rng(1)
    w = [rng.standard_normal(i % 7).astype(d) for i, d in enumerate(["float32", "float64"] * 100)]
    g = [rng.standard_normal(v.shape).astype(v.dtype) for v in w]
    norm = np.sqrt(sum(np.sum(x.astype(float) ** 2) for x in g))
    for attributes, factor in [((), 1), (("global_norm", 0.5), 0.5 / norm)]:
        step = Stepper("adam", w)
        step(tensors(g), *attributes)
        for before, after, gradient in zip(w, step.parameters, g, strict=True):
            expected = formulas.adam(before.astype(float), [factor * gradient.astype(float)], RATE)
            np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("attributes", [(), ("norm", 0.7, 1.0, 0.1)], ids=["plain", "clipped"])
def test_same_bits(rule, attributes):
    w, g = drawn(2), drawn(3)

    def compute(parameters, gradients):
        step = Stepper(rule, w)
        step.parameters = parameters
        for _ in range(2):
            step(gradients, *attributes)
        return parameters, step.slots

    same_for_threads(lambda: compute(tensors(w), tensors(g)))
    count = len(SHAPES)
    same_at_offsets(lambda *all: compute(all[:count], all[count:]), *w, *g)


def test_what_changes_nothing_keeps_the_bits():
    """Clipped, decayed by nothing, scaled by 1: the numbers of the plain step."""
    w, g = drawn(4), drawn(5)
    plain, other = Stepper("adam", w), Stepper("adam", w, averages=True)
    for _ in range(3):
        plain(tensors(g))
        other(tensors(g), "global_norm", 1e9, 1.0, 0.3, 0)
    for a, b in zip(plain.parameters, other.parameters, strict=True):
        np.testing.assert_array_equal(a, b)


def test_decay_keeps_its_digits():
    """1 - 1e-6 is 1 - 1.013e-6 in float32: a factor would have weights decay by 1.3 % too much."""
    w = np.random.default_rng(6).uniform(1, 2, 100_000).astype("float32")
    step = Stepper("sgd", [w])
    step(tensors([np.zeros_like(w)]), "none", 0.0, 1.0, 1e-6 / RATE)
    change = 1 - np.asarray(step.parameters[0], float) / w
    assert abs(change.mean() - 1e-6) < 2e-9


def test_versions_rise():
    """A saved value that is written in place is noticed."""
    step = Stepper("momentum", [np.ones(3)], averages=True)
    written = [*step.parameters, *step.slots, *step.averages, step.iterations]
    before = [x._version for x in written]
    step(tensors([np.ones(3)]))
    assert all(x._version > version for x, version in zip(written, before, strict=True))


def test_no_parameters():
    step = Stepper("adam", [])
    assert step([]) is None
    assert int(step.iterations) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scale_list(dtype):
    x = drawn(3, dtype)
    for scale in (np.array(0.3, dtype), np.array(0.3, "float64"), np.array(0, "float32")):
        xs = tensors(x)
        assert _core.scale_list(xs, *tensors([scale])) is None
        for before, after in zip(x, xs, strict=True):
            np.testing.assert_array_equal(after, before * before.dtype.type(scale))


def test_errors_of_arrays():
    def step(rule="adam", gradients=None, **parts):
        made = Stepper(rule, [np.ones((2, 3))])
        for name, value in parts.items():
            setattr(made, name, value)
        made(tensors([np.ones((2, 3))]) if gradients is None else gradients)

    bad, zeros, narrow = tensors([np.ones(3), np.zeros((2, 3)), np.ones((2, 3), "float32")])
    with pytest.raises(ValueError, match=r"gradients\[0\] has shape \(3,\).*parameters\[0\] has"):
        step(gradients=[bad])
    with pytest.raises(ValueError, match=r"slots\[1\] has shape \(3,\)"):
        step(slots=[zeros, bad])
    with pytest.raises(TypeError, match=r"gradients\[0\] .* dtype float32 .* float64"):
        step(gradients=[narrow])
    with pytest.raises(ValueError, match="slots has 1 arrays, expected 2"):
        step(slots=[zeros])
    with pytest.raises(ValueError, match="gradients has 0 arrays, expected 1"):
        step(gradients=[])
    with pytest.raises(ValueError, match=r"hyper has shape \(2,\) .*, expected \(3,\) and float64"):
        step(hyper=tensors([np.ones(2)])[0])
    with pytest.raises(TypeError, match="iterations has dtype float64, expected int64"):
        step(iterations=tensors([np.array(0.0)])[0])
    with pytest.raises(ValueError, match="learning_rate has shape"):
        step(rate=bad)
    with pytest.raises(TypeError, match=r"parameters\[0\] has dtype int64"):
        step(parameters=tensors([np.ones((2, 3), "int64")]))
    with pytest.raises(ValueError, match="product is needed by nadam and by no other rule"):
        step("nadam", product=None)
    with pytest.raises(ValueError, match="averages has 2 arrays, expected 1"):
        step(averages=[zeros, zeros])
    with pytest.raises(ValueError, match="accumulators has 1 arrays, expected 0"):
        step(accumulators=[zeros])
    with pytest.raises(TypeError, match=r"scale_list: xs\[0\] has dtype int64"):
        _core.scale_list(tensors([np.ones(3, "int64")]), zeros)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (("value", 0.0), r"limit is 0\.0+, expected a positive number"),
        (("none", 0.0, 1.0, 0.0, 2), "decayed is 2, expected at most the number of parameters"),
        (("none", 0.0, 1.0, 0.0, -1, 0), "accumulate is 0, expected at least 1"),
        (("none", 0.0, 1.0, 0.0, -1, 1, 0.9, -1), "overwrite is -1, expected at least 0"),
        (("by hand",), "clip is 'by hand', expected one of none, value, norm, global_norm"),
    ],
)
def test_errors_of_settings(attributes, message):
    with pytest.raises(ValueError, match=message):
        Stepper("sgd", [np.ones(3)])(tensors([np.ones(3)]), *attributes)
