"""optimizer_step and scale_list against the formulas in float64, and against Keras."""

from __future__ import annotations

import numpy as np
import pytest
from same_bits import same_at_offsets, same_for_threads

from fastnn import _core

SHAPES = [(3,), (64, 10), (), (0, 4), (17,), (40_000,)]
HYPER = {"sgd": [0.1], "momentum": [0.1, 0.9], "adam": [0.01, 0.9, 0.999, 1e-7]}
CASES = [("sgd", {}), ("momentum", {}), ("momentum", {"nesterov": True})]
CASES += [("adam", {}), ("adam", {"amsgrad": True})]
IDS = [f"{rule}-{''.join(flags)}" for rule, flags in CASES]


def slot_count(rule, amsgrad=False, **_):
    return {"sgd": 0, "momentum": 1, "adam": 2 + amsgrad}[rule]


def exact_step(rule, w, slots, g, t, nesterov=False, amsgrad=False):
    """Keras 3's rules, in the precision of the arrays; new w and slots."""
    rate, *rest = HYPER[rule]
    if rule == "sgd":
        return w - rate * g, []
    if rule == "momentum":
        m = rest[0] * slots[0] - rate * g
        return (w + rest[0] * m - rate * g if nesterov else w + m), [m]
    beta_1, beta_2, epsilon = rest
    m = slots[0] + (g - slots[0]) * (1 - beta_1)
    v = slots[1] + (g * g - slots[1]) * (1 - beta_2)
    top = np.maximum(slots[2], v) if amsgrad else v
    alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - m * alpha / (np.sqrt(top) + epsilon), [m, v] + ([top] if amsgrad else [])


def tensors(arrays):
    return [_core.from_numpy(np.asarray(array)) for array in arrays]


def run(rule, flags, parameters, slots, gradients, iterations):
    """slots: one list a parameter; changed in place, as the parameters are."""
    grouped = [slot for k in range(slot_count(rule, **flags)) for slot in (s[k] for s in slots)]
    hyper, count = tensors([np.array(HYPER[rule]), np.array(iterations)])
    nesterov, amsgrad = flags.get("nesterov", False), flags.get("amsgrad", False)
    return _core.optimizer_step(
        parameters, grouped, gradients, hyper, count, rule, nesterov, amsgrad
    )


