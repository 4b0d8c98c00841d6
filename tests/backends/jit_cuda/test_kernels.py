"""Every launcher but those of layers, in Numba's simulator, against the reference."""

import numpy as np
import pytest

from fastnn.backends.jit_cuda import FUNCTIONS, status
from fastnn.backends.jit_cuda.arrays import Strided
from fastnn.backends.jit_cuda.cuda import cuda

from .cases import cases
from .harness import check, mapped

CASES = [*cases("float64"), *cases("float32")]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_launcher(case):
    check(case)


def tell(name, *operands, **attributes):
    """The launcher on host arrays; the error that the next read by the host raises, if any."""
    FUNCTIONS[name](*mapped(cuda.to_device, list(operands)), **attributes)
    status.check()


def test_an_index_out_of_range_adds_and_reads_nothing():
    y, index = cuda.to_device(np.ones((2, 3))), cuda.to_device(np.array([0, 5]))
    FUNCTIONS["scatter_add"](y, cuda.to_device(np.ones((2, 2))), index, axis=1)
    words = "scatter_add: index 5 at position 1 is out of range for axis 1 of extent 3"
    with pytest.raises(IndexError, match=words):
        status.check()
    np.testing.assert_array_equal(y.copy_to_host(), [[2, 1, 1], [2, 1, 1]])
    read = cuda.to_device(np.full(2, 9.0))
    FUNCTIONS["gather"](read, cuda.to_device(np.arange(3.0)), index, axis=0)
    with pytest.raises(IndexError, match="gather: index 5 at position 1"):
        status.check()
    np.testing.assert_array_equal(read.copy_to_host(), [0, 0])


def test_the_first_error_is_told_once():
    x, index = np.zeros((4, 2)), np.array([[7, 0]])
    out = np.zeros((1, 2, 2))
    FUNCTIONS["gather"](*mapped(cuda.to_device, [out, x, index]), axis=0, owner="embedding")
    FUNCTIONS["gather"](*mapped(cuda.to_device, [out, x, index + 1]), axis=0)
    words = r"embedding: id 7 at position \(0, 0\) is not in the vocabulary, expected 0 to 3"
    with pytest.raises(IndexError, match=words):
        status.check()
    status.check()


X = np.ones((2, 3))
SCALARS = np.array(0.1), np.zeros(1), np.array(0)  # rate, hyper, iterations
ERRORS = [
    (
        ("cross_entropy", np.zeros(2), X.copy(), X, np.array([1, 3]), None),
        {},
        (ValueError, "cross_entropy: label 3 at row 1 is out of range for 3 classes"),
    ),
    (
        ("require_no_nan", np.array([[1.0, 2.0], [np.nan, np.nan]])),
        {"what": "sample_weight"},
        (ValueError, r"loss: sample_weight holds NaN, first at index \(1, 0\)"),
    ),
    (
        ("dropout_backward", X.copy(), X, np.ones((2, 3), np.uint8), np.array(-0.5)),
        {},
        (ValueError, "dropout_backward: rate is -0.500000, expected at least 0"),
    ),
    (
        ("sum_rows", np.zeros(2, np.int64), X.copy(), X, np.array([0, -1])),
        {"extent": 4},
        (IndexError, "sum_rows: index -1 at position 1 is out of range for axis 0 of extent 4"),
    ),
    (
        ("gather_nd", np.zeros(2), X, np.array([[0, 0], [1, 3]])),
        {},
        (IndexError, "gather_nd: index 3 at position 3 is out of range for axis 1 of extent 3"),
    ),
    (
        ("gather_batch", [X.copy()], [X], np.array([0, 1]), np.array([1])),
        {"rows": 2},
        (IndexError, "gather_batch: 2 rows from position 1 are outside the permutation of 2 rows"),
    ),
    (
        ("gather_batch", [X.copy()], [X], np.array([0, 2]), np.array([0])),
        {"rows": 2},
        (IndexError, "gather_batch: row 2 at position 1 is out of range for arrays of 2 rows"),
    ),
    (
        ("optimizer_step", [X.copy()], [], [X], *SCALARS, *[None] * 4, [np.array([1, 1])]),
        {"rule": "sgd"},
        (IndexError, r"rows\[0\] holds 1 at position 1, expected ascending numbers of rows"),
    ),
]


@pytest.mark.parametrize(
    ("call", "attributes", "error"), ERRORS, ids=[call[0] for call, *_ in ERRORS]
)
def test_errors_have_the_words_of_the_reference(call, attributes, error):
    kind, words = error
    with pytest.raises(kind, match=words):
        tell(*call, **attributes)


def test_a_sum_has_the_same_bits_every_time():
    x = cuda.to_device(np.random.default_rng(3).normal(size=(2, 300)).astype(np.float32))
    found = set()
    for _ in range(3):
        y = cuda.to_device(np.zeros((), np.float32))
        FUNCTIONS["reduce"](y, x, op="sum", axes=(0, 1))
        found.add(y.copy_to_host().tobytes())
    assert len(found) == 1


def test_copy_reads_through_strides():
    base = np.arange(12.0)
    y = cuda.to_device(np.zeros((2, 3), np.float32))
    x = Strided(cuda.to_device(base), 11, (2, 3), (-6, 0))
    FUNCTIONS["copy"](y, x, dtype="float32", scale=2.0)
    np.testing.assert_array_equal(y.copy_to_host(), [[22, 22, 22], [10, 10, 10]])
