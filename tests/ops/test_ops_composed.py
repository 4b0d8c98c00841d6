"""Operations composed of others against NumPy and Python's math, and at their edges."""

import math

import numpy as np
import pytest

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(12)
X = rng.uniform(-0.95, 0.95, (3, 4))
Y = rng.uniform(-0.95, 0.95, (3, 4))
CUBE = rng.normal(size=(2, 3, 4))
WIDE = rng.uniform(-6, 6, (3, 4))
EDGES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-300, -1e300, 1.0, -1.0])
HOLES = np.where(np.arange(24).reshape(2, 3, 4) % 5 == 1, np.nan, CUBE)
INTEGERS = rng.integers(-9, 9, (3, 4))
inf, nan = math.inf, math.nan


def elementwise(function):
    return np.vectorize(function, otypes=[np.float64])


FUNCTIONS = {
    "arcsinh": (np.arcsinh, WIDE, EDGES, np.array([1e-9, 3e200, -1e8, 1e8])),
    "arccosh": (np.arccosh, 1 + abs(WIDE), EDGES, np.array([1 + 1e-12, 3e200, -3.0])),
    "arctanh": (np.arctanh, X, EDGES, np.array([1e-9, 1 - 1e-12, -1 + 1e-12, 1.5])),
    "cbrt": (np.cbrt, WIDE, EDGES),
    "exp2": (np.exp2, WIDE, EDGES),
    "erfc": (elementwise(math.erfc), WIDE, EDGES, np.array([9.0, 26.0])),
    "sinc": (np.sinc, WIDE, EDGES[3:]),
    "deg2rad": (np.deg2rad, WIDE, EDGES),
    "rad2deg": (np.rad2deg, WIDE, EDGES[:6]),
    "fabs": (np.fabs, WIDE, EDGES),
    "trunc": (np.trunc, WIDE, EDGES),
    "signbit": (np.signbit, WIDE, EDGES),
    "isposinf": (np.isposinf, EDGES),
    "isneginf": (np.isneginf, EDGES),
}
# Finite numbers whose products overflow, equal infinities, zeros of both signs.
FIRST = np.array([1.5, 3e200, inf, inf, -inf, 0.0, -0.0, nan, 2.0, -7.5, 7.5])
SECOND = np.array([-2.5, 4e200, inf, -inf, -inf, 0.0, 3.0, 1.0, nan, 2.0, -2.0])
PAIRS = {
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "hypot": np.hypot,
    "heaviside": np.heaviside,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "fmod": np.fmod,
    "nextafter": np.nextafter,
    "isclose": np.isclose,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    expected, *inputs = FUNCTIONS[name]
    for x in inputs:
        with np.errstate(all="ignore"):
            wanted = expected(x)
        # A few roundings of double arithmetic.
        np.testing.assert_allclose(getattr(ops, name)(x), wanted, rtol=2e-15, atol=0)


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name):
    for a, b in ((WIDE, X), (WIDE, X[0]), (FIRST, SECOND)):
        with np.errstate(all="ignore"):
            wanted = PAIRS[name](a, b)
        found = getattr(ops, name)(a, b).numpy()
        np.testing.assert_allclose(found, wanted, rtol=4e-15, atol=1e-15)


def test_ldexp():
    x, n = np.array([0.75, -3.0, 1e-300, 5e-324]), np.array([4, -2, 2000, 2090])
    np.testing.assert_array_equal(ops.ldexp(x, n), np.ldexp(x, n))
    with pytest.raises(TypeError, match="ldexp: x2 must be integers, got float32"):
        ops.ldexp(x, 1.5)


