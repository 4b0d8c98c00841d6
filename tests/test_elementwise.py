"""@elementwise: values against NumPy in float64, gradients against central differences."""

import copy
import functools
import json
import math
import pickle
import random
import sys
from fractions import Fraction

import numpy as np
import pytest
from fresh_python import output_of

import fastnn as fn
from fastnn.backends import use_backend

pytest.importorskip("numba", reason="elementwise needs Numba")
from numpy import tanh as bare_tanh

RNG = np.random.default_rng(0)
X = RNG.uniform(0.2, 0.9, 7)
Y = RNG.uniform(0.2, 0.9, (3, 1))


# ---- What a function may contain ---------------------------------------------------------------


@fn.elementwise
def first_functions(x, a=0.0, b=0.0, c=0.0, d=0.0, e=0.0, f=0.0, g=0.0, h=0.0, i=0.0, j=0.0, k=0.0):
    return (
        a * math.exp(x)
        + b * np.expm1(x)
        + c * math.log(x)
        + d * fn.ops.log1p(x)
        + e * bare_tanh(x)
        + f * fn.ops.sigmoid(x)
        + g * math.sin(x)
        + h * np.cos(x)
        + i * math.tan(x)
        + j * np.arcsin(x)
        + k * fn.ops.arctan(x)
    )


@fn.elementwise
def second_functions(
    x, a=0.0, b=0.0, c=0.0, d=0.0, e=0.0, f=0.0, g=0.0, h=0.0, i=0.0, j=0.0, k=0.0
):
    return (
        a * math.sqrt(x)
        + b * np.square(x)
        + c * abs(x)
        + d * math.erf(x)
        + e * fn.ops.softplus(x)
        + f * x**3
        + g * x**-1.5
        + h * 2.0**x
        + i * (1 - x) / (x + 2)
        + j * -x
        + k * math.acos(x) * math.sinh(x)
    )


@fn.elementwise
def of_two(x, y, a=0.0, b=0.0, c=0.0, d=0.0, e=0.0, f=0.0, g=0.0, h=0.0, i=0.0, j=0.0):
    return (
        a * (x + 2 * y)
        + b * (x - y) * y
        + c * x / y
        + d * x**y
        + e * max(x, y)
        + f * np.minimum(x, y)
        + g * math.atan2(x, y)
        + h * ((3 * x) % y)
        + i * np.where(x > y, x * y, y)
        + j * fn.ops.clip(x * y, 0.2, 0.4)
    )


