"""optimizer_step, scale_list and lerp_list.

Bounds: a rule has at most twelve operations on numbers below 2, what surrounds it six. Those that
find their own rates have several times as many, and differences of such numbers among them.
"""

import numpy as np
import pytest

from .harness import FLOATS, LENGTHS, check, generator, rows, run, ulps

RULES = {  # slots of a parameter, hyper
    "sgd": (0, []),
    "momentum": (1, [0.9]),
    "nesterov": (1, [0.9]),
    "adagrad": (1, [1e-7]),
    "adadelta": (2, [0.95, 1e-7]),
    "rmsprop": (1, [0.9, 1e-7]),
    "rmsprop_momentum": (2, [0.9, 1e-7, 0.5]),
    "rmsprop_centered": (2, [0.9, 1.1]),
    "rmsprop_centered_momentum": (3, [0.9, 1.1, 0.5]),
    "adam": (2, [0.9, 0.999, 1e-7]),
    "amsgrad": (3, [0.9, 0.999, 1e-7]),
    "adamax": (2, [0.9, 0.999, 1e-7]),
    "nadam": (2, [0.9, 0.999, 1e-7]),
    "ftrl": (2, [-0.5, 0.1, 0.2, 0.3, 0.1]),
    "lion": (1, [0.9, 0.99]),
    "schedule_free": (2, [0.9, 0.999, 1e-7, 20]),
    "vsgd": (6, [10.0]),
    "adasecant": (13, [0.001, 1.8]),
    "lamb": (2, [0.9, 0.999, 1e-7]),
    "adafactor": (3, [-0.8, 1e-30, 1e-3, 1.0]),
}
WHOLE = ("lamb", "adafactor")  # do not step single rows
OPERATIONS = {"vsgd": 36, "adasecant": 48}
MEMORIES = {("vsgd", 4), ("adasecant", 12)}
SIGNED = {("adam", 0), ("amsgrad", 0), ("adamax", 0), ("nadam", 0), ("lion", 0), ("ftrl", 1)}
SIGNED |= {("momentum", 0), ("nesterov", 0), ("rmsprop_momentum", 1), ("rmsprop_centered", 1)}
SIGNED |= {("rmsprop_centered_momentum", 1), ("rmsprop_centered_momentum", 2)}
SIGNED |= {("schedule_free", 0), ("lamb", 0), ("vsgd", 0)}
SIGNED |= {("adasecant", k) for k in (0, 2, 3, 4, 6, 8, 9, 10, 11)}
LISTS = [
    [(7,)],
    [(), (3, 17), (0,), (65,)],
    [(n,) for n in LENGTHS],
    [(40_000,), (5,), (300, 30), (2, 300, 3), (1, 40)],
]
# clip, limit, scale, weight_decay, decayed, accumulate, momentum, overwrite
SURROUNDINGS = {
    "value": ("value", 0.3),
    "norm": ("norm", 2.0),
    "global": ("global_norm", 2.0),
    "scaled": ("none", 0.0, 0.25),
    "decayed": ("none", 0.0, 1.0, 0.1),
    "first decayed": ("none", 0.0, 1.0, 0.1, 1),
    "accumulated": ("none", 0.0, 1.0, 0.0, -1, 3),
    "averaged": ("none", 0.0, 1.0, 0.0, -1, 1, 0.9),
    "overwritten": ("none", 0.0, 1.0, 0.0, -1, 1, 0.9, 2),
    "all": ("global_norm", 1.5, 0.5, 0.1, 1, 2, 0.8, 3),
}


def operands(rule, dtype, shapes, iterations, accumulate=1, averaged=False):
    """Slots that hold squares or magnitudes are positive, others of both signs."""
    count, hyper = RULES[rule]
    random = generator(shapes, rule)

    def draw(low, high, shapes=shapes):
        return [np.asarray(random.uniform(low, high, shape)).astype(dtype) for shape in shapes]

    slots = []
    for k in range(count):
        low, high = (2, 4) if (rule, k) in MEMORIES else (-1 if (rule, k) in SIGNED else 0.1, 1)
        slots += draw(low, high, [slot_shape(rule, k, shape) for shape in shapes])
    return [
        draw(-1, 1),
        slots,
        draw(-1, 1),
        np.array(0.1 if rule == "ftrl" else 0.01),
        np.array(hyper, np.float64),
        np.array(iterations),
        np.array(0.3) if rule == "nadam" else None,
        draw(-1, 1) if accumulate > 1 else None,
        draw(-1, 1) if averaged else None,
        None,
        None,
    ]


