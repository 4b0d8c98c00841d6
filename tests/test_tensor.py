"""Tensors from data, conversion to NumPy, operators, representation."""

import operator

import numpy as np
import pytest

import fastnn as fn
from fastnn import _core, config, dtypes, ops

DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")


# ---- from data -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3), (1, 2, 1, 2)])
def test_round_trip(dtype, shape):
    array = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(dtype)
    t = fn.tensor(array)
    assert (t.shape, t.dtype, t.ndim, t.size) == (shape, dtype, len(shape), array.size)
    back = np.asarray(t)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert t.tolist() == array.tolist()


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, "float32"),
        (2, "int32"),
        (True, "bool"),
        (2**40, "int64"),
        ([1, 2], "int32"),
        ([1, 2.5], "float32"),
        ([True, False], "bool"),
        ([], "float32"),
        ([2**33, 1], "int64"),
        (np.float64(1.5), "float64"),
        (np.arange(3, dtype=np.int8), "int32"),
        (np.arange(3, dtype=np.uint32), "int64"),
        (np.arange(3, dtype=np.uint64), "int64"),
        (np.arange(3, dtype=">f4"), "float32"),
        ([np.float64(1.0)], "float64"),
    ],
)
def test_dtype_of_data(data, dtype):
    t = fn.tensor(data)
    assert t.dtype == dtype
    np.testing.assert_array_equal(t, np.asarray(data))


@pytest.mark.parametrize("step", [1, 2])
def test_booleans_of_other_bytes_than_0_and_1(step):
    data = np.array([2, 9, 0, 9, 255, 9], np.uint8).view(bool)[::step]
    t = fn.tensor(data)
    assert t.numpy().view(np.uint8).max() == 1
    assert fn.ops.sum(t).item() == data.sum() and (t == fn.tensor(data | False)).numpy().all()
    assert fn.ops.view(fn.tensor(np.array([2], np.uint8)), "bool").numpy().view(np.uint8) == 1


def test_floatx_rules_python_floats():
    config.set_floatx("float64")
    try:
        assert fn.tensor([1.0]).dtype == "float64"
        assert (fn.tensor([1, 2]) / 2).dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_a_given_dtype_is_not_reached_by_way_of_floatx():
    for make in (fn.tensor, fn.ops.cast, ops.convert_to_tensor, fn.Variable):
        assert make(0.1, dtype="float64").item() == 0.1
    assert fn.tensor([[0.1]], "float64").tolist() == [[0.1]]


def test_what_the_type_itself_takes():
    """Tensor(data) and nothing else; a subclass's __init__ may take more."""
    for call in (
        lambda: fn.Tensor(np.zeros(2), dtype="float32"),
        lambda: fn.Tensor(np.zeros(2), np.zeros(2)),
        lambda: fn.Tensor(),
        lambda: fn.Tensor(data=np.zeros(2)),
    ):
        with pytest.raises(TypeError, match="Tensor: "):
            call()

    class Named(fn.Tensor):
        def __init__(self, data, name):
            self.name = name

    assert Named([1.0, 2.0], name="x").name == "x"


@pytest.mark.parametrize("table", [5, {"unary": 3}, {"rules": []}, {"rules": {"add": 1}}])
def test_hooks_must_be_functions(table):
    with pytest.raises(TypeError, match="set_hooks: "):
        _core.set_hooks(table)


def test_non_contiguous_arrays():
    array = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(fn.tensor(array.T[::-1, ::2]), array.T[::-1, ::2])


def test_tensor_copies():
    array = np.zeros(3)
    t = fn.tensor(array)
    array[0] = 5
    assert t.tolist() == [0, 0, 0]
    leaf = fn.tensor(t, requires_grad=True)
    assert leaf is not t and leaf.requires_grad and not t.requires_grad


def test_list_of_tensors_keeps_gradients():
    x = fn.tensor(2.0, requires_grad=True)
    y = ops.convert_to_tensor([x, [3.0, x][1] * 2.0])
    y.sum().backward()
    assert y.tolist() == [2.0, 4.0] and x.grad.item() == 3.0


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ("text", TypeError, "tensor: data must be numbers that fit a tensor, got str"),
        (["a", "b"], TypeError, "got an array of dtype <U1"),
        ([[1, 2], [3]], ValueError, "tensor: data is a ragged list"),
        (None, TypeError, "got NoneType"),
        (object(), TypeError, "got object"),
        (np.array([None, 1]), TypeError, "got an array of dtype object"),
        (np.zeros(2, np.complex64), TypeError, "got dtype complex64"),
        (np.zeros(2, np.float16), TypeError, "got dtype float16"),
        (np.zeros(2, "datetime64[s]"), TypeError, "got dtype datetime64"),
        (np.array([2**63], np.uint64), TypeError, "do not fit int64"),
        ([1, 2**70], TypeError, f"tensor: data holds {2**70}, which does not fit int64"),
        (-(2**70), TypeError, f"tensor: data holds -{2**70}, which does not fit int64"),
        (np.zeros((1,) * 9), ValueError, "9 axes, expected at most 8"),
    ],
)
def test_bad_data(data, error, message):
    with pytest.raises(error, match=message):
        fn.tensor(data)


