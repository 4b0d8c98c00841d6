"""Edges at which fn.ops goes with NumPy 2, PyTorch and Keras 3."""

import numpy as np
import pytest

from fastnn import ops, tensor


@pytest.mark.parametrize("name", ["std", "nanstd"])
def test_what_does_not_vary_has_a_slope_of_zero(name):
    x = tensor(np.array([[1, 1, 1], [1, 2, 3]], np.float32), requires_grad=True)
    getattr(ops, name)(x, 1).sum().backward()
    expected = [[0, 0, 0], [-1 / np.sqrt(6), 0, 1 / np.sqrt(6)]]
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6, atol=1e-7)
    assert np.isnan(getattr(ops, name)(np.full(3, np.nan)).item())


def test_the_inverse_of_unique_has_the_shape_of_x():
    x = np.array([[3, 1, 2], [1, 3, 1]])
    values, inverse = ops.unique(x, return_inverse=True)
    np.testing.assert_array_equal(ops.take(values, inverse), x)
    values, inverse = ops.unique(x[[0, 1, 0]], return_inverse=True, axis=0)
    np.testing.assert_array_equal(ops.take(values, inverse, axis=0), x[[0, 1, 0]])


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 1), (3, 4)]),
        ("ij,ij->j", [(1, 3), (4, 3)]),
        ("ij,kj->", [(2, 5), (3, 1)]),
    ],
)
def test_summed_labels_of_extent_one(subscripts, shapes):
    a, b = (np.random.default_rng(i).random(shape) for i, shape in enumerate(shapes))
    found = ops.einsum(subscripts, a, b)
    np.testing.assert_allclose(found, np.einsum(subscripts, a, b), rtol=1e-12)


def test_powers_that_no_memory_holds():
    with pytest.raises(MemoryError):
        ops.vander(np.ones(3, np.float32), 2**40)


@pytest.mark.parametrize("name", ["hard_shrink", "soft_shrink"])
def test_shrinking_keeps_nan(name):
    found = getattr(ops, name)([np.nan, 0.5, -0.25, 2.0, -2.0]).numpy()
    far = {"hard_shrink": 2.0, "soft_shrink": 1.5}[name]
    np.testing.assert_array_equal(found, np.array([np.nan, 0, 0, far, -far], np.float32))


@pytest.mark.parametrize("name", ["triu", "tril"])
def test_triangles_of_any_diagonal(name):
    for shape in ((3, 5), (5, 3), (2, 4, 4), (0, 3)):
        x = np.arange(1, 1 + np.prod(shape), dtype="float32").reshape(shape)
        for k in (-(10**30), -6, -1, 0, 2, 6, 10**30):
            expected = getattr(np, name)(x, max(min(k, 100), -100))
            np.testing.assert_array_equal(getattr(ops, name)(x, k), expected)
    with pytest.raises(ValueError, match=rf"{name}: x has shape \(4,\), expected two axes"):
        getattr(ops, name)(np.ones(4, "float32"))
