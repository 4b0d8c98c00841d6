"""Rows of the gradient check for operations that are composed of others or computed by NumPy."""

import numpy as np

from fastnn import ops

rng = np.random.default_rng(11)
X = rng.uniform(0.2, 0.9, (2, 3)) * np.where(rng.random((2, 3)) < 0.5, -1, 1)
Y = rng.uniform(0.2, 0.9, (2, 3)) * np.where(rng.random((2, 3)) < 0.5, -1, 1)
P = rng.uniform(0.3, 1.8, (2, 3))  # positive
WIDE = rng.uniform(-4, 4, (3, 4)) + 0.03
ROW = rng.uniform(0.3, 1.8, 3)
CUBE = rng.normal(size=(2, 3, 4))
IMAGES = rng.normal(size=(2, 2, 4, 2))
A, B = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
MASK = np.array([[True, False, True], [False, True, True]])
I = np.array([[1, 0, 1], [1, 1, 0]])  # noqa: E741


def weighted(pieces):
    """One tensor of a list, so that every piece counts differently."""
    return sum(ops.sum(piece * (i + 1.0)) for i, piece in enumerate(pieces))


SQUARE = rng.normal(size=(2, 3, 3)) + 3 * np.eye(3)
SYMMETRIC = SQUARE + SQUARE.transpose(0, 2, 1)
TALL = rng.normal(size=(4, 3))
HOLES = np.where(np.arange(24).reshape(2, 3, 4) % 5 == 1, np.nan, CUBE)
SEGMENTS = np.array([1, 0, 1])


def definite(x):
    return ops.matmul(x, ops.swapaxes(x, -1, -2)) + np.eye(3)


def without_holes(reduce):
    return lambda x: reduce(ops.where(np.isnan(HOLES), np.nan, x), 1)


def halved(x, y):
    return x * y, lambda gradient: (gradient * y, gradient * x)


