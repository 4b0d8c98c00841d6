"""Calls of every launcher, of tiny shapes: for the simulator's tests and tools/compile_cuda.py."""

import numpy as np
from conformance.test_optimizer import RULES, operands

from fastnn import _core
from fastnn.backends.reference import FUNCTIONS as REFERENCE
from fastnn.backends.reference.derivatives import DERIVATIVE

from .harness import Case, generator

PAIRS = [((3, 5), (3, 5)), ((2, 3, 5), (3, 1)), ((), (2, 2)), ((2, 1, 3), (2, 4, 1))]
STATES = [(0, 0), (0x1234567890ABCDEF, 2**32 - 3), (2**64 - 1, 2**64 - 2)]
AXES = [(0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2), ()]


def draw(dtype, shape, *seed, low=-3.0, high=3.0):
    """Numbers of a dtype, with zeros and equal ones among them."""
    random = generator(dtype, shape, *seed)
    if dtype == "bool":
        return random.random(shape) < 0.5
    if dtype.startswith("float"):
        return np.asarray(random.uniform(low, high, shape)).astype(dtype)
    least = 0 if dtype == "uint8" else -5
    return np.asarray(random.integers(least, 6, shape)).astype(dtype)


def state(index):
    return np.array(STATES[index % 3], dtype=np.uint64).view(np.int64)


def unary(dtype):
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, 7.5, -7.5, 0.5, -0.5, 2.5])
    for op in _core.UNARY:
        x = np.concatenate([special, draw("float64", (6,), op, low=-0.99, high=0.99)])
        yield Case("unary", [x.astype(dtype)], {"op": op, "a": 0.3, "b": 0.0}, ulps=2)
    for op in DERIVATIVE:
        x = draw(dtype, (2, 9), op, low=0.1, high=0.9)
        attributes = {"op": op, "a": 0.3, "b": 0.0}
        yield Case("unary_backward", [draw(dtype, (2, 9), 1), x], attributes, ulps=4)


def unary_of_integers():
    for op, (_, kinds) in _core.UNARY.items():
        for dtype in ("int64", "int32", "uint8", "bool"):
            takes = "A" in kinds or ("N" in kinds and dtype != "bool")
            if takes and not (op == "neg" and dtype == "uint8"):
                yield Case("unary", [draw(dtype, (7,), op)], {"op": op, "a": 0.0, "b": 0.0})


def binary(dtype):
    kind = "F" if dtype.startswith("float") else "B" if dtype == "bool" else "I"
    for i, (op, (takes, _)) in enumerate(_core.BINARY.items()):
        if takes == "A" or (takes == "N" and kind != "B") or takes == kind:
            first, second = PAIRS[i % len(PAIRS)]
            pair = [draw(dtype, first, op), draw(dtype, second, op, 2)]
            yield Case("binary", pair, {"op": op}, ulps=2)


def movement(dtype):
    x = draw(dtype, (2, 3, 4))
    mask = draw("bool", (3, 1))
    yield Case("select", [mask, x, draw(dtype, (1, 3, 4), 2)])
    for target in ("bool", "uint8", "int32", "int64", "float32", "float64"):
        positive = np.abs(x) if target == "uint8" and dtype != "bool" else x
        yield Case("copy", [positive], {"dtype": target, "scale": 0.5})
    for mode in range(4):
        attributes = {"before": (1, 5, 0), "after": (0, 4, 2), "mode": mode, "value": 2.5}
        yield Case("pad", [x], attributes)
    yield Case("concatenate", [[x, x[:, :1], x]], {"axis": 1})
    yield Case("assign", [x, draw(dtype, (2, 3, 4), 2)])
    if dtype != "bool":
        yield Case("arange", [], {"start": -2, "step": 1.5, "count": 9, "dtype": dtype})
        yield Case("one_hot", [np.array([[0, 2], [-1, 3]])], {"depth": 3, "dtype": dtype})
    if dtype.startswith("float"):
        totals = [np.array(2.5), np.array(1.0)]
        yield Case("accumulate", [*totals, x], {"scale": 0.5, "rows": 2.0})
    permutation = np.array([3, 0, 2, 1, 1])
    xs = [draw(dtype, (4, 3)), draw("uint8", (4,))]
    attributes = {"rows": 2, "dtypes": (0, 1), "scale": 0.25}
    yield Case("gather_batch", [xs, permutation, np.array([2])], attributes)


