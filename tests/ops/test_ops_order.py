"""Running sums, sorting, quantiles, reductions without NaN: against NumPy, bits, messages."""

import warnings

import numpy as np
import pytest
from same_bits import on_targets, same_for_threads

import fastnn as fn
from fastnn import ops

rng = np.random.default_rng(3)
NAN = float("nan")
CUBE = rng.normal(size=(4, 5, 6))
HOLES = np.where(rng.random((4, 5, 6)) < 0.3, NAN, CUBE)
HOLES[1, 2] = NAN  # a row without a number
WHOLE = rng.integers(-5, 9, (4, 5, 6)).astype("int32")
AXES = [None, 0, 1, -1]


def same(result, expected, tolerance=1e-12):
    result = np.asarray(result)
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


# ---- running sums and products -------------------------------------------------------------------


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("x", [CUBE, WHOLE], ids=["float", "int"])
def test_running_sums_and_products(x, axis):
    same(ops.cumsum(x, axis), np.cumsum(x, axis))
    same(ops.cumprod(x, axis), np.cumprod(x, axis, dtype=x.dtype))
    turned = np.flip(x.reshape(-1) if axis is None else x, axis or 0)
    expected = np.flip(np.cumsum(turned, axis or 0), axis or 0)
    same(ops.cumsum(x, axis, reverse=True), expected)


def test_running_sums_have_a_dtype():
    assert ops.cumsum([True, True]).dtype == "int32"
    assert ops.cumsum(np.ones(300, "uint8")).tolist()[-1] == 300
    assert ops.cumsum([1, 2], dtype="float64").dtype == "float64"
    assert ops.cumsum(np.ones(2, "float32"), dtype="int64").dtype == "int64"
    assert ops.cumsum(fn.tensor(2.0)).tolist() == [2.0]
    with pytest.raises(ValueError, match="cumsum: axis 1 is outside"):
        ops.cumsum([1.0], axis=1)


def test_a_running_sum_of_what_is_positive_never_falls():
    x = rng.random((3, 50_000)).astype("float32") ** 8
    y = np.asarray(ops.cumsum(x, 1))
    assert (np.diff(y, axis=1) >= 0).all()
    np.testing.assert_allclose(y, np.cumsum(x, 1, dtype="float64"), rtol=3e-6)


# ---- order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("x", [CUBE, WHOLE, HOLES, WHOLE > 2], ids=["float", "int", "nan", "bool"])
def test_sort_and_argsort(x, axis):
    same(ops.sort(x, axis), np.sort(x, axis))
    same(ops.argsort(x, axis), np.argsort(x, axis, kind="stable"))
    falling = np.asarray(ops.argsort(x, axis, descending=True))
    source = x.reshape(-1) if axis is None else x
    same(ops.sort(x, axis, descending=True), np.take_along_axis(source, falling, axis or 0))
    # NaN counts as the largest, so that it comes first.
    same(ops.sort(x, axis, descending=True), np.flip(np.sort(x, axis), axis or 0))


def test_sort_of_views_and_of_no_axes():
    x = rng.normal(size=(20, 30))
    for view in (x.T, x[::2, ::-3], x[:, 4]):
        same(ops.sort(view), np.sort(view))
        same(ops.cumsum(view, -1), np.cumsum(view, -1))
    assert ops.sort(np.ones((0, 3))).shape == (0, 3)
    assert ops.sort(3.0, axis=None).tolist() == [3.0]
    with pytest.raises(ValueError, match="sort: axis -1 is outside a tensor of 0 axes"):
        ops.sort(3.0)


def test_equal_elements_keep_their_order():
    x = np.repeat([2.0, 1.0, 2.0, 1.0], 50)
    same(ops.argsort(x, descending=True), np.argsort(-x, kind="stable"))
    values, places = ops.top_k(x, 70)
    same(values, [2.0] * 70)
    same(places, [*range(50), *range(100, 120)])


@pytest.mark.parametrize("k", [0, 1, 3, 30])
def test_top_k(k):
    x = rng.normal(size=(7, 2, 30))
    values, places = ops.top_k(x, k)
    same(values, np.sort(x, -1)[..., ::-1][..., :k])
    same(np.take_along_axis(x, np.asarray(places), -1), np.asarray(values))
    assert places.dtype == "int64"


def test_top_k_refuses():
    with pytest.raises(ValueError, match=r"top_k: k is 4, expected 0 to 3.*shape \(2, 3\)"):
        ops.top_k(np.ones((2, 3)), 4)
    with pytest.raises(ValueError, match="top_k: k is -1"):
        ops.top_k(np.ones(3), -1)
    with pytest.raises(TypeError):
        ops.top_k(np.ones(3), 1.5)