FIRST = [np.exp, np.expm1, np.log, np.log1p, np.tanh, lambda x: 1 / (1 + np.exp(-x))]
FIRST += [np.sin, np.cos, np.tan, np.arcsin, np.arctan]
SECOND = [np.sqrt, np.square, np.abs, np.vectorize(math.erf), lambda x: np.log1p(np.exp(x))]
SECOND += [lambda x: x**3, lambda x: x**-1.5, lambda x: 2.0**x, lambda x: (1 - x) / (x + 2)]
SECOND += [np.negative, lambda x: np.arccos(x) * np.sinh(x)]
OF_TWO = [lambda x, y: x + 2 * y, lambda x, y: (x - y) * y, lambda x, y: x / y, lambda x, y: x**y]
OF_TWO += [np.maximum, np.minimum, np.arctan2, lambda x, y: (3 * x) % y]
OF_TWO += [lambda x, y: np.where(x > y, x * y, y), lambda x, y: np.clip(x * y, 0.2, 0.4)]
TABLES = [(first_functions, FIRST), (second_functions, SECOND), (of_two, OF_TWO)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_and_operators(dtype):
    for operation, formulas in TABLES if dtype == "float64" else TABLES[:1]:
        operands = [X, Y][: 2 if operation is of_two else 1]
        given = [x.astype(dtype) for x in operands]
        for letter, formula in zip("abcdefghijk", formulas):
            y = operation(*given, **{letter: 1.0})
            assert y.dtype == dtype
            expected = formula(*(x.astype(np.float64) for x in given))
            # Each term is within some units in the last place of numbers up to 3.
            bound = 3 * 4 * np.finfo(dtype).eps
            np.testing.assert_allclose(y.numpy(), expected, rtol=bound, atol=bound, err_msg=letter)


def test_gradients_of_functions_and_operators():
    for operation, formulas in TABLES:
        operands = (X, Y) if operation is of_two else (X,)
        for letter in "abcdefghijk"[: len(formulas)]:
            function = functools.partial(operation, **{letter: 1.0})
            assert fn.gradcheck(function, operands), letter


SCALE = 3


def helper(x, *, power=2):
    result = 1
    for _ in range(power):
        result *= x
    return result


def test_branches_loops_and_other_functions():
    offset = 0.5

    @fn.elementwise
    def inner(x, slope=0.1):
        return x if x > 0 else slope * x

    @fn.elementwise
    def outer(x, y, terms=3):
        total = 0  # an integer until it meets an operand
        for i in range(terms):
            if x > i - 1:
                total += math.exp(-i * y)
            elif not y < 0:
                total -= y / (1 + i)
        return total * SCALE + helper(x, power=3) + inner(x - 0.4) - offset

    def expected(x, y, terms):
        total = sum(np.where(x > i - 1, np.exp(-i * y), -y / (1 + i)) for i in range(terms))
        return total * 3 + x**3 + np.where(x > 0.4, x - 0.4, 0.1 * (x - 0.4)) - 0.5

    for terms in (3, 1):
        y = outer(X - 0.1, Y, terms=terms)
        np.testing.assert_allclose(y.numpy(), expected(X - 0.1, Y, terms), rtol=1e-14)
    assert fn.gradcheck(outer, (X - 0.1, Y))


def test_extremes_of_three_and_powers_of_two():
    @fn.elementwise
    def mixed(x, y):
        return max(x, y, 0.5) + 2 * min(0.4, x, y) + np.exp2(x) + fn.ops.square(y)

    expected = np.maximum(np.maximum(X, Y), 0.5) + 2 * np.minimum(np.minimum(X, Y), 0.4)
    expected = expected + 2**X + Y**2
    np.testing.assert_allclose(mixed(X, Y).numpy(), expected, rtol=1e-14)
    assert fn.gradcheck(mixed, (X, Y))


def test_a_branch_gives_its_own_slope():
    @fn.elementwise
    def kinked(x):
        return x * x if x > 1 else 3

    x = fn.tensor([0.5, 2.0], requires_grad=True)
    y = kinked(x)
    y.sum().backward()
    assert y.tolist() == [3.0, 4.0] and x.grad.tolist() == [0.0, 4.0]


def test_what_does_not_depend_on_an_operand_has_no_slope_of_infinity():
    @fn.elementwise
    def sum_of(x, y):
        return x + math.sqrt(y)

    x, y = np.ones(2), np.array([0.0, 4.0])
    dx, dy = fn.grad(lambda x, y: sum_of(x, y).sum(), argnums=(0, 1))(x, y)
    assert dx.tolist() == [1.0, 1.0] and dy.tolist() == [math.inf, 0.25]


@pytest.mark.parametrize("wanted", [0, 1])
def test_gradients_of_some_operands(wanted):
    x, y = X, np.full(7, 3.0)
    found = fn.grad(lambda x, y: of_two(x, y, b=1.0, a=2.0).sum(), argnums=wanted)(x, y)
    np.testing.assert_allclose(found.numpy(), [2 + y, 4 + x - 2 * y][wanted], rtol=1e-14)


def test_powers_and_logarithms_with_a_base():
    @fn.elementwise
    def several(x, y):
        return pow(x, 3) + pow(y, 0.5) + math.log(x, 2) + math.log(3, y) + math.log(x, y)

    def expected(x, y):
        return x**3 + np.sqrt(y) + np.log2(x) + np.log(3) / np.log(y) + np.log(x) / np.log(y)

    np.testing.assert_allclose(several(X, Y).numpy(), expected(X, Y), rtol=1e-14)
    assert fn.gradcheck(several, (X, Y))
    assert several(np.float32(X), np.float32(Y)).dtype == "float32"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("angle", [fn.ops.arctan2, fn.elementwise(lambda y, x: math.atan2(y, x))])
def test_the_slope_of_an_angle_of_small_and_large_numbers(angle, dtype):
    def slopes(y, x):
        gradients = fn.grad(lambda y, x: angle(y, x).sum(), argnums=(0, 1))(y, x)
        return np.array([gradient.numpy() for gradient in gradients])

    unit, small, large = np.finfo(dtype).eps, np.finfo(dtype).tiny, np.finfo(dtype).max
    y = np.array([3 * small, 0, large / 4, large, small, small, 1e-3], dtype)
    x = np.array([4 * small, small, large / 3, -large, large, -1, small], dtype)
    expected = [
        [float(part / (a * a + b * b)) for part in (b, -a)]
        for a, b in zip(map(Fraction, y.tolist()), map(Fraction, x.tolist()))
    ]
    expected = np.array(expected, dtype).T
    np.testing.assert_allclose(slopes(y, x), expected, rtol=4 * unit, atol=small * unit)
    y, x = np.array([[np.inf, 1, np.nan, 0], [1, -np.inf, 1, 0]], dtype)
    infinitely_far = [[0, np.nan], [np.nan, 0]]
    np.testing.assert_array_equal(slopes(y, x), np.c_[infinitely_far, np.full((2, 2), np.nan)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_slopes_of_a_power_of_endless_numbers_are_those_of_operations(dtype):
    numbers = np.array([0, -0.0, 0.5, -2, 3, np.inf, -np.inf, np.nan, np.finfo(dtype).max], dtype)
    x, y = map(np.ravel, np.meshgrid(numbers, numbers))

    def slopes(power):
        return fn.grad(lambda x, y: power(x, y).sum(), argnums=(0, 1))(x, y)

    for ours, expected in zip(slopes(fn.elementwise(lambda x, y: x**y)), slopes(fn.ops.power)):
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_slopes_of_two_operands_at_nan_are_those_of_operations():
    x = np.array([math.nan, 1.0, math.nan, -2.0, -2.0, 0.0, 0.0, 2.0])
    y = np.array([1.0, math.nan, math.nan, 2.0, 0.5, -1.0, 2.0, 2.0])
    for ours, theirs in [
        (lambda x, y: x**y, fn.ops.power),
        (lambda x, y: max(x, y), fn.ops.maximum),
        (lambda x, y: min(x, y), fn.ops.minimum),
    ]:
        found, expected = (
            [d.numpy() for d in fn.grad(lambda *xs, f=f: f(*xs).sum(), argnums=(0, 1))(x, y)]
            for f in (fn.elementwise(ours), theirs)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_slopes_at_nan_are_those_of_operations():
    x = np.array([math.nan, -4.0, -3.0, -1.0, 0.25, 3.0, 4.0])
    for ours, theirs in [
        (fn.elementwise(lambda x: fn.ops.relu(x)), fn.ops.relu),
        (fn.elementwise(lambda x: fn.ops.clip(x, -1.0, 0.5)), lambda x: fn.ops.clip(x, -1.0, 0.5)),
        (fn.elementwise(lambda x: fn.ops.hard_silu(x)), fn.ops.hard_silu),
        (fn.elementwise(lambda x: fn.ops.hard_sigmoid(x)), fn.ops.hard_sigmoid),
    ]:
        found, expected = (fn.grad(lambda x, f=f: f(x).sum())(x).numpy() for f in (ours, theirs))
        assert math.isnan(ours(x).numpy()[0])
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_a_given_gradient_is_used():
    def thrice(x, y, scale=2.0):
        return 3 * y, scale  # neither is right

    @fn.elementwise(gradient=thrice)
    def product(x, y, scale=2.0):
        return scale * x * y

    both = fn.grad(lambda x, y: product(x, y, scale=5.0).sum(), argnums=(0, 1))
    dx, dy = both(np.array([1.0, 2.0]), np.array([[4.0], [8.0]]))
    assert dx.tolist() == [36.0, 36.0] and dy.tolist() == [[10.0], [10.0]]
    assert product(3.0, 4.0).item() == 24.0


# ---- Operands and constants --------------------------------------------------------------------


@fn.elementwise
def scaled(x, y, slope=0.5, times=2, negated=False):
    result = x * times + slope * y
    return -result if negated else result


def test_dtypes_are_those_of_operations():
    x = fn.tensor([1.0, 2.0])
    assert scaled(x, 3).tolist() == [3.5, 5.5]
    assert scaled(x, 3).dtype == scaled(1, 2).dtype == scaled([1, 2], [True, False]).dtype
    assert scaled(x, 3).dtype == "float32"
    assert scaled(x, np.array([1.0, 2.0])).dtype == "float64"
    # A Python number keeps float32 what it is: 0.1 is rounded before it meets an operand.
    tenth = fn.elementwise(lambda x: x * 0.1 if x > 0 else 0.1)
    for value in (0.7, -0.7):
        x = np.float32(value)
        expected = x * np.float32(0.1) if value > 0 else np.float32(0.1)
        assert tenth(fn.tensor([x])).numpy()[0] == expected


@pytest.mark.parametrize(
    "shapes",
    [
        [(), ()],
        [(0,), ()],
        [(5,), ()],
        [(3, 1), (4,)],
        [(2, 1, 3), (4, 1)],
        [(4, 0, 3), (1, 1, 3)],
        [(1, 2, 1, 3, 1, 2, 1, 2), (2, 1, 3, 2, 2, 1, 2)],
        [(3, 40_001), (3, 1)],
        [(70_003,), (70_003,)],
    ],
)
def test_operands_are_broadcast(shapes):
    x, y = (RNG.standard_normal(shape).astype(np.float32) for shape in shapes)
    result = scaled(x, y).numpy()
    expected = x * np.float32(2) + np.float32(0.5) * y
    assert result.shape == expected.shape
    # A sum of two products: one of them may be fused into it.
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)
    dx, dy = fn.grad(lambda x, y: (scaled(x, y) * 2).sum(), argnums=(0, 1))(x, y)
    assert dx.shape == x.shape and dy.shape == y.shape
    if x.size and y.size:
        assert dx.numpy().flat[0] == 4.0 * (expected.size // x.size)
        assert dy.numpy().flat[0] == 1.0 * (expected.size // y.size)


def test_views_are_read_where_they_are():
    x = fn.tensor(RNG.standard_normal((4, 6)))
    for view in (x.T, x[1:3], x[:, ::2], x[::-1]):
        assert np.array_equal(scaled(view, 1.0).numpy(), view.numpy() * 2 + 0.5)


def test_constants():
    x = fn.tensor([1.0, -2.0])
    assert scaled(x, x, slope=2).tolist() == [4.0, -8.0]
    assert scaled(x, x, 0.25, 3, negated=True).tolist() == [-3.25, 6.5]
    assert scaled(y=x, x=1.0).tolist() == [2.5, 1.0]


def test_a_float_constant_does_not_compile_again(monkeypatch):
    from fastnn.backends.jit_cpu.compile import Kernel

    compiled = []
    x = fn.tensor([1.0])
    usual = scaled(x, x).item()
    monkeypatch.setattr(Kernel, "_compile", lambda self, *key: compiled.append(self.name))
    assert [scaled(x, x, slope=i / 7).item() for i in range(3)] != [usual] * 3
    assert compiled == []


def test_many_operands():
    names = [f"x{i}" for i in range(15)]
    scope = {}
    exec(f"def total({', '.join(names)}): return {' + '.join(names)}", scope)
    total = fn.elementwise(scope["total"])
    xs = [fn.Variable(np.full(3, i, np.float64)) for i in range(15)]
    y = total(*xs)
    assert y.tolist() == [105.0] * 3
    y.sum().backward()
    assert all(x.grad.tolist() == [1.0] * 3 for x in xs)


# ---- Where it runs -----------------------------------------------------------------------------


@fn.elementwise
def swish(x, slope=1.5):
    return x * fn.ops.sigmoid(slope * x)


@pytest.mark.parametrize("backend", ["reference", "jit_cpu"])
def test_every_backend_for_cpus_compiles_it(backend):
    x = fn.tensor(X)
    expected = swish(x).numpy()
    with use_backend(backend):
        assert np.array_equal(swish(x).numpy(), expected)


def test_calls_are_recorded_and_replayed():
    @fn.capture
    def step(x):
        return fn.value_and_grad(lambda x: (swish(x) * 2).sum())(x)

    for i in range(6):
        x = fn.tensor(X + i)
        value, gradient = step(x)
        s = 1 / (1 + np.exp(-1.5 * (X + i)))
        np.testing.assert_allclose(value.item(), 2 * ((X + i) * s).sum(), rtol=1e-14)
        slope = 2 * (s + 1.5 * (X + i) * s * (1 - s))
        np.testing.assert_allclose(gradient.numpy(), slope, rtol=1e-13)
    assert "replays" in step.explain()


def test_bits_do_not_depend_on_threads():
    x = fn.tensor(RNG.standard_normal(200_003).astype(np.float32))
    results = []
    for threads in (1, 2):
        with fn.num_threads(threads):
            results.append((swish(x).numpy(), fn.grad(lambda x: swish(x).sum())(x).numpy()))
    for one, two in zip(*results):
        assert np.array_equal(one, two)


def test_an_activation_of_a_layer_learns():
    x = RNG.standard_normal((64, 3)).astype(np.float32)
    y = (x[:, :1] * x[:, 1:2]).astype(np.float32)
    model = fn.Sequential([fn.layers.Dense(16, activation=swish), fn.layers.Dense(1)])
    model.compile(optimizer=fn.optimizers.Adam(0.02), loss="mse")
    losses = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 4


def test_an_operation_is_pickled_and_saved_as_a_function_is(tmp_path):
    assert pickle.loads(pickle.dumps(swish)) is swish and copy.deepcopy(swish) is swish
    model = fn.Sequential([fn.layers.Input((3,)), fn.layers.Dense(2, activation=swish)])
    model.save(tmp_path / "model.fastnn")
    again = fn.models.load_model(tmp_path / "model.fastnn", custom_objects={"swish": swish})
    x = RNG.standard_normal((4, 3)).astype(np.float32)
    assert np.array_equal(model(x).numpy(), again(x).numpy())


# ---- What is refused ---------------------------------------------------------------------------


def of_many():
    scope = {}
    exec(f"def of_many(x, {', '.join(f'c{i}=1.0' for i in range(17))}): return x", scope)
    return scope["of_many"]


def two_results(x):
    return x, x


def text(x):
    return "a"


def of_tensors(x):
    y = x * 2
    return fn.ops.matmul(y, y)


def asserting(x):
    assert x > 0
    return x


def recursive(x):
    return recursive(x - 1) if x > 0 else x


def deep(x):
    return 1 + shallow(x)


def shallow(x):
    return x + "a"


def to_cents(x):
    return round(x, 2)


def mixed(x):
    return x and "b"


def trying(x):
    try:
        return 1 / x
    except ZeroDivisionError:
        return 0.0


def method(x):
    return x.sum() | 1


def bits(x):
    return x | 1


def narrowed(x):
    return np.float32(x)


REFUSED = {
    two_results: r"two_results: must return one number .*, returns a tuple of number",
    text: "text: must return one number for each element",
    of_tensors: r"of_tensors: fn.ops.matmul is a function of tensors, .* \(test_elementwise.py:\d+",
    asserting: r"asserting: raises or asserts \(test_elementwise.py:\d+\)",
    recursive: "recursive: recursive calls itself",
    to_cents: r"to_cents: .* round\(x, decimals\) is not known .* \(test_elementwise.py:",
    mixed: r"mixed: .* a value is a number on one way and a str on another \(test_elementwise.py:",
    trying: r"trying: has a try statement \(test_elementwise.py:\d+\), which cannot be compiled",
    method: r"method: .* a number has no attribute 'sum' \(test_elementwise.py:\d+: return x.sum",
    bits: r"bits: .*: or_\(number, int\) is not known \(test_elementwise.py:",
    narrowed: r"narrowed: .* float32\(number\) is not known \(test_elementwise.py:",
    deep: r"deep: cannot be compiled: add\(.*number.*\) is not known .*: return x \+ .a.\)",
}


@pytest.mark.parametrize("function", REFUSED, ids=lambda function: function.__name__)
def test_what_cannot_be_compiled_is_named(function):
    with pytest.raises(TypeError, match=REFUSED[function]):
        fn.elementwise(function)(fn.tensor([1.0]))


DRAWN = np.random.default_rng(0)


@pytest.mark.parametrize(
    "function, what",
    [
        (lambda x: x * np.random.rand(), "np.random.rand"),  # noqa: NPY002
        (lambda x: x * random.random(), "random.random"),
        (lambda x: x * DRAWN.random(), "DRAWN"),
    ],
)
def test_random_numbers_are_refused(function, what):
    with pytest.raises(TypeError, match=f"{what} draws random numbers .test_elementwise.py:\\d"):
        fn.elementwise(function)(X)


def test_an_array_keeps_the_elements_of_the_first_call():
    table = np.array([1.0, 2.0])
    f = fn.elementwise(lambda x: x * table[1])
    assert f(X).tolist() == (2 * X).tolist()
    table[1] = 10
    assert f(X).tolist() == (2 * X).tolist()
    assert fn.grad(lambda x: f(x).sum())(X).tolist() == [2.0] * len(X)
    assert f(X.astype("f4")).tolist() == (2 * X.astype("f4")).tolist()


def test_many_conditions_on_a_repeated_number_compile():
    """In a Python of its own: where LLVM does not come to an end, that one is ended."""
    program = """if True:
        import numpy as np
        import fastnn as fn

        def many(x):
            y = 0.0
            if x > 1: y += x
            if x > 2: y += x * x
            if x > 3: y *= x
            if x < -1: y -= 1
            if x < -2: y *= 2
            if x < -3: y += x
            if y > 10: y = fn.ops.sigmoid(y)
            if y < -10: y = fn.ops.tanh(y)
            if x > 5: y = y * y
            if x > 6: y = y * y + 1
            if x > 7: y = y * y + 2
            return y

        f = fn.elementwise(lambda x, y: many(x) * y)
        g = fn.elementwise(lambda x, y: fn.ops.erfinv(x) * y)
        for h, x in ((f, 2.5), (g, 0.5)):
            slope = fn.grad(lambda a: h(a, np.ones(2)).sum())(np.full((3, 1), x))
            print(*slope.numpy().ravel().round(6))
    """
    assert output_of(program).split("\n")[:2] == ["12.0 12.0 12.0", "2.22517 2.22517 2.22517"]


def test_names_that_are_not_there_are_named():
    @fn.elementwise
    def unknown(x):
        return x + not_there  # noqa: F821

    with pytest.raises(NameError, match=r"unknown: name 'not_there' is not defined \(test_elem"):
        unknown(1.0)


def test_a_function_without_source_is_fine():
    scope = {}
    exec("def cube(x): return x ** 3", scope)
    assert fn.grad(fn.elementwise(scope["cube"]))(2.0).item() == 12.0


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (lambda: fn.elementwise(math.exp), "function must be a Python function, got builtin"),
        (lambda: fn.elementwise(lambda *xs: 0), r"<lambda> takes \*xs, expected parameters with"),
        (lambda: fn.elementwise(lambda: 0), "<lambda> has no operand"),
        (lambda: fn.elementwise(lambda x, how="a": x), "has how='a', expected a number"),
        (lambda: fn.elementwise(None), "function must be a Python function, got NoneType"),
        (lambda: fn.elementwise(lambda x, *, y: x), r"<lambda> has the operand y after \*"),
        (
            lambda: fn.elementwise(of_many()),
            "of_many has 17 constants of type float, .* most 16",
        ),
        (
            lambda: fn.elementwise(lambda x, a=1.0: x, gradient=lambda x: 1.0),
            r"gradient of <lambda> must have its parameters, \(x, a\), got \(x\)",
        ),
    ],
)
def test_definitions_are_checked(define, message):
    with pytest.raises(TypeError, match=message):
        define()


def test_calls_are_checked():
    x = fn.tensor([1.0, 2.0])
    for call, message in [
        (lambda: scaled(x), "scaled: missing a required argument: 'y'"),
        (lambda: scaled(x, x, 0.5, slope=1.0), "scaled: multiple values for argument 'slope'"),
        (lambda: scaled(x, x, 0.5, 2, True, 1), "scaled: too many positional arguments"),
        (lambda: scaled(x, x, slip=1), "scaled: got an unexpected keyword argument 'slip'"),
        (lambda: scaled(x, x, slope=x), "scaled: slope is a constant, expected float .*got Tensor"),
        (lambda: scaled(x, x, times=1.5), "scaled: times is a constant, expected int .*got float"),
        (lambda: scaled(x, x, negated=1), "scaled: negated is a constant, expected bool .*got int"),
        (lambda: scaled(x, "a"), "scaled: y must be"),
    ]:
        with pytest.raises(TypeError, match=message):
            call()
    with pytest.raises(ValueError, match=r"^scaled: shapes \(2,\) and \(3,\) cannot be broadcast"):
        scaled(x, np.ones(3, np.float32))
    for call, message in [
        (lambda: scaled(x, x, times=10**30), "scaled: times is .*, which does not fit int64"),
        (lambda: scaled(x, x, slope=10**400), "scaled: slope .*, which does not fit float64"),
    ]:
        with pytest.raises(OverflowError, match=message):
            call()


def test_a_functional_model_has_it_in_a_layer():
    x = fn.Input((3,))
    with pytest.raises(TypeError, match=r"has no value: .* other functions in a Lambda layer"):
        swish(x)
    y = fn.layers.Lambda(lambda xs: scaled(*xs))([fn.layers.Activation(swish)(x), x])
    data = RNG.standard_normal((2, 3)).astype(np.float32)
    assert np.array_equal(fn.Model(x, y)(data).numpy(), scaled(swish(data), data).numpy())


def test_numbers_of_numpy_are_constants():
    x = fn.tensor([1.0, -2.0])
    y = scaled(x, x, slope=np.float32(0.25), times=np.int64(3), negated=np.True_)
    assert y.tolist() == scaled(x, x, 0.25, 3, True).tolist()
    usual = fn.elementwise(scaled_by)
    assert usual(2.0).item() == 3.0


def scaled_by(x, slope=np.float64(1.5)):  # noqa: B008
    return x * slope


def test_a_gradient_of_the_wrong_length_is_refused():
    one = fn.elementwise(lambda x, y: x * y, gradient=lambda x, y: y)
    with pytest.raises(TypeError, match="gradient must return 2 numbers, a tuple, returns number"):
        fn.grad(lambda x: one(x, x).sum())(np.ones(2))


# ---- Numba -------------------------------------------------------------------------------------


def test_without_numba_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match=r"pip install 'fastnn\[numba\]'"):
        fn.elementwise(lambda x: x)


def test_importing_fastnn_does_not_import_numba():
    assert "False" in output_of("import sys, fastnn; print('numba' in sys.modules)")


def test_compiled_functions_are_kept_on_disk(tmp_path):
    program = """
import json, fastnn as fn
from fastnn.backends.jit_cpu import disk_cache
kept = []
load = disk_cache.DiskCache.load_overload
disk_cache.DiskCache.load_overload = lambda *a: kept.append(load(*a)) or kept[-1]
FACTOR = 3
def helper(x): return x * 5
@fn.elementwise
def f(x): return helper(x) * FACTOR + 7
print(json.dumps([f(2.0).item(), kept[-1] is not None]))
"""
    results = []
    for _ in range(2):
        results.append(json.loads(output_of(program, NUMBA_CACHE_DIR=str(tmp_path))))
    assert results == [[37, False], [37, True]]


FINGERPRINTED = """
import math, numpy
FACTOR = 3
def helper(x, power=2): return x ** power
def outer():
    offset = 7
    def function(x):
        for i in range(5):
            x = helper(x) * FACTOR + offset - math.exp(i)
        return x
    return function
"""


def test_fingerprints_tell_what_a_function_does():
    from fastnn.backends.jit_cpu.user_code import compilable

    def of(text):
        scope = {}
        exec(text, scope)
        return compilable(scope["outer"](), "function").fingerprint

    first = of(FINGERPRINTED)
    assert of(FINGERPRINTED) == of("\n\n" + FINGERPRINTED) == first
    changes = ["= 3", "= 4"], ["power=2", "power=3"], ["** power", "* power"], ["7", "8"]
    changes += ["range(5)", "range(6)"], ["math.exp", "math.log"], ["* FACTOR", "/ FACTOR"]
    changes += ["FACTOR = 3", "FACTOR = 3.0"], ["helper(x)", "helper(i)"]
    others = {of(FINGERPRINTED.replace(*change)) for change in changes}
    assert len(others - {first}) == len(changes)
    # An array has no text that tells all of it.
    assert of(FINGERPRINTED.replace("= 3", "= numpy.ones(3)[0]")) is not None
    assert of(FINGERPRINTED.replace("= 3", "= numpy.ones(3)")) is None