def test_integers():
    a, b = INTEGERS, INTEGERS[::-1] + 3
    for name in ("gcd", "lcm", "fmod"):
        found = getattr(ops, name)(a, np.where(b, b, 1))
        np.testing.assert_array_equal(found, getattr(np, name)(a, np.where(b, b, 1)))
        assert found.dtype == "int64"
    for x in (INTEGERS, np.array([0, 255, 7], np.uint8), X > 0):
        np.testing.assert_array_equal(ops.bitwise_not(x), np.bitwise_not(x))
        assert ops.bitwise_invert(x).dtype == x.dtype.name
        np.testing.assert_array_equal(~fn.tensor(x), ~x)
    np.testing.assert_array_equal(ops.trunc(INTEGERS), INTEGERS)
    np.testing.assert_array_equal(ops.signbit(INTEGERS), INTEGERS < 0)
    with pytest.raises(TypeError, match="gcd: x1 and x2 must be integers, got float32"):
        ops.gcd(4, 2.0)
    with pytest.raises(TypeError, match="bitwise_not: x must be integers"):
        ops.bitwise_not(X)


def test_close():
    assert bool(ops.allclose(X, X + 1e-9)) and not bool(ops.allclose(X, X + 1e-3))
    assert not bool(ops.allclose(EDGES, EDGES)) and bool(ops.allclose(EDGES, EDGES, equal_nan=True))
    assert ops.isclose([1.0], [1.1], atol=0.2).tolist() == [True]


def test_numpys_functions_find_them():
    x = fn.tensor(X, requires_grad=True)
    assert np.arcsinh(x).requires_grad and np.logaddexp(x, 1.0).requires_grad


# ---- one call on ops and on np -------------------------------------------------------------------