def test_in_top_k():
    scores = np.array([[0.1, 0.9, 0.8], [0.5, 0.5, 0.5], [NAN, 0.1, 0.2]])
    assert ops.in_top_k([2, 2, 0], scores, 1).tolist() == [False, True, False]
    assert ops.in_top_k([2, 2, 1], scores, 2).tolist() == [True, True, True]
    assert ops.in_top_k([[1]], scores[None, :1], 1).tolist() == [[True]]
    with pytest.raises(ValueError, match=r"in_top_k: targets have shape \(2,\), expected"):
        ops.in_top_k([0, 1], scores, 1)
    with pytest.raises(IndexError):
        ops.in_top_k([0, 1, 3], scores, 1)
    with pytest.raises(TypeError, match="in_top_k: targets must be integers"):
        ops.in_top_k([0.5, 1, 2], scores, 1)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side):
    edges = np.sort(rng.integers(0, 40, 20))
    x = rng.integers(-3, 45, (5, 9))
    same(ops.searchsorted(edges, x, side), np.searchsorted(edges, x, side))
    same(ops.searchsorted(edges, x + 0.5, side), np.searchsorted(edges, x + 0.5, side))
    same(ops.digitize(x, edges), np.digitize(x, edges))


def test_searchsorted_refuses():
    with pytest.raises(ValueError, match="searchsorted: side is 'middle', expected 'left' or"):
        ops.searchsorted([1.0], [1.0], "middle")
    with pytest.raises(ValueError, match=r"sorted_sequence has shape \(1, 1\), expected one axis"):
        ops.searchsorted([[1.0]], [1.0])


# ---- quantiles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [*AXES, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_median_and_quantiles(axis, keepdims):
    options = {"axis": axis, "keepdims": keepdims}
    same(ops.median(CUBE, **options), np.median(CUBE, **options))
    same(ops.median(WHOLE, **options), np.median(WHOLE, **options), 1e-6)
    for q in (0.3, [0.0, 0.25, 1.0], []):
        same(ops.quantile(CUBE, q, **options), np.quantile(CUBE, q, **options))
    same(ops.percentile(CUBE, 30, **options), np.percentile(CUBE, 30, **options))
    with warnings.catch_warnings(action="ignore"):
        same(ops.median(HOLES, **options), np.median(HOLES, **options))
        same(ops.nanmedian(HOLES, **options), np.nanmedian(HOLES, **options))
        for q in (0.3, [0.0, 0.9]):
            same(ops.nanquantile(HOLES, q, **options), np.nanquantile(HOLES, q, **options))
        same(ops.nanpercentile(HOLES, 40, **options), np.nanpercentile(HOLES, 40, **options))


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_methods_of_quantiles(method):
    q = np.array([0.0, 0.1, 0.37, 0.5, 0.75, 0.9, 1.0])
    x = rng.normal(size=(5, 11))
    same(ops.quantile(x, q, 1, method), np.quantile(x, q, 1, method=method))


def test_between_infinities():
    inf = float("inf")
    assert ops.median([inf, inf, 1.0, inf]).item() == inf
    assert ops.quantile([1.0, 2.0, inf], 0.5).item() == 2.0
    assert ops.quantile([1.0, 2.0, inf], 0.7).item() == inf
    assert ops.median([0.1, 0.1]).item() == np.float32(0.1)


def test_quantiles_refuse():
    for q in (1.5, -0.1, NAN):
        with pytest.raises(ValueError, match="quantile: q must be from 0 to 1, got"):
            ops.quantile([1.0], q)
    with pytest.raises(ValueError, match="percentile: q must be from 0 to 100, got 101"):
        ops.percentile([1.0], 101)
    with pytest.raises(ValueError, match=r"quantile: q has shape \(1, 1\)"):
        ops.quantile([1.0], [[0.5]])
    with pytest.raises(ValueError, match="quantile: method is 'best', expected one of"):
        ops.quantile([1.0], 0.5, method="best")
    with pytest.raises(ValueError, match=r"median: no elements over axes \(0,\) of shape \(0, 2\)"):
        ops.median(np.ones((0, 2)), axis=0)


# ---- without NaN ---------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "max", "min"])
@pytest.mark.parametrize("x", [HOLES, WHOLE], ids=["float", "int"])
def test_reductions_without_nan(name, axis, x):
    numpys = getattr(np, f"nan{name}")
    with warnings.catch_warnings(action="ignore"):
        for keepdims in (False, True):
            expected = numpys(x, axis=axis, keepdims=keepdims)
            if name == "prod" and x is WHOLE:
                expected = expected.astype("int32")
            result = getattr(ops, f"nan{name}")(x, axis, keepdims)
            same(result, expected, 1e-12 if x is HOLES else 1e-6)


@pytest.mark.parametrize("axis", AXES)
def test_runs_without_nan(axis):
    same(ops.nancumsum(HOLES, axis), np.nancumsum(HOLES, axis))
    same(ops.nancumprod(HOLES, axis), np.nancumprod(HOLES, axis))