def test_bad_dtype_and_device():
    with pytest.raises(ValueError, match=r"dtype: expected one of bool, .* got 'float31'"):
        fn.tensor([1.0], dtype="float31")
    with pytest.raises(ValueError, match="tensor: there is no device 'tpu', expected cpu or cuda"):
        fn.tensor([1.0], device="tpu")


def test_operations_name_themselves_and_the_argument():
    with pytest.raises(TypeError, match="exp: x must be numbers"):
        ops.exp("text")
    with pytest.raises(TypeError, match="add: x2 must be numbers"):
        ops.add(fn.tensor([1.0]), "text")
    with pytest.raises(ValueError, match=r"kernel has shape .784, 500. but the input's last axis"):
        ops.dense(np.zeros((2, 256)), np.zeros((784, 500)))
    with pytest.raises(ValueError, match=r"matmul: x1 has shape \(2, 3\) and x2 \(2, 3\)"):
        ops.matmul(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="sum: axis 2 is outside a tensor of 2 axes"):
        ops.sum(np.zeros((2, 3)), axis=2)


# ---- to NumPy and others -------------------------------------------------------------------------


def test_asarray_is_a_read_only_view():
    t = fn.tensor(np.zeros(3))
    view = np.asarray(t)
    assert not view.flags.writeable and np.shares_memory(view, np.asarray(t))
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    keep = np.asarray(fn.tensor(np.arange(5.0)))  # outlives its tensor
    fn.tensor(np.ones(5))
    assert keep.tolist() == [0, 1, 2, 3, 4]
    assert np.array(t, dtype=np.float32).flags.writeable


def test_ufuncs_are_operations():
    x = fn.tensor([0.5, 2.0], dtype="float64", requires_grad=True)
    y = np.exp(x)
    assert isinstance(y, fn.Tensor)
    y.sum().backward()
    np.testing.assert_allclose(x.grad, np.exp([0.5, 2.0]))
    for result in (np.add(np.ones(2), x), np.ones(2) + x, np.float64(1.0) + x, 1 + x):
        assert isinstance(result, fn.Tensor) and result.requires_grad
        assert result.tolist() == [1.5, 3.0]
    assert (np.eye(2) @ x).tolist() == [0.5, 2.0]
    assert np.maximum(x, 1.0).requires_grad
    assert np.tanh(x).requires_grad


def test_ufuncs_that_there_are_not_say_so():
    x = fn.tensor([1.0])
    with pytest.raises(TypeError, match=r"np\.copysign has no fastnn operation"):
        np.copysign(x, x)
    with pytest.raises(TypeError, match=r"np\.add\.reduce has no"):
        np.add.reduce(x)
    with pytest.raises(TypeError, match="into out"):
        np.add(x, x, out=np.zeros(1))
    with pytest.raises(TypeError, match="where is not available"):
        np.add(x, x, where=np.array([True]))


def test_numpy_reductions_are_operations():
    x = fn.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    for name in ("sum", "mean", "max", "min", "prod", "std", "var"):
        ours, theirs = getattr(np, name)(x, axis=1), getattr(np, name)(np.asarray(x), axis=1)
        assert isinstance(ours, fn.Tensor) and ours.requires_grad
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    with pytest.raises(TypeError, match="immutable"):
        np.sum(x, out=np.zeros(()))


def test_scalars_to_python():
    assert float(fn.tensor(2.5)) == 2.5 and int(fn.tensor(3)) == 3 and bool(fn.tensor([1.0]))
    assert [10, 20, 30][fn.tensor(1)] == 20
    assert f"{fn.tensor(2.5):.2f}" == "2.50" and round(fn.tensor(2.6)).item() == 3.0
    with pytest.raises(ValueError, match="truth value"):
        bool(fn.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"one element, got \(2,\)"):
        fn.tensor([1.0, 2.0]).item()
    with pytest.raises(TypeError, match="integer tensor of one element"):
        [1][fn.tensor(1.0)]


def test_length_and_iteration():
    t = fn.tensor([[1, 2], [3, 4], [5, 6]])
    assert len(t) == 3 and [row.tolist() for row in t] == [[1, 2], [3, 4], [5, 6]]
    with pytest.raises(TypeError, match="no length"):
        len(fn.tensor(1))
    with pytest.raises(TypeError, match="without axes"):
        iter(fn.tensor(1))


