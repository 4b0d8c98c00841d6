"""Directions and projections against formulas of their own."""

import numpy as np
import pytest

import fastnn as fn
from fastnn import layers
from fastnn.plots.planes import plane_of_weights, principal_plane, random_plane

RNG = np.random.default_rng(0)


def variables():
    fn.utils.set_random_seed(0)
    model = fn.Sequential([fn.Input((6, 6, 2)), layers.Conv2D(3, 2), layers.Flatten()])
    model.add(layers.Dense(4))
    return model.trainable_variables


def split(vector, weights):
    parts = np.split(vector, np.cumsum([w.size for w in weights])[:-1])
    return [part.reshape(w.shape) for part, w in zip(parts, weights)]


def test_random_directions_are_normalised_filter_by_filter():
    weights = variables()
    plane = random_plane(weights, seed=3)
    for direction in plane.directions:
        kernel, bias, dense, last = split(direction, weights)
        for part, weight in ((kernel, weights[0].numpy()), (dense, weights[2].numpy())):
            for unit in range(part.shape[-1]):
                length = np.linalg.norm(weight[..., unit].astype("f8"))
                np.testing.assert_allclose(np.linalg.norm(part[..., unit]), length, rtol=1e-12)
        assert not bias.any() and not last.any()
    first, second = plane.directions
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert abs(cosine) < 0.25  # of some 320 random numbers: a standard deviation is 0.06
    np.testing.assert_array_equal(random_plane(weights, seed=3).directions, plane.directions)
    assert (random_plane(weights, seed=4).directions != plane.directions).any()


def test_principal_directions_are_eigenvectors_of_the_covariance():
    weights = variables()[2:]
    size = sum(w.size for w in weights)
    steps = np.linspace(0, 3, 12)[:, None]
    path = np.concatenate([np.cos(steps), steps, 0.1 * np.sin(9 * steps)], axis=1)
    path = path @ RNG.standard_normal((3, size)) + RNG.standard_normal(size)
    plane = principal_plane(weights, path)
    values, vectors = np.linalg.eigh(np.cov(path.T))
    for i, direction in enumerate(plane.directions):
        np.testing.assert_allclose(abs(direction @ vectors[:, -1 - i]), 1, rtol=1e-9)
        share = f"({values[-1 - i] / values.sum():.0%} of the path)"
        assert plane.labels[i].endswith(share)
    assert (plane.project(path)[0] <= 0).all()  # the start, lower left


def test_projection_is_the_nearest_point():
    """Of random directions, which are not at right angles: by the normal equations."""
    weights = variables()
    plane = random_plane(weights, seed=0)
    inside = [(0.5, -2.0), (0.0, 0.0), (3.0, 1.0)]
    points = plane.origin + np.array(inside) @ plane.directions
    np.testing.assert_allclose(plane.project(points), inside, atol=1e-12)
    away = points + RNG.standard_normal(points.shape)
    d = plane.directions
    expected = np.linalg.solve(d @ d.T, d @ (away - plane.origin).T).T
    np.testing.assert_allclose(plane.project(away), expected, rtol=1e-9)


def test_single_weights_have_their_values_as_coordinates():
    weights = variables()
    plane = plane_of_weights(weights, [(weights[2], (5, -1)), (weights[1], 2)])
    kernel, _, dense, _ = split(plane.directions[0], weights)
    assert dense[5, 3] == 1 and plane.directions.sum() == 2 and not kernel.any()
    assert split(plane.directions[1], weights)[1][2] == 1
    assert plane.center == (weights[2].numpy()[5, 3], weights[1].numpy()[2])
    moved = np.array([plane.origin])
    np.testing.assert_allclose(plane.project(moved), [plane.center])


def test_bad_input():
    weights = variables()
    kernel, other = weights[0], fn.Variable([1.0], name="other")
    for chosen, message in (
        ([(kernel, (0, 0, 0, 0)), (other, 0)], "other is no trainable weight"),
        ([(kernel, (0, 0, 0, 0)), (kernel, (0, 0, 0, 0))], "was given twice"),
        ([(kernel, (9, 0, 0, 0)), (kernel, (0, 0, 0, 0))], "out of bounds"),
        ([(kernel, (0, 0)), (kernel, (0, 0, 0, 0))], "is not a single weight"),
        ([kernel, (kernel, 0)], r"two pairs \(variable, index\)"),
    ):
        with pytest.raises(ValueError, match=f"loss_surface: directions.*{message}"):
            plane_of_weights(weights, chosen)
    straight = np.outer(range(5), RNG.standard_normal(sum(w.size for w in weights)))
    for path in (straight, straight[:1], straight[:2]):
        with pytest.raises(ValueError, match="path that is not a straight line"):
            principal_plane(weights, path)
    with pytest.raises(ValueError, match="not all zero"):
        random_plane([fn.Variable(np.zeros((2, 2)))], 0)