def indices(dtype):
    x, index = draw(dtype, (2, 4, 3)), np.array([[3, 0], [-1, 3], [1, 3]], np.int32)
    yield Case("gather", [x, index], {"axis": 1})
    yield Case("gather", [x, np.array(2)], {"axis": 2})
    yield Case("scatter_add", [x, draw(dtype, (2, 3, 2, 3)), index], {"axis": 1})
    yield Case("scatter_add", [x, draw(dtype, (2, 4, 0)), np.zeros(0, np.int64)], {"axis": 2})
    tuples = np.array([[[0, 1], [3, -1]], [[2, 2], [2, 2]]])
    for batch_dims in (0, 1):
        attributes = {"batch_dims": batch_dims}
        some = tuples % 2 if batch_dims == 0 else tuples
        rest = (3,) if batch_dims == 0 else ()
        yield Case("gather_nd", [x, some], attributes)
        yield Case("scatter_nd_add", [x, draw(dtype, (2, 2, *rest)), some], attributes)
    yield Case("gather_nd", [x, np.zeros((2, 2, 0), np.int64)], {"batch_dims": 1})
    some = np.array([3, 1, 3, 0, 1, 1, 4])
    yield Case("sum_rows", [draw(dtype, (7, 2)), some], {"extent": 5})


def reductions(dtype):
    kind = "F" if dtype.startswith("float") else "B" if dtype == "bool" else "I"
    for op, (takes, _) in _core.REDUCE.items():
        if takes == "A" or (takes == "N" and kind != "B") or takes == kind:
            for axes in AXES if op in ("sum", "max") else AXES[1:4]:
                x = draw(dtype, (3, 5, 4), op)
                yield Case("reduce", [x], {"op": op, "axes": axes, "keepdims": len(axes) == 1})
    yield Case("reduce", [draw(dtype, (2, 0, 3))], {"op": "any", "axes": (1,)})
    for op in ("argmax", "argmin"):
        yield Case("arg_reduce", [draw(dtype, (2, 9, 2), op)], {"op": op, "axis": 1})
        yield Case("arg_reduce", [draw(dtype, (3, 3), op)], {"op": op, "axis": -1})
    if kind == "F":
        special = np.array([[1, np.nan, 2, 3], [np.inf, 1, np.inf, 2], [-np.inf] * 4], dtype)
        for op in ("max", "min", "logsumexp", "sum"):
            for x, axes in ((special, (1,)), (special.T.copy(), (0,))):
                yield Case("reduce", [x], {"op": op, "axes": axes})
        for op in ("argmax", "argmin"):
            yield Case("arg_reduce", [special], {"op": op, "axis": 1})
        yield Case("reduce", [draw(dtype, (70,))], {"op": "sum", "axes": (0,)}, 70)
        yield Case("reduce", [draw(dtype, (2, 30, 2))], {"op": "mean", "axes": (1,)})
        yield Case("reduce", [draw(dtype, (2, 0, 3))], {"op": "mean", "axes": (1,)})
        for axes in AXES:
            yield Case("moments", [draw(dtype, (3, 5, 4)) + 1], {"axes": axes})
        for op in ("sum", "sum_squares", "abs_sum", "max", "all_finite"):
            xs = [draw(dtype, (3, 4), 1), draw(dtype, (), 2), draw(dtype, (17,), 3)]
            yield Case("reduce_list", [xs], {"op": op}, ulps=16)