BOTH = {
    "append": lambda m: m.append(X, INTEGERS),
    "append axis": lambda m: m.append(X, Y, 1),
    "vstack": lambda m: m.vstack([X, Y[0]]),
    "hstack": lambda m: m.hstack([X, Y[:, :1]]),
    "hstack vectors": lambda m: m.hstack([X[0], 1.0]),
    "dstack": lambda m: m.dstack([X, Y]),
    "dstack vectors": lambda m: m.dstack([X[0], Y[0]]),
    "array_split": lambda m: m.stack([p[:, :, :1] for p in m.array_split(CUBE, 3, 2)]),
    "array_split sizes": lambda m: m.concatenate(m.array_split(np.arange(11), 4)[::-1]),
    "array_split places": lambda m: m.array_split(X, [1], 1)[1],
    "vsplit": lambda m: m.vsplit(CUBE, 2)[1],
    "hsplit": lambda m: m.hsplit(CUBE, [1, 2])[1],
    "hsplit vector": lambda m: m.hsplit(X[0], 2)[1],
    "dsplit": lambda m: m.dsplit(CUBE, 2)[1],
    "fliplr": lambda m: m.fliplr(X),
    "flipud": lambda m: m.flipud(X),
    **{f"rot90 {k}": lambda m, k=k: m.rot90(CUBE, k, (2, 0)) for k in range(-1, 5)},
    **{f"diagonal {k}": lambda m, k=k: m.diagonal(CUBE, k, 2, 0) for k in (-9, -2, -1, 0, 1, 9)},
    **{f"diag {k}": lambda m, k=k: m.diag(X[0], k) for k in (-2, 0, 1)},
    "diag of a matrix": lambda m: m.diag(X, 1),
    "diagflat": lambda m: m.diagflat(X, -1),
    "trace": lambda m: m.trace(CUBE, 1, 1, 2),
    "tri": lambda m: m.tri(3, 5, 1),
    "vander": lambda m: m.vander(X[0], 3),
    "vander increasing": lambda m: m.vander(INTEGERS[0], increasing=True),
    "kron": lambda m: m.kron(X, Y[:2, :2]),
    "kron ranks": lambda m: m.kron(CUBE, X[0]),
    "cross": lambda m: m.cross(CUBE, CUBE[::-1], axis=1),
    "cross axes": lambda m: m.cross(CUBE[0].T, CUBE[1], axisa=1, axisb=0, axisc=0),
    "corrcoef": lambda m: m.corrcoef(X),
    "corrcoef vector": lambda m: m.corrcoef(X[0]),
    "diff": lambda m: m.diff(CUBE),
    "diff twice": lambda m: m.diff(CUBE, 2, 1),
    "diff never": lambda m: m.diff(X, 0),
    "diff booleans": lambda m: m.diff(X > 0),
    "average": lambda m: m.average(X, 1, [1.0, 2.0, 3.0, 4.0]),
    **{
        f"correlate {mode} {a.size} {b.size}": lambda m, a=a, b=b, mode=mode: m.correlate(
            a, b, mode
        )
        for mode in ("valid", "same", "full")
        for a in (X[0], X[0, :3])
        for b in (Y[1], Y[1, :1], np.arange(5.0), Y[1, :2])
    },
    "nansum": lambda m: m.nansum(HOLES, 1),
    "nanprod": lambda m: m.nanprod(HOLES, (0, 2), keepdims=True),
    "nanmax": lambda m: m.nanmax(HOLES, -1),
    "nanmin": lambda m: m.nanmin(HOLES),
    "nanmean": lambda m: m.nanmean(HOLES, 2),
    "nanvar": lambda m: m.nanvar(HOLES, (0, 1)),
    "nanstd": lambda m: m.nanstd(HOLES, 0, keepdims=True),
    "nanargmax": lambda m: m.nanargmax(HOLES, 1),
    "nanargmin": lambda m: m.nanargmin(HOLES),
    "nanargmax integers": lambda m: m.nanargmax(INTEGERS, 0),
    "ptp": lambda m: m.ptp(CUBE, (0, 2)),
    "bincount": lambda m: m.bincount(abs(INTEGERS[0]), minlength=12),
    "bincount weights": lambda m: m.bincount(abs(INTEGERS[0]), X[0]),
    "bincount empty": lambda m: m.bincount(np.zeros(0, int)),
    "histogram": lambda m: m.histogram(X, 5)[0],
    "histogram edges": lambda m: m.histogram(X, 4, (-0.5, 0.5))[1],
    "digitize": lambda m: m.digitize(WIDE, np.array([-2.0, 0.0, 3.0])),
    "digitize edges": lambda m: m.digitize(np.array([1, 2, 3]), np.array([1, 3])),
    "isin": lambda m: m.isin(INTEGERS, [3, -1, 20]),
    "isin invert": lambda m: m.isin(INTEGERS, [3, -1, 20], invert=True),
    "nonzero": lambda m: m.stack(m.nonzero(X > 0)),
    "unique": lambda m: m.unique(INTEGERS),
    "unique axis": lambda m: m.unique(np.array([[1, 2], [1, 2], [0, 1]]), axis=0),
    "unravel_index": lambda m: m.stack(m.unravel_index(np.array([[3, 11], [0, 7]]), (3, 4))),
    "select": lambda m: m.select([X > 0.5, X < 0], [X, Y], 7.0),
    "linspace": lambda m: m.linspace(X[0], Y[0], 5, endpoint=False, axis=1),
    "linspace step": lambda m: m.linspace(0, 2, 5, retstep=True)[1],
    "logspace": lambda m: m.logspace(-1, 2, 4, base=2.0),
    "geomspace": lambda m: m.geomspace(1, 1000, 4),
    "bartlett": lambda m: m.bartlett(7),
    "blackman": lambda m: m.blackman(7),
    "hamming": lambda m: m.hamming(7),
    "hanning": lambda m: m.hanning(7),
    "kaiser": lambda m: m.kaiser(7, 3.5),
    "array": lambda m: m.array([[1.5, 2.0]]),
    "empty_like": lambda m: m.zeros_like(m.empty_like(X)),
    "copy": lambda m: m.copy(X),
    "size": lambda m: m.array([m.size(CUBE), m.ndim(CUBE)]),
}


