"""@elementwise: operands and constants of a call."""

import numpy as np
import pytest
from elementwise_functions import scaled

import fastnn as fn

RNG = np.random.default_rng(0)


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
        (lambda: doubled(10**400), r"^doubled: number is 1.{40,60} does not fit int32$"),
    ]:
        with pytest.raises(OverflowError, match=message):
            call()
    many_axes = np.ones((1,) * 20)
    with pytest.raises(ValueError, match="scaled: y is an array of 20 axes, expected at most 8"):
        scaled(x, many_axes)


def test_a_factor_that_conditions_choose():
    chosen = fn.elementwise(lambda x: (3 if x > 0 else 5) * 7 * x)
    assert chosen([1.0, -1.0]).tolist() == [21, -35]


@fn.elementwise
def doubled(number):
    return 2 * number


def test_numbers_of_numpy_are_constants():
    x = fn.tensor([1.0, -2.0])
    y = scaled(x, x, slope=np.float32(0.25), times=np.int64(3), negated=np.True_)
    assert y.tolist() == scaled(x, x, 0.25, 3, True).tolist()
    usual = fn.elementwise(scaled_by)
    assert usual(2.0).item() == 3.0


def scaled_by(x, slope=np.float64(1.5)):  # noqa: B008
    return x * slope