def slot_shape(rule, k, shape):
    """Adafactor's first slots are of the rows and of the columns of a matrix."""
    if rule != "adafactor" or k == 2:
        return shape
    return () if len(shape) < 2 else (*shape[:-2], shape[k - 2])


@pytest.mark.parametrize(
    ("backend", "rule", "dtype", "shapes", "iterations"),
    rows(
        (rule, dtype, shapes, t)
        for rule in RULES
        for dtype in FLOATS
        for shapes in LISTS
        for t in (0, 9)
    ),
)
def test_optimizer_step(backend, rule, dtype, shapes, iterations):
    def bound(i, expected, eps):
        return OPERATIONS.get(rule, 12) * eps / 2 * np.maximum(2, np.abs(expected))

    check(backend, "optimizer_step", operands(rule, dtype, shapes, iterations), rule, bound=bound)


@pytest.mark.parametrize(
    ("backend", "name", "rule", "dtype", "shapes", "iterations"),
    rows(
        (name, rule, dtype, shapes, t)
        for name in SURROUNDINGS
        for rule in ("sgd", "adam", "lamb", "adafactor")
        for dtype in FLOATS
        for shapes in LISTS
        for t in (0, 5)
    ),
)
def test_what_surrounds_a_rule(backend, name, rule, dtype, shapes, iterations):
    attributes = SURROUNDINGS[name]
    accumulate, averaged = (*attributes, *[1] * 6)[5], len(attributes) > 6
    given = operands(rule, dtype, shapes, iterations, accumulate, averaged)

    def bound(i, expected, eps):
        return 18 * eps / 2 * np.maximum(2, np.abs(expected))

    check(backend, "optimizer_step", given, rule, *attributes, bound=bound)


@pytest.mark.parametrize(
    ("backend", "rule", "settings", "loss_scale"),
    rows(
        (rule, settings, loss_scale)
        for rule in ("sgd", "nadam", "lamb", "adafactor")
        for settings in ("scaled", "all")
        for loss_scale in (8.0, 3.0, 0.0, -1.0, np.nan, np.inf)
    ),
)
def test_gradients_of_a_scaled_loss(backend, rule, settings, loss_scale):
    """Divided by a positive finite number, else nothing is touched: not even a zero's sign."""
    attributes, everything = SURROUNDINGS[settings], settings == "all"
    given = operands(rule, "float32", LISTS[1], 5, 2 if everything else 1, everything)
    given[0][1][0, :2] = -0.0
    given[-2] = np.float32(loss_scale)

    def bound(i, expected, eps):
        return 18 * eps / 2 * np.maximum(2, np.abs(expected))

    results = check(backend, "optimizer_step", given, rule, *attributes, bound=bound)
    if not 0 < loss_scale < np.inf:
        written = [*given[0], *given[1], given[5], given[6], *(given[7] or ()), *(given[8] or ())]
        before, after = (
            [np.asarray(array).tobytes() for array in arrays if array is not None]
            for arrays in (written, results)
        )
        assert before == after


@pytest.mark.parametrize(
    ("backend", "rule", "shapes", "name"),
    rows(
        ((rule, shapes, name) for rule in WHOLE for shapes in LISTS[1::2] for name in SURROUNDINGS),
        ["jit_cpu"],
    ),
)
def test_steps_of_whole_parameters(backend, rule, shapes, name):
    """jit_cpu runs few of the rows above: these are of kernels of their own."""
    test_what_surrounds_a_rule(backend, name, rule, "float32", shapes, 5)


SOME_ROWS = [  # shape of the parameter, numbers of rows; None: the gradient is whole
    ([(5, 3)], [[1, 4, -1]]),
    ([(4,), (300, 65), (), (1000, 17)], [None, [0, 7, 299], None, [*range(0, 1000, 3), -1, -1]]),
    ([(6, 2, 3), (3, 2)], [[], [-1, -1]]),
    ([(9,), (4, 0)], [[0, 1, 8], [3]]),
    ([(3, 5000), (200, 300)], [[2], [*range(200)]]),
]


