"""Composed operations against Keras: values and dtypes, of floats, integers and booleans."""

import numpy as np
import pytest

from fastnn import ops

F = np.float32([3.5, 0.0, -2.0])
I = np.int32([3, 0, -2])  # noqa: E741
B = np.array([True, False, True])
N = np.float32([[np.nan, 1.0], [np.nan, np.nan]])
M = np.arange(12, dtype="float32").reshape(3, 4) / 7
IDS = np.int32([0, 2, 0])

UNARY = ("arcsinh", "cbrt", "exp2", "erfc", "sinc", "deg2rad", "fabs", "trunc", "signbit")
NAN = ("nanmax", "nansum", "nanmean", "nanprod", "nanstd")
CASES = {
    **{name: lambda m, name=name: [getattr(m, name)(x) for x in (F, I)] for name in UNARY},
    **{
        name: lambda m, name=name: [
            *(getattr(m, name)(N, axis=axis) for axis in (0, 1)),
            getattr(m, name)(I),
        ]
        for name in NAN
    },
    "pairs": lambda m: [
        getattr(m, name)(a, b)
        for name in ("logaddexp", "hypot", "heaviside", "fmax", "fmin", "isclose")
        for a, b in ((F, 2.5), (I, 2), (I, F))
    ],
    "remainders": lambda m: [m.fmod(I, 2), m.fmod(F, 1.5), m.gcd(I, 2), m.lcm(I, 2)],
    "bits": lambda m: [m.bitwise_not(I), m.bitwise_not(B), m.bitwise_left_shift(I, 2)],
    "differences": lambda m: [m.diff(I), m.diff(F), m.diff(B), m.trapezoid(I), m.ptp(I)],
    "correlate": lambda m: [m.correlate(F, F[:2], mode="same"), m.correlate(I, I[:2], mode="full")],
    "diagonals": lambda m: [m.trace(I[:, None] * I), m.trace(B[:, None] & B), m.diag(I, 1)],
    "products": lambda m: [m.kron(I, I), m.cross(F, F[::-1]), m.vander(F), m.cdist(M, M[::-1])],
    "stacked": lambda m: [m.append(I, F), m.hstack([I, F]), m.dstack([I, I]), m.vstack([F, I])],
    "pixels": lambda m: [
        m.depth_to_space(np.float32(range(16)).reshape(1, 1, 2, 8), 2),
        m.space_to_depth(np.float32(range(16)).reshape(1, 2, 4, 2), 2),
        m.depth_to_space(np.float32(range(16)).reshape(1, 8, 1, 2), 2, "channels_first"),
        m.space_to_depth(np.float32(range(16)).reshape(1, 2, 2, 4), 2, "channels_first"),
    ],
    "counts": lambda m: [
        m.bincount(np.int32([1, 1, 3])),
        m.bincount(np.int32([1, 1, 3]), weights=F, minlength=6),
        *m.histogram(F, bins=3),
        m.isin(I, np.int32([0, 5])),
    ],
    "segments": lambda m: (
        [
            getattr(m, f"segment_{name}")(x, IDS, num_segments=4)
            for name in ("sum", "max", "min", "prod")
            for x in (F, I)
        ]
        + [m.segment_sum(F, np.int32([0, 9, 1]), num_segments=3)]
    ),
    "scattered": lambda m: [
        m.scatter(np.int32([[0], [0], [2]]), F, (4,)),
        m.slice(M, (0, 1), (2, 2)),
        m.slice_update(M, (1, 1), -M[:2, :2]),
        *(
            m.scatter_update(M[0], np.int32([[0], [2], [1]]), F, reduction=how)
            for how in (None, "add", "max", "min", "mul")
        ),
    ],
    "select": lambda m: [m.select([I > 0, I < 0], [I, F], default=7), m.select([I > 0], [I])],
    "spaces": lambda m: [
        m.linspace(0, 1, 5, endpoint=False),
        m.linspace(F, F + 1, 3, axis=1),
        m.logspace(0, 2, 3),
        m.geomspace(1, 8, 4),
        m.logspace(0, 2, 3, dtype="int32"),
    ],
    "casts": lambda m: [m.saturate_cast(np.float32([300.7, -5]), "uint8"), m.view(F, "int32")],
    "top": lambda m: [m.in_top_k(np.int32([0, 1, 2]), M[:, :3] % 0.7, k=2), m.psnr(F, F + 1, 2.0)],
    "windows": lambda m: [
        m.bartlett(5),
        m.blackman(5),
        m.hamming(5),
        m.kaiser(5, 2.5),
    ],
    "sequences": lambda m: [
        m.extract_sequences(M, 3, 1),
        m.rot90(M, k=-1),
        m.corrcoef(M**2),
    ],
    "scans": lambda m: [
        *m.scan(lambda c, x: (c + x, c * x), np.float32(1), F),
        m.map(lambda x: x * 2, F),
        m.associative_scan(lambda a, b: a + b, F),
        m.vectorize(lambda a, b: a + b)(F, M[:, :3]),
    ],
    "algebra": lambda m: [
        m.inv(M[:, :3] + np.eye(3, dtype="float32")),
        m.det(M[:, :3] + np.eye(3, dtype="float32")),
        m.solve(M[:, :3] + np.eye(3, dtype="float32"), F),
        m.solve_triangular(M[:, :3] + np.eye(3, dtype="float32"), F[:, None], lower=True),
        m.cholesky(M @ M.T + np.eye(3, dtype="float32"), upper=True),
        m.pinv(M[:, :2]),
        m.lstsq(M[:, :2], F),
        m.svd(M, compute_uv=False),
        m.eigh(M @ M.T)[0],
        m.slogdet(-np.eye(3, dtype="float32"))[1],
    ],
}


@pytest.mark.jax
@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_against_keras(name):
    keras = pytest.importorskip("keras")
    for i, (found, wanted) in enumerate(zip(CASES[name](ops), CASES[name](keras.ops), strict=True)):
        wanted = np.asarray(wanted)
        assert found.shape == wanted.shape, i
        assert found.dtype == wanted.dtype.name, i
        # JAX computes in float32, some of it by way of other formulas.
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-6, err_msg=str(i))
