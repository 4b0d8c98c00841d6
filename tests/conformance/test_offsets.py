"""Where operands lie in memory changes no bit (the lane of an element is its index)."""

import hashlib

import numpy as np
import pytest

from fastnn import _core
from fastnn.backends import use_backend

from .harness import FLOATS, TARGET, generator

OFFSETS = range(16)
STATE = np.array([5, 7])


def draws(dtype):
    """Primitive -> operands and attributes; operands of that dtype are the ones that move."""

    def draw(*shape):
        return generator(shape).uniform(0.1, 0.9, shape).astype(dtype)

    labels = generator(1).integers(0, 9, 33).astype(np.int32)
    lstm = [draw(7, 3, 9), [draw(9, 68), draw(17, 68), draw(68)]]
    valid = generator(2).random((7, 3)) < 0.7
    # Numbers of any size do, and those drawn are the same on every machine.
    gates, history = [draw(3, 7, 68)], [draw(4, 7, 17), draw(4, 7, 17)]
    adam = [np.array(0.01), np.array([0.9, 0.999, 1e-7]), np.array(3), *[None] * 5]
    return [
        ("unary", [draw(517)], ("exp",)),
        ("unary", [draw(517)], ("gelu",)),
        ("unary_backward", [draw(517), draw(517)], ("tanh",)),
        ("binary", [draw(517), draw(517)], ("mul",)),
        ("binary", [draw(37, 1), draw(37, 19)], ("pow",)),
        ("binary", [draw(37, 1), draw(37, 190)], ("div",)),
        ("copy", [draw(37, 19)], ("float32", 0.3)),
        ("reduce", [draw(5, 9001)], ("sum", (1,))),
        ("reduce", [draw(700, 19)], ("sum", (0,))),
        ("reduce", [draw(33, 70)], ("logsumexp", (1,))),
        ("reduce", [draw(33, 70)], ("max", (0,))),
        ("reduce_list", [[draw(300), draw(7)]], ("sum_squares",)),
        ("arg_reduce", [draw(33, 70)], ("argmax", 1)),
        ("moments", [draw(5, 9001)], ((1,),)),
        ("moments", [draw(700, 19)], ((0,),)),
        ("cumulative", [draw(5, 9001)], ("sum", 1)),
        ("cumulative", [draw(70, 19)], ("prod", 0, True)),
        ("cumulative_prod_backward", [draw(70, 19), draw(70, 19), draw(70, 19)], (0,)),
        ("sort", [draw(33, 70)], (1,)),
        ("sort", [draw(33, 70)], (0, True, 3)),
        ("searchsorted", [np.sort(draw(70)), draw(517)], ()),
        ("gemm", [draw(1, 700), draw(700, 19), None, None, None], ()),
        ("gemm", [draw(19, 300), draw(300, 21), draw(21), None, None], ()),
        ("gemm", [draw(70, 40), draw(50, 40), None, None, None], (False, True)),
        ("dense_backward", [draw(33, 19), draw(33, 21), draw(21, 19), draw(33, 19)], ("relu",)),
        ("conv", [draw(2, 13, 9, 3), draw(3, 2, 3, 17), draw(17), None], ((2, 1), (1, 1, 0, 2))),
        ("conv", [draw(1, 9, 9, 20), draw(3, 3, 20, 17), None, None], ((), (1, 1, 1, 1))),
        (
            "conv_backward_input",
            [draw(2, 6, 9, 17), draw(3, 2, 3, 17)],
            ((2, 1), (), (), 1, (13, 10)),
        ),
        (
            "conv_backward_kernel",
            [draw(2, 13, 10, 3), draw(2, 6, 9, 17)],
            ((2, 1), (), (), 1, (3, 2)),
        ),
        ("conv_backward_kernel", [draw(2, 9, 9, 20), draw(2, 7, 7, 17)], ((), (), (), 1, (3, 3))),
        ("softmax", [draw(33, 70)], (1,)),
        ("softmax", [draw(33, 70)], (0,)),
        ("softmax_backward", [draw(33, 70), draw(33, 70)], (1,)),
        ("row_norm", [draw(33, 1, 1, 70), draw(70), draw(70)], ("layer",)),
        ("row_norm", [draw(3, 19, 2, 5), draw(10), None], ("rms",)),
        (
            "row_norm_backward",
            [draw(40, 1, 1, 70), draw(40, 1, 1, 70), draw(40, 1), draw(40, 1), draw(70)],
            (),
        ),
        (
            "row_norm_backward",
            [draw(3, 19, 2, 5), draw(3, 19, 2, 5), draw(3, 2), draw(3, 2), draw(10)],
            (),
        ),
        ("batch_norm", [draw(600, 19), draw(19), draw(19), *[None] * 4], ()),
        ("batch_norm_backward", [draw(600, 19), draw(600, 19), *[draw(19) for _ in range(3)]], ()),
        ("max_pool", [draw(2, 9, 8, 19)], ((3, 2), (2, 1), (1, 1, 0, 1))),
        (
            "max_pool_backward",
            [draw(2, 4, 7, 19), generator(3).integers(0, 6, (2, 4, 7, 19)).astype(np.uint8), None],
            ((9, 8), (3, 2), (2, 1), (0, 0, 0, 0)),
        ),
        ("average_pool", [draw(2, 9, 8, 19)], ((3, 2), (2, 1), (1, 1, 0, 1))),
        ("average_pool_backward", [draw(2, 4, 7, 19)], ((9, 8), (3, 2), (2, 1))),
        ("resize", [draw(2, 5, 4, 19)], ((7, 9), "bilinear")),
        ("resize_backward", [draw(2, 7, 9, 19)], ((5, 4), "bilinear")),
        ("cross_entropy", [draw(33, 9), labels, None], ()),
        (
            "ctc_loss",
            [
                draw(3, 40, 11),
                labels[:30].reshape(3, 10) + 1,
                *[np.array([40, 39, 31]) // n for n in (1, 4)],
            ],
            (0, False),
        ),
        ("ctc_decode", [draw(2, 9, 11), np.array([9, 7])], (12, 3, 0)),
        ("binary_cross_entropy", [draw(517), draw(517), None], ()),
        ("rnn", [*lstm, [draw(7, 17), draw(7, 17)], valid], ("lstm",)),
        ("rnn_backward", [draw(7, 3, 17), None, *lstm, valid, gates, history], ("lstm",)),
        ("scatter_add", [draw(9, 37), draw(33, 37), labels], (0,)),
        ("sum_rows", [draw(33, 37), labels], (9,)),
        ("dropout", [draw(517), np.array(0.3, dtype), STATE], ()),
        ("lerp_list", [[draw(517)], [draw(1, 517)[0]], np.array(0.9)], ()),
        ("optimizer_step", [[draw(517)], [draw(517), draw(517)], [draw(517)], *adam], ("adam",)),
    ]


def moved(value, dtype, offset):
    """A Tensor of the same elements that starts ``offset`` elements into its block."""
    if isinstance(value, list):
        return [moved(item, dtype, offset) for item in value]
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype != dtype or array.ndim == 0:
        return _core.from_numpy(array)
    block = np.full(offset + array.size + 16, 7, dtype)
    block[offset : offset + array.size] = array.reshape(-1)
    piece = _core.rows(_core.from_numpy(block), offset, offset + array.size)
    return _core.reshape(piece, array.shape)


def bits(value):
    if isinstance(value, (list, tuple)):
        return b"".join(bits(item) for item in value)
    return b"" if value is None else np.asarray(value.numpy()).tobytes()


def digests():
    """Each of these calls with a number for what it returns."""
    for dtype in FLOATS:
        for primitive, operands, attributes in draws(dtype):
            given = [moved(operand, np.dtype(dtype), 0) for operand in operands]
            results = getattr(_core, primitive)(*given, *attributes)
            number = hashlib.sha256(bits(results) + bits(given)).hexdigest()
            yield f"{primitive} {dtype} {attributes}", number


@pytest.mark.parametrize(
    ("dtype", "index"),
    [
        pytest.param(dtype, i, id=f"native-{TARGET}-{name}-{dtype}-{i}")
        for dtype in FLOATS
        for i, (name, *_) in enumerate(draws("float32"))
    ],
)
def test_bits_do_not_depend_on_the_address(dtype, index):
    primitive, operands, attributes = draws(dtype)[index]
    seen = set()
    with use_backend("native"):
        for offset in OFFSETS:
            given = [moved(operand, np.dtype(dtype), offset) for operand in operands]
            results = getattr(_core, primitive)(*given, *attributes)
            seen.add(bits(results) + bits(given))
    assert len(seen) == 1


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("primitive", ["unary", "binary", "gemm"])
def test_a_view_and_its_copy_give_the_same_bits(dtype, primitive):
    """Sums aside, whose order may follow the layout; products keep theirs."""
    x = generator(2).normal(size=(70, 300)).astype(dtype)
    other = _core.from_numpy(generator(3).normal(size=(300, 21)).astype(dtype))
    transposed = _core.from_numpy(np.ascontiguousarray(x.T))
    calls = {
        "unary": lambda x: _core.unary(x, "exp"),
        "binary": lambda x: _core.binary(x, x, "mul"),
        "gemm": lambda x: _core.gemm(x, other, None, None, None),
    }
    with use_backend("native"):
        view = calls[primitive]((transposed, (70, 300), (1, 70), 0))
        copy = calls[primitive](_core.from_numpy(x))
    assert bits(view) == bits(copy)