@pytest.mark.parametrize(
    ("backend", "rule", "dtype", "shapes", "numbers", "attributes"),
    rows(
        (rule, dtype, shapes, numbers, attributes)
        for rule in RULES
        if rule not in WHOLE
        for dtype in FLOATS
        for shapes, numbers in SOME_ROWS
        for attributes in [(), ("norm", 2.0, 0.5, 0.1, 1), ("global_norm", 2.0), ("value", 0.3)]
        if not attributes or rule in ("sgd", "adam")
    ),
)
def test_gradients_of_rows(backend, rule, dtype, shapes, numbers, attributes):
    """What the reference makes of it; and with rows left out in NaN, the bits of a whole step."""
    given = operands(rule, dtype, shapes, 4)
    random = generator(shapes, numbers)
    given[-1] = [np.array(0) if n is None else np.array(n, np.int64) for n in numbers]
    given[2] = [
        random.uniform(-1, 1, s if n is None else (len(n), *s[1:])).astype(dtype)
        for s, n in zip(shapes, numbers, strict=True)
    ]
    for g, n in zip(given[2], given[-1], strict=True):
        g[n < 0 if n.ndim else ...] *= 0 if n.ndim else 1  # as sum_rows leaves them

    def bound(i, expected, eps):
        return OPERATIONS.get(rule, 18) * eps / 2 * np.maximum(2, np.abs(expected))

    check(backend, "optimizer_step", given, rule, *attributes, bound=bound)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in WHOLE])
def test_rows_without_a_gradient_are_neither_read_nor_written(rule):
    """Parameters and slots hold other NaNs there, whose bits stay; else all are a whole step's."""
    shape, numbers = (50, 33), np.array([0, 3, 4, 31, 49, -1])
    touched = numbers[numbers >= 0]
    random = generator(rule)
    given = operands(rule, "float32", [shape], 2)
    sums = random.uniform(-1, 1, (6, 33)).astype("float32")
    sums[-1] = 0
    whole = np.zeros(shape, "float32")
    whole[touched] = sums[:-1]
    expected = run("native", "optimizer_step", [*given[:2], [whole], *given[3:]], rule)
    poison = np.array(0x7FC12345, np.uint32).view("float32")
    given[2], given[-1] = [sums], [numbers]
    for array in (given[0][0], *given[1]):
        array[np.setdiff1d(np.arange(50), touched)] = poison
    results = run("native", "optimizer_step", given, rule)
    for result, before, dense in zip(
        results[:-2], [given[0][0], *given[1]], expected[:-2], strict=False
    ):
        left = np.setdiff1d(np.arange(50), touched)
        assert result[left].tobytes() == before[left].tobytes()
        assert result[touched].tobytes() == dense[touched].tobytes()
        assert not np.isnan(result[touched]).any()


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("clip", ["value", "norm", "global_norm"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_gradients_that_are_not_finite(backend, clip, bad):
    """Each kind of clipping lets the damage show."""
    g = [np.array([1.0, bad], "float32"), np.array([2.0], "float32")]
    w = [np.zeros(2, "float32"), np.zeros(1, "float32")]
    rate, hyper, iterations = np.array(1.0), np.zeros(0), np.array(0)
    given = [w, [], g, rate, hyper, iterations, *[None] * 5]
    first, second, *_ = check(backend, "optimizer_step", given, "sgd", clip, 1.0)
    assert np.isnan(first[1]) or (clip, bad) == ("value", np.inf)
    assert np.isnan(second[0]) == (clip == "global_norm")


@pytest.mark.parametrize(
    ("backend", "dtype", "shapes"), rows((dtype, shapes) for dtype in FLOATS for shapes in LISTS)
)
def test_scale_list(backend, dtype, shapes):
    xs = [np.asarray(generator(s).normal(size=s)).astype(dtype) for s in shapes]

    def bound(i, expected, eps):  # the scale is rounded to the dtype
        return ulps(2, expected, eps)

    check(backend, "scale_list", [xs, np.array(0.3)], bound=bound)
    check(backend, "scale_list", [xs, np.array(0.5, "float32")], bound=bound)


@pytest.mark.parametrize(
    ("backend", "dtype", "shapes"), rows((dtype, shapes) for dtype in FLOATS for shapes in LISTS)
)
def test_lerp_list(backend, dtype, shapes):
    averages = [np.asarray(generator(s).normal(size=s)).astype(dtype) for s in shapes]
    xs = [np.asarray(generator(s, "x").normal(size=s)).astype(dtype) for s in shapes]
    largest = max([1.0, *(np.abs(a).max() for a in (*averages, *xs) if a.size)])

    def bound(i, expected, eps):  # of two rounded shares
        return 3 * eps * largest

    for momentum in (0.3, 0.99):
        check(backend, "lerp_list", [averages, xs, np.array(momentum)], bound=bound)
    check(backend, "lerp_list", [averages, xs, np.array(0.5, "float32")], bound=bound)
    kept = check(backend, "lerp_list", [averages, xs, np.array(1.0)])
    taken = check(backend, "lerp_list", [averages, xs, np.array(0.0)])
    for i in range(len(xs)):
        np.testing.assert_array_equal(kept[i], averages[i])
        np.testing.assert_array_equal(taken[i], xs[i])