def test_positions_without_nan():
    x = np.array([[NAN, 2.0, 5.0], [NAN, NAN, NAN], [3.0, NAN, 1.0], [-np.inf, NAN, NAN]])
    assert ops.nanargmax(x, 1).tolist()[:3] == [2, -1, 0]
    assert ops.nanargmin(x, 1).tolist() == [1, -1, 2, 0]
    assert ops.nanargmax(x).item() == 2
    assert ops.nanargmax([3, 9, 1]).item() == 1


# ---- bits, recorded steps ------------------------------------------------------------------------


def test_bits_do_not_depend_on_threads():
    x = rng.normal(size=(300, 700)).astype("float32")
    x[::7, ::5] = np.round(x[::7, ::5])
    long = rng.normal(size=(2, 150_000)).astype("float32")
    edges = np.sort(long[0, :300])
    average, weight = fn.tensor(long), fn.tensor(long[::-1].copy())

    def lerped():
        copied = fn.Variable(average)
        fn._core.lerp_list([copied], [weight], fn.tensor(0.9))
        return copied.numpy()

    for compute in (
        lambda: [ops.cumsum(a, axis) for a in (x, long) for axis in (0, 1)],
        lambda: [ops.cumprod(a / 2, axis, reverse=True) for a in (x, long) for axis in (0, 1)],
        lambda: [ops.sort(a, axis) for a in (x, long) for axis in (0, 1)],
        lambda: [ops.argsort(a, axis, True) for a in (x, long) for axis in (0, 1)],
        lambda: [*ops.top_k(x, 5), *ops.top_k(long, 90)],
        lambda: [ops.searchsorted(edges, long), ops.searchsorted(edges, long, "right")],
        lambda: [m for a in (x, long) for axes in (0, 1, None) for m in ops.moments(a, axes)],
        lerped,
    ):
        same_for_threads(compute)


BITS = """
import hashlib
import numpy as np
from fastnn import ops
rng = np.random.default_rng(0)
long, rows = rng.normal(size=20_000).astype("float32"), rng.normal(size=(40, 300))
results = [ops.cumsum(long), ops.cumsum(rows, 0), ops.cumprod(rows, 1), *ops.top_k(rows, 4)]
results += [ops.sort(rows), ops.argsort(rows.astype("float32")), ops.sort(long, descending=True)]
print(hashlib.sha256(b"".join(np.asarray(r).tobytes() for r in results)).hexdigest())
"""


def test_bits_do_not_depend_on_the_instruction_set():
    assert len(set(on_targets(BITS, scalar=True).values())) == 1


def test_recorded_steps_sort_anew():
    @fn.capture
    def step(x):
        values, places = ops.top_k(x, 2)
        figures = [
            ops.median(x, 1),
            ops.nanquantile(x, [0.2, 0.7], 1),
            ops.cumsum(x, 1)[:, -1],
            ops.moments(x, 1)[1],
        ]
        return [values, places, ops.sort(x), ops.argsort(x), ops.sparsemax(x), *figures]

    for _ in range(6):
        x = fn.tensor(rng.normal(size=(5, 40)))
        for recorded, eager in zip(step(x), step.function(x), strict=True):
            np.testing.assert_array_equal(np.asarray(recorded), np.asarray(eager))
    assert "replays" in step.explain()


# ---- Keras ---------------------------------------------------------------------------------------


@pytest.mark.jax
@pytest.mark.parity
def test_the_same_as_keras():
    keras = pytest.importorskip("keras")
    x, holes = CUBE.astype("float32"), HOLES.astype("float32")
    calls = {
        "cumsum": [(x, 1), (x,)],
        "cumprod": [(x, 2)],
        "sort": [(x, 0), (x, None), (holes,)],
        "argsort": [(x, 1), (WHOLE,)],
        "top_k": [(x, 3), (holes, 2)],
        "in_top_k": [(np.array([1, 0]), x[0, :2], 2)],
        "median": [(x, (0, 2)), (holes, 1)],
        "quantile": [(x, [0.2, 0.7], 1), (x, 0.4, None, "midpoint", True)],
        "percentile": [(x, 20, 1)],
        "nanmedian": [(holes, 2)],
        "nanquantile": [(holes, [0.1, 0.5], 0)],
        "searchsorted": [(np.sort(x[0, 0]), x[1, 1]), (np.sort(WHOLE[0, 0]), WHOLE[1, 1], "right")],
        "digitize": [(x[0, 0], np.sort(x[1, 1]))],
        "moments": [(x, [0, 2]), (x, [1], True)],
        **{f"nan{name}": [(holes, 1)] for name in ("sum", "mean", "max", "min", "prod", "var")},
        **{f"nan{name}": [(holes, 2)] for name in ("std", "argmax", "argmin", "cumsum", "cumprod")},
    }
    for name, rows in calls.items():
        for row in rows:
            ours, theirs = getattr(ops, name)(*row), getattr(keras.ops, name)(*row)
            pairs = zip(ours, theirs) if isinstance(ours, tuple) else [(ours, theirs)]
            for a, b in pairs:
                same(a, np.asarray(b), 2e-5)