ROWS = {
    "arcsinh": [(ops.arcsinh, X), (ops.arcsinh, np.array([0.0, 3e9]))],
    "arccosh": [(lambda x: ops.arccosh(x + 1.5), P), (ops.arccosh, np.array([3e9]))],
    "arctanh": [(ops.arctanh, X), (ops.arctanh, np.zeros(1))],
    "cbrt": [(ops.cbrt, X)],
    "exp2": [(ops.exp2, X)],
    "erfc": [(ops.erfc, X)],
    "sinc": [(ops.sinc, X), (ops.sinc, np.zeros(1))],
    "deg2rad": [(ops.deg2rad, X)],
    "rad2deg": [(ops.rad2deg, X)],
    "fabs": [(ops.fabs, X)],
    "logaddexp": [(ops.logaddexp, X, Y), (ops.logaddexp, X, ROW)],
    "logaddexp2": [(ops.logaddexp2, X, Y)],
    "hypot": [(ops.hypot, X, Y), (ops.hypot, X, ROW)],
    "heaviside": [(lambda h: ops.heaviside(np.array([-1.0, 0.0, 2.0]), h), ROW)],
    "fmax": [(ops.fmax, X, Y)],
    "fmin": [(ops.fmin, X, Y)],
    "fmod": [(ops.fmod, WIDE, WIDE[::-1] + 0.4)],
    "ldexp": [(lambda x: ops.ldexp(x, [3, -1, 0]), X)],
    "append": [(ops.append, X, P), (lambda a, b: ops.append(a, b, 0), X, P)],
    "vstack": [(lambda a, b: ops.vstack([a, b]), X, ROW)],
    "hstack": [(lambda a, b: ops.hstack([a, b]), X, P)],
    "dstack": [(lambda a, b: ops.dstack([a, b]), X, P)],
    "array_split": [(lambda x: weighted(ops.array_split(x, 3, 2)), CUBE)],
    "vsplit": [(lambda x: weighted(ops.vsplit(x, 2)), CUBE)],
    "hsplit": [(lambda x: weighted(ops.hsplit(x, [1])), CUBE)],
    "dsplit": [(lambda x: weighted(ops.dsplit(x, 2)), CUBE)],
    "fliplr": [(ops.fliplr, X)],
    "flipud": [(ops.flipud, X)],
    "rot90": [(lambda x, k=k: ops.rot90(x, k, (1, 2)), CUBE) for k in range(4)],
    "depth_to_space": [
        (lambda x: ops.depth_to_space(x, 2), CUBE[:, None]),
        (lambda x: ops.depth_to_space(x, 2, "channels_first"), CUBE.reshape(1, 4, 3, 2)),
    ],
    "space_to_depth": [
        (lambda x: ops.space_to_depth(x, 2), IMAGES),
        (lambda x: ops.space_to_depth(x, 2, "channels_first"), IMAGES.transpose(0, 3, 1, 2)),
    ],
    "diagonal": [(lambda x: ops.diagonal(x, 1, 2, 0), CUBE), (ops.diagonal, WIDE)],
    "trace": [(lambda x: ops.trace(x, -1, 1, 2), CUBE)],
    "diagflat": [(lambda x: ops.diagflat(x, -2), X)],
    "diag": [(ops.diag, ROW), (lambda x: ops.diag(x, 1), WIDE)],
    "vander": [(lambda x: ops.vander(x, 4), X[0]), (lambda x: ops.vander(x), np.array([0.0, 1.0]))],
    "kron": [(ops.kron, X, ROW), (ops.kron, CUBE, X)],
    "cross": [
        (ops.cross, X, Y),
        (lambda a, b: ops.cross(a, b, axis=0), TALL[:3], A[:, :3]),
        (ops.cross, X[:, :2], Y),
        (ops.cross, X[:, :2], Y[:, 1:]),
    ],
    "cdist": [(ops.cdist, X, WIDE[:, :3])],
    "corrcoef": [(lambda x: ops.corrcoef(x)[0, 1:], WIDE)],
    "diff": [(ops.diff, X), (lambda x: ops.diff(x, 2, 1), CUBE)],
    "trapezoid": [
        (lambda y: ops.trapezoid(y, dx=0.5, axis=1), CUBE),
        (ops.trapezoid, X, Y),
    ],
    "extract_sequences": [(lambda x: ops.extract_sequences(x, 3, 1), CUBE)],
    "correlate": [
        (lambda a, b, mode=mode: ops.correlate(a, b, mode), *pair)
        for mode in ("valid", "same", "full")
        for pair in ((WIDE[0], ROW), (ROW[:2], WIDE[0]))
    ],
    "psnr": [(lambda a, b: ops.psnr(a, b, 2.0), X, Y)],
    "nansum": [(without_holes(ops.nansum), CUBE)],
    "nanprod": [(without_holes(ops.nanprod), CUBE)],
    "nanmax": [(without_holes(ops.nanmax), CUBE)],
    "nanmin": [(without_holes(ops.nanmin), CUBE)],
    "nanmean": [(without_holes(ops.nanmean), CUBE)],
    "nanvar": [(without_holes(ops.nanvar), CUBE)],
    "nanstd": [(lambda x: ops.nanstd(ops.where(np.isnan(HOLES), np.nan, x)), CUBE)],
    "ptp": [(lambda x: ops.ptp(x, 1), CUBE)],
    "segment_sum": [(lambda x: ops.segment_sum(x, [2, 0, 2]), WIDE)],
    "segment_max": [(lambda x: ops.segment_max(x, SEGMENTS), WIDE)],
    "segment_min": [(lambda x: ops.segment_min(x, [1, -1, 1], 2)[1], WIDE)],
    "segment_prod": [
        (lambda x: ops.segment_prod(x, SEGMENTS), WIDE),
        (lambda x: ops.segment_prod(x, [0, 0, 1, 1, 1]), np.array([0.0, 3.0, 0.0, 0.0, 2.0])),
    ],
    "bincount": [(lambda w: ops.bincount([[0, 2, 2], [1, 1, 0]], w), X)],
    "scatter": [(lambda v: ops.scatter([[0], [3], [0]], v, (4, 4)), WIDE)],
    "scatter_update": [
        (lambda x, u, how=how: ops.scatter_update(x, [[0, 1], [1, 2], [0, 1]], u, how), X, ROW)
        for how in (None, "add", "max", "min", "mul")
    ],
    "slice": [(lambda x: ops.slice(x, (0, 1, 2), (2, 1, -1)), CUBE)],
    "slice_update": [(lambda x, u: ops.slice_update(x, (0, 1), u), X, P[:, :2])],
    "get_item": [(lambda x: ops.get_item(x, np.s_[:, 1:]), CUBE)],
    "select": [(lambda a, b: ops.select([MASK, I > 0], [a, b], 0.5), X, Y)],
    "cond": [(lambda x: ops.cond(True, lambda: x * x, lambda: x), X)],
    "switch": [(lambda x: ops.switch(1, [ops.exp, ops.sin], x), X)],
    "while_loop": [
        (lambda x: ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[1], X)
    ],
    "fori_loop": [(lambda x: ops.fori_loop(0, 3, lambda i, y: y * x, x), X)],
    "scan": [(lambda x: weighted(ops.scan(lambda c, v: (c * v, c + v), x[0], x)), X)],
    "map": [(lambda x: ops.map(ops.square, x), X)],
    "associative_scan": [(lambda x: ops.associative_scan(ops.multiply, x, axis=1), X)],
    "vectorize": [(ops.vectorize(ops.multiply), X, ROW)],
    "custom_gradient": [(ops.custom_gradient(halved), X, Y)],
    "inv": [(ops.inv, SQUARE)],
    "solve": [(ops.solve, SQUARE, CUBE[:, :, :2]), (ops.solve, SQUARE[0], ROW)],
    "solve_triangular": [
        (ops.solve_triangular, SQUARE, CUBE),
        (lambda a, b: ops.solve_triangular(a, b, lower=True), SQUARE[0], ROW),
    ],
    "pinv": [(ops.pinv, TALL), (ops.pinv, A)],
    "lstsq": [(ops.lstsq, TALL, B), (ops.lstsq, TALL, WIDE[0])],
    "det": [(ops.det, SQUARE)],
    "slogdet": [(lambda x: ops.slogdet(x)[1], SQUARE)],
    "logdet": [(lambda x: ops.logdet(definite(x)), SQUARE)],
    "cholesky": [
        (lambda x: ops.cholesky(definite(x)), SQUARE),
        (lambda x: ops.cholesky(definite(x), upper=True), SQUARE),
    ],
    "cholesky_inverse": [
        (ops.cholesky_inverse, SQUARE),
        (lambda x: ops.cholesky_inverse(x, upper=True), SQUARE),
    ],
    "qr": [(lambda x: weighted(ops.qr(x)), TALL), (lambda x: ops.qr(x)[0], SQUARE)],
    "eigh": [
        (lambda x: weighted(ops.eigh(x + ops.swapaxes(x, 1, 2))), SYMMETRIC),
        (lambda x: ops.eigh(x + ops.swapaxes(x, 1, 2))[1], SYMMETRIC),
    ],
    "svd": [(lambda x: ops.svd(x, compute_uv=False), TALL), (lambda x: ops.svd(x)[1], A)],
    "array": [(lambda x: ops.array(x), X)],
    "copy": [(ops.copy, X)],
}
ROWS["vectorized_map"] = ROWS["map"]
