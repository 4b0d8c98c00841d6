"""What every backend refuses, in the same words: before anything is written."""

import re

import numpy as np
import pytest

from fastnn import _core
from fastnn.backends import use_backend
from fastnn.backends.reference import FUNCTIONS

from .harness import BACKENDS, rows, run

# A call has one fault: a GPU names whichever its threads come upon first.
F = np.zeros((3, 4), np.float32)
D = np.zeros((3, 4))
I = np.zeros((3, 4), np.int32)  # noqa: E741
B = np.zeros((3, 4), bool)
V = np.zeros(3, np.float32)
VIEW = np.zeros((2, 1, 1, 4), np.float32)
ROW = np.zeros(4, np.float32)
IMAGES = np.zeros((2, 5, 6, 3), np.float32)
STATE = np.zeros(2, np.int64)
RATE, HYPER = np.array(0.1), np.array([0.9, 0.999, 1e-7])
ONE = np.array(1)
NONE3 = (None, None, None)
NONE4 = (*NONE3, None)
IMAGE, KERNEL = np.zeros((2, 5, 6, 4), np.float32), np.zeros((3, 3, 4, 6), np.float32)
SIGNAL = np.zeros((2, 3, 4, 6), np.float32)
STEP = (RATE, HYPER, ONE, *NONE4)
PLAIN = (RATE, np.zeros(0), ONE, *NONE3)
FRAMES, LENGTHS = np.zeros((2, 5, 4), np.float32), np.array([5, 4])
RNN = [
    FRAMES.reshape(5, 2, 4)[..., :3],
    [np.zeros((3, 8), np.float32), np.zeros((2, 8), np.float32)],
]
RNN += [None, None]
RNN_KEPT = FUNCTIONS["rnn"](*RNN, cell="lstm", want_history=True)[2:]
ATTENTION = [np.zeros(shape, np.float32) for shape in ((2, 3, 4, 6), (2, 5, 2, 6), (2, 5, 2, 7))]
ATTENTION += NONE3  # mask, rate, state
HALF = np.array(0.5, np.float32)
ATTENDED = [np.zeros(shape, np.float32) for shape in ((2, 3, 4, 7), (2, 3, 4, 7), (2, 4, 3))]
CTC = [FRAMES, np.array([[1, 2, 3], [3, 1, 0]]), LENGTHS, np.array([3, 2])]