def rows_and_losses(dtype):
    x = draw(dtype, (2, 5, 3)) * 10
    for axis in (1, 2):
        for log in (False, True):
            attributes = {"axis": axis, "log": log}
            yield Case("softmax", [x], attributes, ulps=32)
            y = np.log(0.3) * np.ones_like(x) if log else np.ones_like(x) / 3
            yield Case("softmax_backward", [draw(dtype, (2, 5, 3)), y], attributes)
    logits, weight = draw(dtype, (5, 3)), draw(dtype, (5,), low=0, high=1)
    labels = np.array([0, 2, 7, 1, 2])
    ignoring = {"smoothing": 0.1, "has_ignore": True, "ignore_class": 7}
    yield Case("cross_entropy", [logits, labels, weight], ignoring)
    targets = draw(dtype, (5, 3), low=0, high=1)
    yield Case("cross_entropy", [logits, targets, None], {"smoothing": 0.2})
    yield Case("cross_entropy", [logits, targets.round(), weight])
    for smoothing in (0.0, 0.1):
        pair = [logits, targets]
        yield Case("binary_cross_entropy", [*pair, targets + 1], {"smoothing": smoothing})
        yield Case("binary_cross_entropy", [*pair, None], {"smoothing": smoothing})
    yield Case("require_no_nan", [logits], {"what": "y_true"})


def lines(dtype):
    x = draw(dtype, (2, 9, 3))
    for op in ("sum", "prod"):
        for reverse in (False, True):
            attributes = {"op": op, "axis": 1, "reverse": reverse}
            yield Case("cumulative", [x], attributes, ulps=16)
    for descending in (False, True):
        for axis, count in ((1, -1), (2, 2)):
            attributes = {"axis": axis, "descending": descending, "count": count}
            yield Case("sort", [x], attributes)
    yield Case("sort", [x], {"axis": 0, "want_values": False})
    yield Case("sort", [x], {"axis": 0, "want_indices": False})
    for right in (False, True):
        edges = np.sort(draw(dtype, (7,), 2))
        probes = np.concatenate([edges[::2], draw(dtype, (5,), 3)])
        yield Case("searchsorted", [edges, probes], {"right": right})


def lines_of_floats(dtype):
    x = draw(dtype, (2, 9, 3))
    x[0, 4, 1] = x[1, 2, 0] = 0
    for reverse in (False, True):
        y = REFERENCE["cumulative"](x, op="prod", axis=1, reverse=reverse)
        given = [draw(dtype, x.shape, 5), x, y]
        attributes = {"axis": 1, "reverse": reverse}
        yield Case("cumulative_prod_backward", given, attributes, ulps=64)
    special = np.array([2.0, np.nan, -0.0, np.inf, 0.0, -np.inf, np.nan, 1.0], dtype)
    for descending in (False, True):
        yield Case("sort", [special], {"axis": 0, "descending": descending})
    yield Case("searchsorted", [np.array([0.0, 1.0, np.nan], dtype), special], {"right": False})


def images(dtype):
    line, image = draw(dtype, (2, 7, 2)), draw(dtype, (2, 4, 5, 3))
    geometries = [
        (line, {"window": (3,), "strides": (2,), "pads": (1, 2), "dilation": (2,)}),
        (image, {"window": (2, 3), "strides": (1, 2), "pads": (0, 1, 1, 1)}),
    ]
    for x, geometry in geometries:
        yield Case("unfold", [x], geometry)
        y = REFERENCE["unfold"](x, **geometry)
        yield Case("fold", [y], {**geometry, "extents": x.shape[1:-1]})
    for method in ("nearest", "bilinear"):
        for corners in ("half_pixel", "align_corners", "asymmetric"):
            attributes = {"method": method, "corners": corners}
            yield Case("resize", [image], {"size": (7, 2), **attributes})
            yield Case("resize_backward", [image], {"extents": (3, 9), **attributes}, ulps=16)
    yield Case("resize", [image], {"size": (4, 5)})