@pytest.mark.parametrize("name", BOTH)
def test_against_numpy(name):
    found, wanted = BOTH[name](ops), np.asarray(BOTH[name](np))
    assert found.shape == wanted.shape
    single = found.dtype == "float32"
    np.testing.assert_allclose(found, wanted, rtol=1e-6 if single else 1e-13, atol=1e-15)


def test_nothing_but_nan():
    x = np.array([[nan, nan], [1.0, nan]])
    for name in ("nanmax", "nanmin", "nanmean", "nanvar", "nanstd"):
        found = getattr(ops, name)(x, 1).numpy()
        assert np.isnan(found[0]) and not np.isnan(found[1])
    assert ops.nansum(x, 1).tolist() == [0.0, 1.0] and ops.nanprod(x, 1).tolist() == [1.0, 1.0]
    assert ops.nanargmax(x, 1).tolist() == [-1, 0] == ops.nanargmin(x, 1).tolist()


def test_distances_and_vectors():
    x, y = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4))
    wanted = [[[np.linalg.norm(a - b) for b in q] for a in p] for p, q in zip(x, y)]
    np.testing.assert_allclose(ops.cdist(x, y), wanted, rtol=1e-14)
    flat = ops.cross([1.0, 2.0], [3.0, 4.0])
    assert flat.shape == () and flat.item() == -2.0
    np.testing.assert_allclose(
        ops.cross(X[:, :2], Y[:, :3]), np.cross(np.pad(X[:, :2], ((0, 0), (0, 1))), Y[:, :3])
    )


def test_trapezoid():
    t = np.linspace(0, 2, 201)
    # The rule's error is dx ** 2 / 12 times the difference of slopes at the ends.
    error = 0.01**2 / 12 * (math.cos(2) - 1)
    for found in (ops.trapezoid(np.sin(t), t), ops.trapezoid(np.sin(t)[:, None], dx=0.01, axis=0)):
        np.testing.assert_allclose(found.numpy().item(), 1 - math.cos(2) + error, rtol=1e-9)
    np.testing.assert_allclose(
        ops.trapezoid(CUBE, np.cumsum(abs(CUBE), 1), axis=1).numpy()[1, 2],
        sum((CUBE[1, i, 2] + CUBE[1, i + 1, 2]) / 2 * abs(CUBE[1, i + 1, 2]) for i in range(2)),
    )


def test_sequences_and_signals():
    pieces = ops.extract_sequences(CUBE, 2, 2)
    assert pieces.shape == (2, 3, 2, 2)
    np.testing.assert_array_equal(pieces, CUBE.reshape(2, 3, 2, 2))
    assert ops.extract_sequences(np.arange(6), 4, 5).tolist() == [[0, 1, 2, 3]]
    assert round(ops.psnr([1.0, 3.0], [2.0, 2.0], 10.0).item(), 4) == 20.0


def test_blocks_of_pixels():
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    deep = ops.space_to_depth(x, 2)
    assert deep.shape == (2, 2, 3, 12)
    # Pixel (row, column) of a block comes before the next column, that before the next row.
    np.testing.assert_array_equal(deep[1, 1, 2, 9:], x[1, 3, 5])
    np.testing.assert_array_equal(deep[1, 1, 2, 3:6], x[1, 2, 5])
    np.testing.assert_array_equal(ops.depth_to_space(deep, 2), x)
    # With channels first those of a block are neighbours.
    first = ops.space_to_depth(x.transpose(0, 3, 1, 2), 2, "channels_first")
    blocks = deep.numpy().reshape(2, 2, 3, 4, 3).transpose(0, 4, 3, 1, 2)
    np.testing.assert_array_equal(first, blocks.reshape(2, 12, 2, 3))
    back = ops.depth_to_space(first, 2, "channels_first")
    np.testing.assert_array_equal(back, x.transpose(0, 3, 1, 2))