# primitive, operands, attributes, exception, what its message says
ROWS = [
    ("unary", [I], ("exp",), TypeError, "unary: x has dtype int32 but exp takes float"),
    ("unary", [B], ("neg",), TypeError, "unary: x has dtype bool"),
    ("unary_backward", [F, D], ("exp",), TypeError, "float64 but"),
    ("unary_backward", [F, V], ("exp",), ValueError, "unary_backward: value has shape (3,) but"),
    ("unary_backward", [F, F], ("floor",), ValueError, "floor has no derivative"),
    ("copy", [F], ("float32", "2"), TypeError, "copy: scale: must be real number, not str"),
    ("reduce", [F], ("sum", "1"), TypeError, "reduce: axes: 'str' object cannot be"),
    ("gather", [F, STATE], (2**70,), OverflowError, "gather: axis: int too big"),
    ("elementwise", [[F]], (0, 1, 5), TypeError, "elementwise: constants: 'int' object is not"),
    ("binary", [F, D], ("add",), TypeError, "add: x2 has dtype float64 but x1 has float32"),
    ("binary", [F, V], ("add",), ValueError, "(3, 4) and (3,) cannot be broadcast"),
    ("binary", [I, I], ("div",), TypeError, "divide: x1 has dtype int32"),
    ("binary", [F, F], ("bitwise_and",), TypeError, "bitwise_and: x1 has dtype float32"),
    ("select", [F, F, F], (), TypeError, "select: mask has dtype float32, expected bool"),
    ("select", [B, F, D], (), TypeError, "select: b has dtype float64"),
    ("select", [np.zeros(7, bool), F, F], (), ValueError, "select: mask has shape (7,)"),
    ("copy", [F], ("int32", 0.5), ValueError, "scale needs a floating-point result"),
    ("pad", [F], ((1,), (1,)), ValueError, "pad: before and after have 1 and 1 entries"),
    ("pad", [F], ((1, 0), (-1, 0)), ValueError, "pad: cannot pad axis 0 by 1 and -1"),
    ("gather", [F, F], (0,), TypeError, "gather: indices has dtype float32"),
    ("gather", [F, STATE], (2,), ValueError, "gather: axis is 2 but there are 2 axes"),
    ("gather", [F, np.array([0, 3])], (0,), IndexError, "gather: index 3 at position 1 is out of"),
    ("gather", [F, np.array([-1])], (0, False), IndexError, "gather: index -1 at position 0"),
    (
        "gather",
        [F, np.array([1, 3])],
        (0, False, "words"),
        IndexError,
        "words: id 3 at position 1 is not in the vocabulary, expected 0 to 2 (input_dim is 3)",
    ),
    ("sum_rows", [I, STATE], (3,), TypeError, "sum_rows: updates has dtype int32"),
    ("sum_rows", [F, F], (3,), TypeError, "sum_rows: indices has dtype float32"),
    ("sum_rows", [F, STATE], (3,), ValueError, "updates has shape (3, 4), expected that of"),
    ("sum_rows", [F[:2], STATE], (-1,), ValueError, "sum_rows: extent is -1"),
    ("sum_rows", [F[:1], STATE[:1]], (0,), IndexError, "index 0 at position 0 is out of range"),
    ("sum_rows", [V, np.array([0, 5, 1])], (5,), IndexError, "sum_rows: index 5 at position 1"),
    ("sum_rows", [V, np.array([0, 2, -1])], (5,), IndexError, "sum_rows: index -1 at position 2"),
    ("scatter_add", [F, D, STATE], (0,), TypeError, "scatter_add: updates has dtype float64"),
    ("scatter_add", [F, F, STATE], (0,), ValueError, "scatter_add: updates has shape (3, 4)"),
    ("scatter_add", [V, V, np.array([0, 9, 1])], (0,), IndexError, "index 9 at position 1"),
    ("gather_nd", [F, np.array([[0, 4]])], (), IndexError, "gather_nd: index 4 at position 1"),
    ("gather_nd", [V, np.array([[0, 0]])], (), ValueError, "so tuples of 2, but x has shape (3,)"),
    ("scatter_nd_add", [V, V[:1], np.array([[3]])], (), IndexError, "index 3 at position 0"),
    ("one_hot", [F], (3,), TypeError, "one_hot: labels has dtype float32"),
    ("one_hot", [I], (-1,), ValueError, "one_hot: depth is -1"),
    ("arange", [], (0.0, 1.0, -1, "int32"), ValueError, "arange: negative extent"),
    ("concatenate", [[F, D]], (0,), ValueError, "concatenate: xs[1] is float64(3, 4)"),
    (
        "gather_batch",
        [[F], np.arange(3), np.array([2])],
        (2,),
        IndexError,
        "2 rows from position 2 are outside the permutation of 3 rows",
    ),
    (
        "gather_batch",
        [[F], np.array([0, 7]), np.array([0])],
        (2,),
        IndexError,
        "row 7 at position 1 is out of range for arrays of 3 rows",
    ),
    ("reduce", [I], ("mean", (0,)), TypeError, "reduce: x has dtype int32"),
    ("reduce", [F], ("sum", (2,)), ValueError, "reduce: axes name an axis beyond the 2 of x"),
    ("reduce", [F[:0]], ("max", (0,)), ValueError, "reduce: max of no elements"),
    ("arg_reduce", [F], ("argmax", 5), ValueError, "arg_reduce: axis is 5 but there are 2 axes"),
    ("arg_reduce", [F[:0]], ("argmin", 0), ValueError, "arg_reduce: argmin of no elements"),
    ("reduce_list", [[F, D]], ("sum",), TypeError, "reduce_list: xs[1] has dtype float64"),
    ("gemm", [F, D, *NONE3], (), TypeError, "gemm: B has dtype float64 but A has float32"),
    ("gemm", [F, F, *NONE3], (), ValueError, "gemm: B has shape (3, 4) with inner axis 3 but A"),
    ("gemm", [V, F, *NONE3], (), ValueError, "gemm: A has shape (3,), expected at least 2 axes"),
    ("gemm", [F, F.T.copy(), ROW, None, None], (), ValueError, "gemm: bias has shape (4,)"),
    ("dense_backward", [F, V, F, F], (), ValueError, "dense_backward: x has shape (3,)"),
    ("dense_backward", [F, F, F, F], (), ValueError, "dense_backward: w has shape (3, 4) but x"),
    ("dense_backward", [F, I, F, F], (), TypeError, "dense_backward: x has dtype int32 but dy"),
    (
        "dense_backward",
        [F, np.zeros((3, 2), "float32"), np.zeros((2, 4), "float32"), ROW],
        (),
        ValueError,
        "dense_backward: value has shape (4,) but dy has (3, 4)",
    ),
    *(
        ("conv", [*operands, *NONE3[: 4 - len(operands)]], attributes, error, "conv: " + message)
        for operands, attributes, error, message in [
            ([I, KERNEL], (), TypeError, "x has dtype int32"),
            ([IMAGE, KERNEL.astype("float64")], (), TypeError, "w has dtype float64 but x has"),
            ([F, KERNEL], (), ValueError, "x has shape (3, 4), expected (batch, spatial axes,"),
            ([IMAGE, F], (), ValueError, "w has shape (3, 4), expected 4 axes"),
            (
                [IMAGE, np.zeros((3, 3, 3, 6), "float32")],
                (),
                ValueError,
                "w has shape (3, 3, 3, 6) and reads 3",
            ),
            ([IMAGE, KERNEL], ((), (), (), 0), ValueError, "groups is 0, expected a divisor of"),
            ([IMAGE, KERNEL], ((), (), (), 4), ValueError, "groups is 4, expected a divisor of"),
            (
                [IMAGE, KERNEL],
                ((), (), (), 2),
                ValueError,
                "w has shape (3, 3, 4, 6) and reads 4 channels, but",
            ),
            ([IMAGE, KERNEL], ((0, 1),), ValueError, "strides is (0, 1), expected integers of 1"),
            ([IMAGE, KERNEL], ((1,),), ValueError, "strides has 1 values, expected 2"),
            ([IMAGE, KERNEL], ((), (), (1, 0)), ValueError, "dilation is (1, 0), expected"),
            ([IMAGE, KERNEL], ((), (), (1, 3)), ValueError, "a window covers (3, 7) elements but"),
            ([IMAGE, KERNEL], ((), (0, 0, -1, 0)), ValueError, "pads is (0, 0, -1, 0), expected"),
            ([IMAGE, KERNEL, V], (), ValueError, "bias has shape (3,), expected (6,), one value"),
            (
                [IMAGE, KERNEL, None, IMAGE],
                (),
                ValueError,
                "residual has shape (2, 5, 6, 4), expected",
            ),
            (
                [IMAGE, KERNEL],
                ((2, 2), (), (), 1, "linear", 0, False, "winograd_4"),
                ValueError,
                "algorithm is winograd_4, which cannot compute this convolution",
            ),
        ]
    ),
    (
        "conv_backward_input",
        [SIGNAL, KERNEL],
        ((), (), (), 1, (5, 7)),
        ValueError,
        "conv_backward_input: dy has shape (2, 3, 4, 6), expected (2, 3, 5, 6)",
    ),
    (
        "conv_backward_input",
        [SIGNAL, KERNEL],
        (),
        ValueError,
        "conv_backward_input: extents has 0 values, expected 2",
    ),
    (
        "conv_backward_kernel",
        [IMAGE, SIGNAL],
        ((), (), (), 1, (3, 2)),
        ValueError,
        "conv_backward_kernel: dy has shape (2, 3, 4, 6), expected (2, 3, 5, 6)",
    ),
    (
        "conv_backward_kernel",
        [IMAGE, SIGNAL],
        ((2, 2), (1, 1, 1, 1), (), 1, (3, 3), True, "winograd"),
        ValueError,
        "conv_backward_kernel: ",
    ),
    (
        "conv_backward_kernel",
        [IMAGE[..., :0], SIGNAL],
        ((), (), (), 1, (3, 3)),
        ValueError,
        "conv_backward_kernel: x has shape (2, 5, 6, 0) and w (3, 3, 0, 6), expected channels and",
    ),
    ("unfold", [F], ((2,),), ValueError, "unfold: x has shape (3, 4), expected (batch, spatial"),
    ("unfold", [IMAGE], ((2,),), ValueError, "unfold: window has 1 values, expected 2"),
    ("unfold", [IMAGE], ((2, 7),), ValueError, "unfold: a window covers (2, 7) elements but the"),
    ("unfold", [IMAGE], ((2, 0),), ValueError, "unfold: the window's size is (2, 0)"),
    (
        "fold",
        [SIGNAL],
        ((2, 2), (), (), (), (4, 5)),
        ValueError,
        "fold: y has shape (2, 3, 4, 6), expected (2, 3, 4, 6) with a multiple of 4 elements",
    ),
    ("fold", [SIGNAL], ((2, 3),), ValueError, "fold: extents has 0 values, expected 2"),
    ("row_norm", [F, None, None], (), ValueError, "row_norm: x has shape (3, 4), expected 4 axes"),
    (
        "row_norm",
        [VIEW, V, None],
        (),
        ValueError,
        "row_norm: gamma has shape (3,) but x with shape",
    ),
    ("row_norm", [VIEW, None, D[0]], (), TypeError, "row_norm: beta has dtype float64 but x has"),
    (
        "row_norm_backward",
        [VIEW, VIEW, None, V, None],
        (),
        ValueError,
        "row_norm_backward: rstd has shape (3,), expected (2, 1)",
    ),
    (
        "batch_norm",
        [F, V, *[None] * 5],
        (),
        ValueError,
        "batch_norm: gamma has shape (3,), expected (4,), one for each channel of x",
    ),
    ("batch_norm", [V, *[None] * 6], (), ValueError, "batch_norm: x has shape (3,), expected 2"),
    ("batch_norm", [F[:0], *[None] * 6], (), ValueError, "no rows to take moments of"),
    ("batch_norm", [F, None, None, ROW, *[None] * 3], (), ValueError, "a mean and a variance"),
    ("batch_norm", [F, None, None, *[ROW] * 4], (), ValueError, "given moments do not change"),
    ("batch_norm", [F, D[0], *[None] * 5], (), TypeError, "batch_norm: gamma has dtype float64"),
    ("batch_norm_backward", [F, V, ROW, ROW, None], (), ValueError, "x has shape (3,) but dy has"),
    ("max_pool", [F], ((2,),), ValueError, "max_pool: x has shape (3, 4), expected (batch, spati"),
    ("max_pool", [IMAGES.astype(np.int32)], ((2, 2),), TypeError, "max_pool: x has dtype int32"),
    ("max_pool", [IMAGES], ((2, 2, 2),), ValueError, "window has 3 values, expected 2, one a spa"),
    ("max_pool", [IMAGES], ((0, 2),), ValueError, "size is (0, 2), expected integers of 1 or more"),
    ("max_pool", [IMAGES], ((2, 2), (1, -1)), ValueError, "strides is (1, -1), expected integers"),
    ("max_pool", [IMAGES], ((2, 2), (1, 1), (0, 0, 0, 0), (0, 1)), ValueError, "dilation is (0, "),
    ("max_pool", [IMAGES], ((2, 2), (1, 1), (0, 1)), ValueError, "pads has 2 values, expected 4, "),
    ("max_pool", [IMAGES], ((2, 2), (1, 1), (0, 2, 0, 0)), ValueError, "pads are 0 and 2 along sp"),
    (
        "max_pool",
        [IMAGES],
        ((2, 9),),
        ValueError,
        "a window covers (2, 9) elements but the input with its padding has (5, 6)",
    ),
    (
        "max_pool",
        [IMAGES],
        ((2**31, 2), (1, 1), (), (2**31, 1)),
        OverflowError,
        "max_pool: a window of (2147483648, 2) with dilation (2147483648, 1) is too large",
    ),
    (
        "max_pool_backward",
        [IMAGES, IMAGES.astype(np.uint8), None],
        ((5, 6), (2, 2)),
        ValueError,
        "max_pool_backward: dy has shape (2, 5, 6, 3) but there are (4, 5) windows",
    ),
    (
        "max_pool_backward",
        [IMAGES, None, None],
        ((5, 6), (1, 1)),
        ValueError,
        "which or x is needed",
    ),
    ("average_pool", [F], ((2,),), ValueError, "average_pool: x has shape (3, 4), expected (batc"),
    ("average_pool", [IMAGES], (), ValueError, "average_pool: window is missing"),
    (
        "average_pool_backward",
        [IMAGES],
        ((4, 6), (1, 1)),
        ValueError,
        "average_pool_backward: dy has shape (2, 5, 6, 3) but there are (4, 6) windows",
    ),
    ("resize", [IMAGES], ((2,),), ValueError, "resize: size has 1 values, expected 2, one a spa"),
    ("resize", [IMAGES], ((2, 0),), ValueError, "and the result (2, 0), expected extents of 1"),
    ("resize", [IMAGES], ((2, 2), "cubic"), ValueError, "expected one of nearest, bilinear"),
    ("resize", [IMAGES], ((2**30, 2**30),), OverflowError, "is too large"),
    ("resize_backward", [F], ((2,),), ValueError, "resize_backward: dy has shape (3, 4), expected"),
    ("softmax", [I], (), TypeError, "softmax: x has dtype int32"),
    ("softmax", [F], (2,), ValueError, "softmax: axis is 2 but there are 2 axes"),
    ("softmax_backward", [F, V], (), ValueError, "softmax_backward: y has shape (3,) but dy"),
    (
        "cross_entropy",
        [F, np.array([0, 4, 1]), None],
        (),
        ValueError,
        "cross_entropy: label 4 at row 1 is out of range for 4 classes",
    ),
    ("cross_entropy", [F, STATE, None], (), ValueError, "cross_entropy: labels has shape (2,)"),
    ("cross_entropy", [F, D, None], (), TypeError, "cross_entropy: labels has dtype float64"),
    ("cross_entropy", [F, F, ROW], (), ValueError, "sample_weight has shape (4,)"),
    ("binary_cross_entropy", [F, F, None], (1.5,), ValueError, "smoothing is 1.5"),
    *(
        ("ctc_loss", [*CTC[:i], x, *CTC[i + 1 :]], (blank, False), error, "ctc_loss: " + message)
        for i, x, blank, error, message in [
            (0, I, 0, TypeError, "output has dtype int32"),
            (0, F, 0, ValueError, "output has shape (3, 4), expected 3"),
            (0, FRAMES[..., :0], 0, ValueError, "mask_index is 0, expected one of 0 "),
            (0, FRAMES[..., :3], 0, ValueError, "label 3 at (0, 2) of target is out of range for"),
            (1, F, 0, TypeError, "target has dtype float32"),
            (
                1,
                CTC[1][:1],
                0,
                ValueError,
                "target has shape (1, 3), expected (2, most labels), a",
            ),
            (
                1,
                -CTC[1],
                0,
                ValueError,
                "label -1 at (0, 0) of target is out of range for 4 class",
            ),
            (1, CTC[1], 2, ValueError, "label 2 at (0, 1) of target is the blank"),
            (1, CTC[1], 4, ValueError, "mask_index is 4, expected one of 4"),
            (1, CTC[1], -1, ValueError, "mask_index is -1, expected one of 4"),
            (2, np.array([5]), 0, ValueError, "output_length has shape (1,), expected (2,), one"),
            (2, np.array([5, 6]), 0, ValueError, "output_length is 6 for example 1, expected 0 to"),
            (3, V[:2], 0, TypeError, "target_length has dtype float32"),
            (3, np.array([3, -1]), 0, ValueError, "target_length is -1 for example 1, expected 0"),
            (3, np.array([3, 3]), 0, ValueError, "label 0 at (1, 2) of target is the blank"),
        ]
    ),
    *(
        ("rnn", [*RNN[:i], x, *RNN[i + 1 :]], ("lstm", *rule), error, "rnn: " + message)
        for i, x, rule, error, message in [
            (0, I, (), TypeError, "inputs has dtype int32"),
            (0, F, (), ValueError, "inputs has shape (3, 4), expected 3 ax"),
            (1, RNN[1][:1], (), ValueError, "weights has 1 arrays, expected 2 or 3 for each dir"),
            (1, [F, F, F, F], (), ValueError, "weights has 4 arrays, expected 2 or 3"),
            (1, [RNN[1][0], F], (), ValueError, "weights[1] has shape (3, 4), expected (units, 4"),
            (
                1,
                [F, RNN[1][1]],
                (),
                ValueError,
                "weights[0] has shape (3, 4), expected (3, 8), the",
            ),
            (
                1,
                [*RNN[1][:2], F],
                (),
                ValueError,
                "weights[2] has shape (3, 4), expected (8,), the",
            ),
            (
                1,
                [RNN[1][0].astype(float), RNN[1][1]],
                (),
                TypeError,
                "weights[0] has dtype float64",
            ),
            (2, [V], (), ValueError, "initial_state has 1 arrays, expected 2"),
            (
                2,
                [V, V],
                (),
                ValueError,
                "initial_state[0] has shape (3,), expected (5, 2), a state",
            ),
            (3, F, (), TypeError, "mask has dtype float32, expected bool"),
            (3, B, (), ValueError, "mask has shape (3, 4), expected (5, 2), one value a step"),
            (2, None, ("tanh", "sigmoid", 3), ValueError, "directions is 3, expected 1 or 2"),
            (2, None, ("gelu",), ValueError, "activation"),
        ]
    ),
    *(
        ("rnn_backward", [*operands, *kept], ("lstm",), ValueError, "rnn_backward: " + message)
        for operands, kept, message in [
            ([F, None, *RNN[:2], None], RNN_KEPT, "dy is not what rnn returned: expected 1 arrays"),
            ([None, None, *RNN[:2], None], ([], RNN_KEPT[1]), "gates is not what rnn returned"),
            ([None, None, *RNN[:2], None], RNN_KEPT[::-1], "gates is not what rnn returned: exp"),
            ([None, [V], *RNN[:2], None], RNN_KEPT, "dlast has 1 arrays, expected 2"),
        ]
    ),
    *(
        (
            primitive,
            [*before, *ATTENTION[:i], x, *ATTENTION[i + 1 :]],
            (),
            error,
            f"{primitive}: {message}",
        )
        for primitive, before in (("attention", []), ("attention_backward", ATTENDED))
        for i, x, error, message in [
            (0, np.zeros((2, 3, 4, 6), np.int32), TypeError, "q has dtype int32"),
            (0, F, ValueError, "q has shape (3, 4), expected 4 axes"),
            (1, np.zeros((2, 5, 2, 6)), TypeError, "k has dtype float64 but q has float32"),
            (1, F, ValueError, "k has shape (3, 4), expected 4 axes"),
            (
                1,
                ATTENTION[1][:1],
                ValueError,
                "k has shape (1, 5, 2, 6), expected 2 on axis 0",
            ),
            (
                1,
                ATTENTION[2],
                ValueError,
                "k has shape (2, 5, 2, 7), expected 6 on axis 3",
            ),
            (2, np.zeros((2, 5, 2, 7)), TypeError, "v has dtype float64 but q has float32"),
            (2, ATTENTION[2][:, :4], ValueError, "v has shape (2, 4, 2, 7), expected 5 on axis 1"),
            (
                2,
                ATTENTION[2][:, :, :1],
                ValueError,
                "v has shape (2, 5, 1, 7), expected 2 on",
            ),
            (3, SIGNAL, TypeError, "mask has dtype float32, expected bool"),
            (3, B, ValueError, "mask has shape (3, 4), expected 4 axes"),
            (
                3,
                np.zeros((2, 4, 5, 3), bool),
                ValueError,
                "mask has shape (2, 4, 5, 3), which does not broadcast to (2, 4, 3, 5): batch, hea",
            ),
            (4, HALF, ValueError, "rate and "),
            (4, RATE, TypeError, "rate has dtype float64 but q has float32"),
            (5, STATE, ValueError, "rate and "),
        ]
    ),
    (
        "attention",
        [ATTENTION[0][:, :, :3], *ATTENTION[1:]],
        (),
        ValueError,
        "attention: q has 3 heads, expected a multiple of the 2 of k",
    ),
    ("attention", [*ATTENTION[:4], HALF, np.zeros(3, np.int64)], (), ValueError, "state has shape"),
    ("attention", [*ATTENTION[:4], -HALF, STATE], (), ValueError, "attention: rate is -0.5"),
    (
        "attention_backward",
        [*ATTENDED, *ATTENTION[:4], -HALF, STATE],
        (),
        ValueError,
        "attention_backward: rate is -0.5",
    ),
    *(
        (
            "attention_backward",
            [*ATTENDED[:i], x, *ATTENDED[i + 1 :], *ATTENTION],
            (),
            error,
            f"attention_backward: {message}",
        )
        for i, x, error, message in [
            (0, ATTENTION[0], ValueError, "dy has shape (2, 3, 4, 6), expected (2, 3, 4, 7)"),
            (0, ATTENDED[0].astype("float64"), TypeError, "dy has dtype float64 but q has float32"),
            (1, ATTENTION[2], ValueError, "y has shape (2, 5, 2, 7), expected (2, 3, 4, 7)"),
            (2, F, ValueError, "lse has shape (3, 4), expected (2, 4, 3)"),
        ]
    ),
    *(
        ("ctc_decode", [log_probs, lengths], attributes, error, "ctc_decode: " + message)
        for log_probs, lengths, attributes, error, message in [
            (I, LENGTHS, (5, 1, 0), TypeError, "inputs has dtype int32"),
            (F, LENGTHS, (5, 1, 0), ValueError, "inputs has shape (3, 4), expected 3"),
            (
                FRAMES,
                LENGTHS[:1],
                (5, 1, 0),
                ValueError,
                "sequence_lengths has shape (1,), exp",
            ),
            (
                FRAMES,
                LENGTHS * 2,
                (5, 1, 0),
                ValueError,
                "sequence_lengths is 10 for example 0",
            ),
            (FRAMES, LENGTHS, (0, 1, 0), ValueError, "beam_width is 0, expected 1 or more"),
            (FRAMES, LENGTHS, (5, 6, 0), ValueError, "top_paths is 6, expected 1 to beam_width, 5"),
            (FRAMES, LENGTHS, (5, 0, 0), ValueError, "top_paths is 0, expected 1 to beam_width, 5"),
            (FRAMES, LENGTHS, (5, 1, 4), ValueError, "mask_index is 4, expected one of 4 classes"),
            (
                FRAMES,
                LENGTHS,
                (2**62, 1, 0),
                OverflowError,
                "a beam_width of 4611686018427387904",
            ),
        ]
    ),
    ("random_uniform", [V], ((3,),), ValueError, "random_uniform: state has shape (3,)"),
    ("random_uniform", [STATE], ((3,), 1.0, 0.0), ValueError, "expected low <= high"),
    ("random_normal", [STATE], ((3,), 0.0, -1.0), ValueError, "expected finite numbers and std"),
    ("random_integers", [STATE], ((3,), 5, 5), ValueError, "no integer lies in [5, 5)"),
    ("random_integers", [STATE], ((3,), 0, 300, "uint8"), ValueError, "does not fit uint8"),
    ("random_permutation", [STATE], (-1,), ValueError, "random_permutation: negative extent"),
    ("dropout", [F, np.array(-0.5, "float32"), STATE], (), ValueError, "rate is -0.500000, exp"),
    ("dropout", [F, np.array(0.5), STATE], (), TypeError, "dropout: rate has dtype float64"),
    (
        "dropout",
        [F, np.array(0.5, "float32"), STATE],
        ("plain", (3, 3)),
        ValueError,
        "noise_shape (3, 3) does not broadcast to x with shape (3, 4)",
    ),
    ("dropout_backward", [F, F, np.array(0.5, "float32")], (), TypeError, "mask has dtype float32"),
    ("optimizer_step", [[F], [F], [F], *STEP], ("adam",), ValueError, "slots has 1 arrays"),
    ("optimizer_step", [[F], [F, D], [F], *STEP], ("adam",), TypeError, "slots[1] has shape"),
    ("optimizer_step", [[F], [], [F], *STEP], ("sgd",), ValueError, "hyper has shape (3,)"),
    ("optimizer_step", [[F], [], [F], *PLAIN, [V]], ("sgd",), ValueError, "rows[0] has shape (3,)"),
    ("optimizer_step", [[F], [], [F], *PLAIN, [ONE, ONE]], ("sgd",), ValueError, "rows has 2 arr"),
    ("optimizer_step", [[F], [], [D], *PLAIN, [ONE]], ("sgd",), TypeError, "gradients[0] has"),
    ("optimizer_step", [[F], [], [F], *PLAIN, [STATE]], ("sgd",), ValueError, "expected (2, 4)"),
    ("optimizer_step", [[V[0]], [], [V[0]], *PLAIN, [STATE]], ("sgd",), ValueError, "none if its"),
    (
        "optimizer_step",
        [[F], [], [F], *PLAIN, [ONE]],
        ("lamb",),
        ValueError,
        "rows go with neither",
    ),
    ("optimizer_step", [[F], [F] * 3, [F], *STEP], ("adafactor",), ValueError, "expected (3,) and"),
    *(
        ("optimizer_step", [[F], [], [F[:2]], *PLAIN, [np.array(rows)]], ("sgd",), IndexError, text)
        for rows, text in [
            ([1, 1], "rows[0] holds 1 at position 1, expected ascending numbers"),
            ([2, 1], "holds 1 at position 1"),
            ([0, 3], "holds 3 at position 1, expected ascending numbers of rows of parameters[0]"),
            ([-1, 0], "holds 0 at position 1"),
            ([-2, -1], "holds -2 at position 0"),
        ]
    ),
    (
        "optimizer_step",
        [[F], [], [F[:2]], RATE, np.zeros(0), ONE, None, None, [F], [STATE]],
        ("sgd",),
        ValueError,
        "rows go with neither averages nor accumulators",
    ),
    ("assign", [np.ones(3), np.ones(2)], (), ValueError, "x has shape (2,), expected y's (3,)"),
    ("accumulate", [np.array(0.0), np.ones(1), F], (), ValueError, "count has shape (1,)"),
    ("require_no_nan", [I], ("y_true",), TypeError, "require_no_nan: x has dtype int"),
    ("moments", [I], ((0,),), TypeError, "moments: x has dtype int32"),
    ("moments", [F], ((2,),), ValueError, "moments: axes name an axis beyond the 2 of x"),
    ("cumulative", [B], ("sum", 0), TypeError, "cumulative: x has dtype bool, expected a number"),
    ("cumulative", [F], ("sum", 2), ValueError, "cumulative: axis is 2 but there are 2 axes"),
    ("cumulative", [F], ("max", 0), ValueError, "op is 'max', expected one of sum, prod"),
    ("cumulative_prod_backward", [I, I, I], (0,), TypeError, "dy has dtype int32"),
    ("cumulative_prod_backward", [F, D, F], (0,), TypeError, "x has dtype float64 but dy has"),
    ("cumulative_prod_backward", [F, F, V], (0,), ValueError, "y has shape (3,)"),
    ("sort", [F], (-1,), ValueError, "sort: axis is -1 but there are 2 axes"),
    ("sort", [F], (1, False, 5), ValueError, "sort: count is 5, expected 0 to 4 (or -1: all), the"),
    ("sort", [F], (1, False, -2), ValueError, "sort: count is -2"),
    ("sort", [F], (1, False, -1, False, False), ValueError, "neither values nor indices are want"),
    ("searchsorted", [F, V], (), ValueError, "searchsorted: edges has shape (3, 4)"),
    ("searchsorted", [V, D], (), TypeError, "searchsorted: x has dtype float64 but edges has"),
    ("lerp_list", [[F], [], RATE], (), ValueError, "there are 0 xs, expected one for each of 1"),
    ("lerp_list", [[I], [I], RATE], (), TypeError, "lerp_list: averages[0] has dtype int32"),
    ("lerp_list", [[F], [D], RATE], (), TypeError, "xs[0] has dtype float64 but its average has"),
    ("lerp_list", [[F, V], [F, F], RATE], (), ValueError, "xs[1] has shape (3, 4) but its average"),
    ("lerp_list", [[F], [F], V], (), ValueError, "lerp_list: momentum has shape (3,)"),
    ("scale_list", [[I], np.array(2.0)], (), TypeError, "scale_list: xs[0] has dtype int32"),
    ("elementwise", [[F, D]], (0,), TypeError, "elementwise: xs[1] has dtype float64"),
    ("elementwise", [[I]], (0,), TypeError, "elementwise: xs[0] has dtype int32, expected float"),
    ("elementwise", [[]], (0,), ValueError, "elementwise: xs is an empty list"),
    ("elementwise", [[F, V]], (0,), ValueError, "elementwise: shapes (3, 4) and (3,)"),
    ("elementwise", [[F]], (0, 3), ValueError, "elementwise: outputs is 3, expected 1 to 2"),
    ("elementwise", [[F]], (0, 1, [0.0] * 17), ValueError, "constants: 17 values, expected at"),
]


@pytest.mark.parametrize(("backend", "index"), rows((i,) for i in range(len(ROWS))))
def test_refuses(backend, index):
    primitive, operands, attributes, exception, message = ROWS[index]
    with pytest.raises(exception, match=re.escape(message)):
        run(backend, primitive, operands, *attributes)


def test_every_primitive_refuses_something():
    assert {row[0] for row in ROWS} == set(_core.PRIMITIVES)


# A GPU writes what is right: tests/backends/jit_cuda/test_kernels.py.
OF_HOST = [label for label, backend in BACKENDS.items() if backend != "jit_cuda"]


@pytest.mark.parametrize("backend", rows([()], OF_HOST))
def test_nothing_is_written_when_values_are_refused(backend):
    y, updates = _core.from_numpy(np.ones(3)), _core.from_numpy(np.ones(2))
    indices = _core.from_numpy(np.array([0, 3]))
    with use_backend(backend), pytest.raises(IndexError):
        _core.scatter_add(y, updates, indices, 0)
    assert y.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("backend", "name"), rows((name,) for name in _core.PRIMITIVES if name != "arange")
)
def test_refuses_a_missing_operand(backend, name):
    with pytest.raises(TypeError, match=f"^{name}: .* is missing"):
        run(backend, name, [])