def random_numbers(dtype):
    for i, shape in enumerate([(), (3, 3), (9,)]):
        for low, high in ((0.0, 1.0), (3.0, 3.0000005)):
            attributes = {"shape": shape, "low": low, "high": high, "dtype": dtype}
            yield Case("random_uniform", [state(i)], attributes, ulps=0, wide=False)
        for truncated in (False, True):
            attributes = {"shape": shape, "mean": 1.5, "std": 0.5, "dtype": dtype}
            attributes["truncated"] = truncated
            yield Case("random_normal", [state(i)], attributes, ulps=16, wide=False)
    x, rate = draw(dtype, (3, 4)), np.asarray(0.4).astype(dtype)
    for noise in ((), (3, 1)):
        operands_ = [x, rate, state(1)]
        yield Case("dropout", operands_, {"noise_shape": noise}, wide=False)
    mask = draw("bool", (3, 1)).astype(np.uint8)
    yield Case("dropout_backward", [x, mask, np.array(0.25)])


def random_integers():
    ranges = {"int32": [(-5, 5), (-(2**31), 2**31)], "uint8": [(0, 256)]}
    ranges["int64"] = [(-(2**63), 2**63 - 1), (0, 2**40)]
    for dtype, pairs in ranges.items():
        for i, (low, high) in enumerate(pairs):
            attributes = {"shape": (7,), "low": low, "high": high, "dtype": dtype}
            yield Case("random_integers", [state(i)], attributes)
    for n in (0, 1, 11):
        yield Case("random_permutation", [state(n)], {"n": n})


SURROUNDINGS = [
    {"clip": "value", "limit": 0.3},
    {"clip": "norm", "limit": 2.0, "weight_decay": 0.1, "decayed": 1},
    {"clip": "global_norm", "limit": 1.5, "scale": 0.5, "weight_decay": 0.1},
    {"accumulate": 2},
    {"momentum": 0.8, "overwrite": 2},
]


def optimizers(dtype):
    shapes = [(), (3, 5), (0,), (2, 2, 3)]
    for rule in RULES:
        for calls in (0, 9) if rule in ("vsgd", "adasecant") else (9,):
            yield Case("optimizer_step", operands(rule, dtype, shapes, calls), {"rule": rule}, 64)
    for i, settings in enumerate(SURROUNDINGS):
        for rule in ("adam", "lamb", "adafactor")[: 1 + i % 3]:
            given = operands(
                rule, dtype, shapes, 2 + i, settings.get("accumulate", 1), "momentum" in settings
            )
            yield Case("optimizer_step", given, {"rule": rule, **settings}, 64)
    for loss_scale in (8.0, 0.0):
        given = operands("nadam", dtype, shapes, 5, 2, True)
        given[-2] = np.float32(loss_scale)
        yield Case("optimizer_step", given, {"rule": "nadam", **SURROUNDINGS[-1], "accumulate": 2})
    for rule in ("sgd", "adam"):
        given = operands(rule, dtype, [(4,), (6, 2), (5, 3)], 3)
        numbers = [np.array(0), np.array([0, 2, 5]), np.array([1, 4, -1])]
        given[2][1], given[2][2] = draw(dtype, (3, 2)), draw(dtype, (3, 3))
        yield Case("optimizer_step", [*given[:-1], numbers], {"rule": rule}, 64)
    xs = [draw(dtype, (3, 2)), draw(dtype, ())]
    yield Case("scale_list", [xs, np.array(0.3)])
    yield Case("lerp_list", [xs, [x + 1 for x in xs], np.array(0.9)])


def cases(dtype):
    """All calls of float32 or of float64; those of integers come with the latter."""
    families = (unary, binary, movement, indices, reductions, rows_and_losses, lines)
    for family in (*families, lines_of_floats, images, random_numbers, optimizers):
        yield from family(dtype)
    if dtype == "float64":
        yield from unary_of_integers()
        yield from random_integers()
        for whole in ("int64", "int32", "uint8", "bool"):
            for family in (binary, movement, reductions):
                yield from family(whole)
            yield from lines(whole) if whole != "bool" else ()