def test_tensors_are_hashed_by_identity():
    a, b = fn.tensor([1.0]), fn.tensor([1.0])
    assert {a: 1, b: 2}[a] == 1 and len({a, b, a}) == 2


# ---- operators -----------------------------------------------------------------------------------

rng = np.random.default_rng(1)
OPERANDS = {
    "float32": rng.uniform(0.5, 3, (2, 3)).astype("float32"),
    "int32": rng.integers(1, 7, (2, 3)).astype("int32"),
    "uint8": rng.integers(1, 7, (2, 3)).astype("uint8"),
}


@pytest.mark.parametrize("dtype", OPERANDS)
@pytest.mark.parametrize("other", ["same", "row", "number", "array"])
@pytest.mark.parametrize(
    "op",
    [
        operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv,
        operator.mod, operator.pow, operator.lt, operator.le, operator.gt, operator.ge,
        operator.eq, operator.ne,
    ],
)  # fmt: skip
def test_operators_against_numpy(dtype, other, op):
    x = OPERANDS[dtype]
    y = {"same": x[::-1], "row": x[0], "number": 2, "array": x[:, :1]}[other]
    if op is operator.sub:  # unsigned differences stay positive
        x = x + np.asarray(8, dtype)
    t = fn.tensor(x)
    u = y if other in ("number", "array") else fn.tensor(y)
    for ours, theirs in (
        (op(t, u), op(x, y)),
        (op(u, t), op(y, x)),
    ):
        assert isinstance(ours, fn.Tensor)
        if op is operator.truediv and dtype != "float32":
            theirs = theirs.astype("float32")
        assert ours.dtype == theirs.dtype.name
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_logical_and_bitwise_operators():
    a, b = np.array([True, True, False]), np.array([True, False, False])
    t, u = fn.tensor(a), fn.tensor(b)
    assert (t & u).tolist() == (a & b).tolist() and (t | u).tolist() == (a | b).tolist()
    assert (t ^ u).tolist() == (a ^ b).tolist() and (~t).tolist() == (~a).tolist()
    i, j = fn.tensor([6, 3]), fn.tensor([3, 5])
    assert (i & j).tolist() == [2, 1] and (i | 8).tolist() == [14, 11]
    assert (i << 2).tolist() == [24, 12] and (i >> 1).tolist() == [3, 1]
    assert (~i).tolist() == [-7, -4]


def test_comparison_with_strangers():
    t = fn.tensor([1.0])
    assert (t == None) is False and (t != "text") is True  # noqa: E711


def test_numbers_that_do_not_fit():
    with pytest.raises(OverflowError, match="300, which does not fit uint8"):
        fn.tensor([1], dtype="uint8") + 300
    for operand in (1, 1.0):
        for number in (10**400, -(10**5000)):
            with pytest.raises(
                (OverflowError, TypeError), match=r"add: x2 .*does not fit"
            ) as error:
                fn.ops.add(fn.tensor([operand]), number)
            assert len(str(error.value)) < 120


@pytest.mark.parametrize("make", [list, np.array])
def test_a_new_tensor_and_a_cast_agree(make):
    numbers = make([-1.5, 300.7, np.nan, np.inf, -1e20])
    for dtype, expected in [
        ("uint8", [0, 255, 0, 255, 0]),
        ("int32", [-1, 300, 0, 2**31 - 1, -(2**31)]),
        ("int64", [-1, 300, 0, 2**63 - 1, -(2**63)]),
    ]:
        variable = fn.Variable(np.zeros(5, dtype)).assign(numbers)
        results = (fn.tensor(numbers, dtype), fn.tensor(numbers).astype(dtype), variable)
        for result in (*results, fn.ops.saturate_cast(numbers, dtype)):
            assert (result.dtype, result.tolist()) == (dtype, expected)


def test_integers_that_do_not_fit():
    for data in (300, [300], [[0], [-1]], (2**31,)):
        with pytest.raises(OverflowError, match=r"tensor: data .*, which does not fit uint8"):
            fn.tensor(data, "uint8")
    assert fn.tensor(np.array([300, -1]), "uint8").tolist() == [44, 255]  # as a cast's
    assert fn.tensor([300, -1]).astype("uint8").tolist() == [44, 255]
    assert fn.tensor([255, 0], "uint8").tolist() == [255, 0]
    assert fn.tensor([], "uint8").shape == (0,)


def test_too_many_axes():
    with pytest.raises(ValueError, match="tensor: data is an array of 20 axes, expected at most 8"):
        fn.tensor(np.ones((1,) * 20))
    with pytest.raises(ValueError, match="add: x1 is an array of 20 axes, expected at most 8"):
        fn.ops.add(np.ones((1,) * 20), 1.0)