@pytest.mark.parametrize("rule, flags", CASES, ids=IDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_five_steps(rule, flags, dtype):
    """A step rounds w once and the change a few times, and slots likewise."""
    rng = np.random.default_rng(0)
    eps = np.finfo(dtype).eps
    w = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
    parameters = tensors(w)
    exact = [(v.astype(np.longdouble), [np.zeros(v.shape, np.longdouble)] * 3) for v in w]
    slots = [tensors([np.zeros(v.shape, dtype)] * slot_count(rule, **flags)) for v in w]
    for t in range(1, 6):
        g = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
        assert run(rule, flags, parameters, slots, tensors(g), t - 1) is None
        for i, gradient in enumerate(g):
            wide = gradient.astype(np.longdouble)
            exact[i] = exact_step(rule, *exact[i], wide, t, **flags)
            y = np.asarray(parameters[i])
            assert y.dtype == dtype and y.shape == SHAPES[i]
            assert np.all(abs(y - exact[i][0]) <= t * eps * (2 + abs(exact[i][0])))
            for slot, expected in zip(slots[i], exact[i][1], strict=True):
                assert np.all(abs(np.asarray(slot) - expected) <= 4 * t * eps * (1 + abs(expected)))


def test_mixed_dtypes_and_many_tensors():
    """Beyond what is kept on the stack, one dtype a tensor."""
    rng = np.random.default_rng(1)
    dtypes = ["float32", "float64"] * 100
    w = [rng.standard_normal(i % 7).astype(dtype) for i, dtype in enumerate(dtypes)]
    g = [rng.standard_normal(v.shape).astype(v.dtype) for v in w]
    parameters, slots = tensors(w), [tensors([np.zeros_like(v)] * 2) for v in w]
    run("adam", {}, parameters, slots, tensors(g), 3)
    for before, after, gradient in zip(w, parameters, g, strict=True):
        zero = np.zeros(before.shape)
        wide = before.astype(float), [zero, zero], gradient.astype(float)
        expected, _ = exact_step("adam", *wide, 4)
        np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule, flags", CASES, ids=IDS)
def test_same_bits(rule, flags):
    rng = np.random.default_rng(2)
    w, g = ([rng.standard_normal(s).astype("float32") for s in SHAPES] for _ in range(2))

    def compute(parameters, gradients):
        slots = [tensors([np.ones(v.shape, "float32")] * slot_count(rule, **flags)) for v in w]
        run(rule, flags, parameters, slots, gradients, 2)
        return parameters, slots

    same_for_threads(lambda: compute(tensors(w), tensors(g)))
    count = len(SHAPES)
    same_at_offsets(lambda *all: compute(all[:count], all[count:]), *w, *g)


def test_versions_rise():
    """A saved value that is written in place is noticed."""
    w, m = tensors([np.ones(3), np.zeros(3)])
    before = w._version, m._version
    run("momentum", {}, [w], [[m]], tensors([np.ones(3)]), 0)
    assert w._version > before[0] and m._version > before[1]


def test_no_parameters():
    assert run("adam", {}, [], [], [], 0) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scale_list(dtype):
    rng = np.random.default_rng(3)
    x = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
    for scale in (np.array(0.3, dtype), np.array(0.3, "float64"), np.array(0, "float32")):
        xs = tensors(x)
        assert _core.scale_list(xs, *tensors([scale])) is None
        for before, after in zip(x, xs, strict=True):
            np.testing.assert_array_equal(after, before * before.dtype.type(scale))


def test_errors():
    w, g, hyper = tensors([np.ones((2, 3)), np.ones((2, 3)), np.array(HYPER["adam"])])
    count, zeros = tensors([np.array(0), np.zeros((2, 3))])

    def step(parameters=(w,), slots=(zeros, zeros), gradients=(g,), h=hyper, it=count, rule="adam"):
        _core.optimizer_step(parameters, slots, gradients, h, it, rule)

    (bad,) = tensors([np.ones(3)])
    with pytest.raises(ValueError, match=r"gradients\[0\] has shape \(3,\).*parameters\[0\] has"):
        step(gradients=[bad])
    with pytest.raises(ValueError, match=r"slots\[1\] has shape \(3,\)"):
        step(slots=[zeros, bad])
    with pytest.raises(TypeError, match=r"gradients\[0\] .* dtype float32 .* float64"):
        step(gradients=tensors([np.ones((2, 3), "float32")]))
    with pytest.raises(ValueError, match="slots has 1 arrays, expected 2"):
        step(slots=[zeros])
    with pytest.raises(ValueError, match="gradients has 0 arrays, expected 1"):
        step(gradients=[])
    with pytest.raises(ValueError, match=r"hyper has shape \(3,\) .*, expected \(4,\) and float64"):
        step(h=bad)
    with pytest.raises(TypeError, match="iterations has dtype float64, expected int64"):
        step(it=tensors([np.array(0.0)])[0])
    with pytest.raises(TypeError, match=r"parameters\[0\] has dtype int64"):
        step(parameters=tensors([np.ones((2, 3), "int64")]))
    with pytest.raises(TypeError, match=r"scale_list: xs\[0\] has dtype int64"):
        _core.scale_list(tensors([np.ones(3, "int64")]), hyper)


@pytest.mark.parity
@pytest.mark.parametrize("rule, flags", CASES, ids=IDS)
def test_keras(rule, flags):
    keras = pytest.importorskip("keras")
    rate, *rest = HYPER[rule]
    if rule == "adam":
        optimizer = keras.optimizers.Adam(rate, *rest, amsgrad=flags.get("amsgrad", False))
    else:
        optimizer = keras.optimizers.SGD(rate, *rest, nesterov=flags.get("nesterov", False))
    rng = np.random.default_rng(4)
    start = rng.standard_normal((20, 30)).astype("float32")
    variable = keras.Variable(start)
    (w,) = tensors([start])
    slots = [tensors([np.zeros_like(start)] * slot_count(rule, **flags))]
    for t in range(10):
        g = rng.standard_normal(start.shape).astype("float32")
        optimizer.apply([keras.ops.convert_to_tensor(g)], [variable])
        run(rule, flags, [w], slots, tensors([g]), t)
    difference = abs(np.asarray(w) - np.asarray(variable.value)).max()
    assert difference <= 1e-5 * abs(np.asarray(w)).max()