def test_conversion():
    x = np.array([300.7, -5.0, nan, inf, -inf, 254.9])
    assert ops.saturate_cast(x, "uint8").tolist() == [255, 0, 0, 255, 0, 254]
    wide = ops.saturate_cast(np.float32([3e9, -3e9, 7.0]), "int32")
    assert wide.tolist() == [2**31 - 1, -(2**31), 7]
    assert ops.saturate_cast(np.array([-1, 2**40]), "int32").tolist() == [-1, 2**31 - 1]
    assert ops.saturate_cast(np.array([1e300, nan]), "float32").numpy()[0] == np.float32(
        3.4028235e38
    )
    assert ops.saturate_cast(np.array([True, False]), "uint8").tolist() == [1, 0]
    assert ops.view(np.array([1.0, -2.0]), "float32").shape == (4,)
    np.testing.assert_array_equal(ops.view(ops.view(X, "int64"), "float64"), X)
    with pytest.raises(ValueError, match="view: x of float32"):
        ops.view(np.float32([1.0, 2.0, 3.0]), "float64")
    assert ops.dtype(np.float64([1])) == "float64"
    variable = fn.Variable([1.0])
    assert type(ops.copy(variable)) is fn.Tensor


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.vstack(fn.tensor(X)), TypeError, "vstack: xs must be a list of tensors"),
        (lambda: ops.array_split(X, 0), ValueError, "array_split: the number of parts"),
        (lambda: ops.dsplit(X, 2), ValueError, r"dsplit: x has shape \(3, 4\), expected 3 axes"),
        (lambda: ops.rot90(X, 1, (0, 0)), ValueError, "rot90: axes must be different"),
        (lambda: ops.depth_to_space(X, 2), ValueError, "depth_to_space: x has shape"),
        (lambda: ops.depth_to_space(CUBE[None], 2, "rows"), ValueError, "data_format is 'rows'"),
        (lambda: ops.space_to_depth(CUBE[None], 2), ValueError, "images of 2 by 3 have no whole"),
        (lambda: ops.depth_to_space(CUBE[None], 3), ValueError, "4 channels are no multiple"),
        (lambda: ops.diagonal(X[0]), ValueError, "diagonal: x has shape"),
        (lambda: ops.diagonal(X, 0, 1, 1), ValueError, "axis1 and axis2 are both 1"),
        (lambda: ops.diag(CUBE), ValueError, "diag: x has shape"),
        (lambda: ops.vander(X), ValueError, "vander: x has shape"),
        (lambda: ops.vander(X[0], -1), ValueError, "vander: N must not be negative"),
        (lambda: ops.cross(X, Y), ValueError, "cross: x1 has vectors of 4 elements"),
        (lambda: ops.cdist(X, Y[:, :2]), ValueError, "cdist: x has shape"),
        (lambda: ops.corrcoef(CUBE), ValueError, "corrcoef: x has shape"),
        (lambda: ops.diff(X, -1), ValueError, "diff: n must not be negative"),
        (lambda: ops.extract_sequences(X, 5, 1), ValueError, "whose last axis has no 5"),
        (lambda: ops.extract_sequences(X, 2, 0), ValueError, "must be positive, got 2 and 0"),
        (lambda: ops.correlate(X, Y), ValueError, "correlate: x1 has shape"),
        (lambda: ops.correlate(X[0], Y[0], "all"), ValueError, "correlate: mode is 'all'"),
        (lambda: ops.psnr(X, Y[0], 1.0), ValueError, "psnr: x1 has shape"),
        (lambda: ops.bincount([-1]), ValueError, "bincount: x holds -1"),
        (lambda: ops.bincount([1], [1.0, 2.0]), ValueError, "bincount: weights have shape"),
        (lambda: ops.histogram(EDGES), ValueError, "histogram: x: "),
        (lambda: ops.histogram(X, 0), ValueError, "histogram: bins must be positive"),
        (lambda: ops.logspace(0, 1, -1), ValueError, "logspace: num must not be negative"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