@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("b", [*DTYPES, "int", "float"])
def test_promotion_is_the_lattice_of_keras(a, b):
    # Written out from jax.numpy's table, weak types in the last two columns.
    table = {
        "bool": "float32 float64 int32 int64 uint8 bool int32 float32",
        "uint8": "float32 float64 int32 int64 uint8 uint8 uint8 float32",
        "int32": "float32 float64 int32 int64 int32 int32 int32 float32",
        "int64": "float32 float64 int64 int64 int64 int64 int64 float32",
        "float32": "float32 float64 float32 float32 float32 float32 float32 float32",
        "float64": "float64 float64 float64 float64 float64 float64 float64 float64",
    }
    expected = dict(zip([*DTYPES, "int", "float"], table[a].split()))[b]
    other = {"int": 1, "float": 1.0}.get(b)
    assert dtypes.result_type(a, b if other is None else other) == expected
    other = fn.tensor(np.ones(2, b)) if other is None else other
    result = fn.tensor(np.ones(2, a)) + other
    assert result.dtype == ("int32" if a == b == "bool" else expected)


@pytest.mark.parity
@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("b", DTYPES)
def test_promotion_against_jax(a, b):
    jax = pytest.importorskip("jax")
    assert dtypes.result_type(a, b) == jax.numpy.promote_types(a, b).name


def test_standardize_dtype():
    assert dtypes.standardize_dtype(None) == "float32"
    assert dtypes.standardize_dtype(np.dtype("int64")) == "int64"
    assert dtypes.standardize_dtype(bool) == "bool"
    assert dtypes.standardize_dtype("float") == "float32"


# ---- methods and representation ------------------------------------------------------------------


def test_methods():
    array = np.arange(6.0).reshape(2, 3)
    t = fn.tensor(array)
    pairs = [
        (t.T, array.T),
        (t.transpose(1, 0), array.T),
        (t.transpose((1, 0)), array.T),
        (t.reshape(3, 2), array.reshape(3, 2)),
        (t.reshape((-1,)), array.reshape(-1)),
        (t.flatten(), array.ravel()),
        (t.sum(0), array.sum(0)),
        (t.mean(axis=1, keepdims=True), array.mean(1, keepdims=True)),
        (t.argmax(1), array.argmax(1)),
        (t.clip(1, 4), array.clip(1, 4)),
        (t.astype("int32"), array.astype("int32")),
        (t.dot(t.T), array.dot(array.T)),
        (t.repeat(2, 1), array.repeat(2, 1)),
        (t.take([1, 0], 1), array.take([1, 0], 1)),
        (t.swapaxes(0, 1), array.swapaxes(0, 1)),
        (t.std(ddof=1), array.std(ddof=1)),
        (t[None].squeeze(0), array),
        ((t > 2).any(1), (array > 2).any(1)),
        ((t > 2).all(), (array > 2).all()),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_repr():
    assert repr(fn.tensor([1.0, 2.5])) == "Tensor(shape=(2,), dtype=float32, [1. , 2.5])"
    assert repr(fn.tensor([[1, 2], [3, 4]])) == (
        "Tensor(shape=(2, 2), dtype=int32,\n  [[1, 2],\n   [3, 4]])"
    )
    assert repr(ops.zeros((2**62, 0))) == f"Tensor(shape=({2**62}, 0), dtype=float32)"
    text = repr(fn.Variable([1.0], name="bias"))
    assert text == "Variable(name=bias, shape=(1,), dtype=float32, requires_grad=True, [1.])"
    assert (
        "..." in repr(fn.tensor(np.zeros((100, 100))))
        and len(repr(fn.tensor(np.zeros(10**6)))) < 200
    )
    assert str(fn.tensor(3)) == "Tensor(shape=(), dtype=int32, 3)"


# ---- config --------------------------------------------------------------------------------------


def test_config():
    before = config.version
    config.set_epsilon(1e-6)
    assert config.epsilon() == 1e-6 and config.version == before + 1
    config.set_epsilon(1e-7)
    config.allow_winograd = False
    assert config.allow_winograd is False and config.version == before + 3
    config.allow_winograd = True
    with pytest.raises(AttributeError, match="no switch 'allow_winogrd'"):
        config.allow_winogrd = False
    with pytest.raises(TypeError, match="expected True or False"):
        config.allow_winograd = 1
    with pytest.raises(ValueError, match="set_floatx: expected"):
        config.set_floatx("float16")
    with pytest.raises(ValueError, match="set_image_data_format"):
        config.set_image_data_format("channels_middle")
    assert config.image_data_format() == "channels_last" and config.backend() == "fastnn"
