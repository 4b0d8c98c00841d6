"""Calls of every differentiable operation, for the gradient check and for devices: a row for each
of them in ROWS. tests/operations_without_gradient.py names the others."""

import numpy as np
from composed_rows import ROWS as COMPOSED
from composed_rows import weighted

from fastnn import ops
from fastnn.ops.embedding import row_products
from fastnn.tensor import tensor

rng = np.random.default_rng(7)
X = rng.uniform(0.2, 0.9, (2, 3)) * np.where(rng.random((2, 3)) < 0.5, -1, 1)
Y = rng.uniform(0.2, 0.9, (2, 3)) * np.where(rng.random((2, 3)) < 0.5, -1, 1)
P = rng.uniform(0.3, 1.8, (2, 3))  # positive
Q = rng.uniform(0.3, 1.8, (2, 3))
WIDE = rng.uniform(-4, 4, (3, 4)) + 0.03
ROW = rng.uniform(0.3, 1.8, 3)
CUBE = rng.normal(size=(2, 3, 4))
IMAGES = rng.normal(size=(2, 5, 4, 3))
TRANSFORMS = np.array([1.0, 0, 0, 0, 1, 0, 0, 0]) + rng.normal(0, 0.05, (2, 8))
PLACES = rng.integers(-4, 8, (3, 9)) + rng.uniform(0.1, 0.4, (3, 9))  # between elements
A, B = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
SIGNAL = rng.normal(size=(2, 6, 2)), rng.normal(size=(3, 2, 4)), rng.normal(size=4)
TRANSPOSED = rng.normal(size=(2, 3, 2)), rng.normal(size=(3, 4, 2)), rng.normal(size=4)
LABELS = np.array([2, 0])
ONE_HOT = np.eye(3)[LABELS]
SOFT = rng.dirichlet(np.ones(3), 2)
PROBABILITIES = rng.dirichlet(np.ones(3), 2)
BITS = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
WEIGHTS = tensor([0.5, 2.0], dtype="float64")
MASK = np.array([[True, False, True], [False, True, True]])
I = np.array([[1, 0, 1], [1, 1, 0]])  # noqa: E741
ATTENTION = [rng.normal(size=shape) for shape in ((2, 3, 4, 2), (2, 5, 2, 2), (2, 5, 2, 3))]
SEEN = rng.random((2, 1, 3, 5)) < 0.6
SEEN[0, 0, 1] = False  # a query that sees no key


def attention(**options):
    """A row of ops.dot_product_attention: heads in two groups, and a bias if there is one."""
    bias = [rng.normal(size=(4, 3, 5))] if options.pop("bias", False) else []

    def attend(q, k, v, *bias):
        return ops.dot_product_attention(q, k, v, *bias, **options)

    return (attend, *ATTENTION, *bias)


def recurrent(cell, gates, directions=1):
    """A row of ops.rnn: sequences, weights, first states."""
    random = np.random.default_rng(gates)
    states, bias = 2 if cell == "lstm" else 1, (2, 9) if cell == "gru" else (3 * gates,)
    weights = [(2, 3 * gates), (3, 3 * gates), bias] * directions

    def through(x, *rest):
        own, initial = rest[: len(weights)], rest[len(weights) :]
        y, last = ops.rnn(x, own, initial, MASK, cell, bidirectional=directions == 2)
        return weighted([y, *last])

    shapes = [(2, 3, 2), *weights, *[(2, 3)] * states * directions]
    return (through, *(random.normal(size=shape) for shape in shapes))


# name: rows of (function, inputs...)
def products_of_rows(table, kernel):
    """Of those rows that row_products is told of: it may leave out the others' gradient."""
    ids = tensor([[1, 0], [1, 1]])
    return ops.take(row_products(table, ids, kernel), ids, axis=0)


ROWS = {
    # one operand
    "negative": [(ops.negative, X)],
    "absolute": [(ops.absolute, X)],
    "square": [(ops.square, X)],
    "sqrt": [(ops.sqrt, P)],
    "rsqrt": [(ops.rsqrt, P)],
    "reciprocal": [(ops.reciprocal, X)],
    "exp": [(ops.exp, X)],
    "expm1": [(ops.expm1, X)],
    "log": [(ops.log, P)],
    "log1p": [(ops.log1p, X)],
    "log2": [(ops.log2, P)],
    "log10": [(ops.log10, P)],
    "sin": [(ops.sin, X)],
    "cos": [(ops.cos, X)],
    "tan": [(ops.tan, X)],
    "arcsin": [(ops.arcsin, X)],
    "arccos": [(ops.arccos, X)],
    "arctan": [(ops.arctan, X)],
    "sinh": [(ops.sinh, X)],
    "cosh": [(ops.cosh, X)],
    "tanh": [(ops.tanh, X)],
    "erf": [(ops.erf, X)],
    "erfinv": [(ops.erfinv, X)],
    "nan_to_num": [(ops.nan_to_num, X)],
    # two operands, of one shape and broadcast
    "add": [(ops.add, X, Y), (ops.add, X, ROW)],
    "subtract": [(ops.subtract, X, Y), (ops.subtract, ROW, X)],
    "multiply": [(ops.multiply, X, Y), (ops.multiply, X, ROW), (ops.multiply, X, X[:, :1])],
    "divide": [(ops.divide, X, Y), (ops.divide, X, ROW)],
    "divide_no_nan": [(ops.divide_no_nan, X, Y)],
    "floor_divide": [(lambda a, b: ops.floor_divide(a, b) + a, WIDE, WIDE[::-1] + 0.4)],
    "mod": [(ops.mod, WIDE, np.full((3, 4), 1.7)), (lambda a: ops.mod(7.3, a), P)],
    "power": [(ops.power, P, X), (lambda x: ops.power(x, 3), X), (lambda x: 2.0**x, X)],
    "maximum": [(ops.maximum, X, Y), (ops.maximum, X, ROW)],
    "minimum": [(ops.minimum, X, Y)],
    "arctan2": [(ops.arctan2, X, Y)],
    "squared_difference": [(ops.squared_difference, X, Y)],
    # choices
    "where": [(lambda a, b: ops.where(MASK, a, b), X, Y), (lambda a: ops.where(MASK, a, 0.5), X)],
    "clip": [
        (lambda x: ops.clip(x, -0.5, 0.4), X),
        (lambda x: ops.clip(x, None, 0.4), X),
        (lambda x, high: ops.clip(x, -0.5, high), X, np.array(0.4)),
    ],
    # activations
    "sigmoid": [(ops.sigmoid, WIDE)],
    "log_sigmoid": [(ops.log_sigmoid, WIDE)],
    "softplus": [(ops.softplus, WIDE)],
    "softsign": [(ops.softsign, WIDE)],
    "relu": [(ops.relu, X)],
    "relu6": [(ops.relu6, WIDE * 2)],
    "selu": [(ops.selu, WIDE)],
    "silu": [(ops.silu, WIDE)],
    "mish": [(ops.mish, WIDE)],
    "hard_sigmoid": [(ops.hard_sigmoid, WIDE)],
    "hard_tanh": [(ops.hard_tanh, WIDE)],
    "hard_silu": [(ops.hard_silu, WIDE)],
    "gelu": [(ops.gelu, WIDE), (lambda x: ops.gelu(x, approximate=False), WIDE)],
    "leaky_relu": [(lambda x: ops.leaky_relu(x, 0.3), X)],
    "elu": [(lambda x: ops.elu(x, 1.5), X)],
    "celu": [(lambda x: ops.celu(x, 1.5), X)],
    "glu": [(ops.glu, WIDE)],
    "tanh_shrink": [(ops.tanh_shrink, X)],
    "hard_shrink": [(ops.hard_shrink, X)],
    "soft_shrink": [(ops.soft_shrink, X)],
    "threshold": [(lambda x: ops.threshold(x, 0.1, 5.0), X)],
    "squareplus": [(ops.squareplus, X)],
    "sparse_plus": [(ops.sparse_plus, WIDE)],
    "sparse_sigmoid": [(ops.sparse_sigmoid, WIDE)],
    "layer_normalization": [
        (ops.layer_normalization, WIDE),
        (lambda x, g, b: ops.layer_normalization(x, g, b, (0, 2)), CUBE, CUBE[:, 0], CUBE[:, 1]),
        (lambda x, g: ops.layer_normalization(x, g, rms_scaling=True), CUBE, CUBE[0, 0]),
    ],
    "rms_normalization": [
        (ops.rms_normalization, WIDE),
        (lambda x, g: ops.rms_normalization(x, g, 1), CUBE, CUBE[0, :, 0]),
    ],
    "max_pool": [
        (lambda x: ops.max_pool(x, 2), CUBE),
        (lambda x: ops.max_pool(x, (3, 2), (2, 1), "same"), IMAGES),
        (lambda x: ops.max_pool(x, 3, 1, "same", "channels_first"), IMAGES),
    ],
    "average_pool": [
        (lambda x: ops.average_pool(x, 2), CUBE),
        (lambda x: ops.average_pool(x, (3, 2), (2, 1), "same"), IMAGES),
    ],
    "batch_normalization": [
        (
            lambda x, m, v, b, g: ops.batch_normalization(x, m, v, 1, b, g),
            *(CUBE, CUBE[0, :, 0], P[0], P[1], ROW),
        ),
        (lambda x, m, v: ops.batch_normalization(x, m, v, -1), X, ROW, P[0]),
    ],
    "group_normalization": [
        (lambda x: ops.group_normalization(x, 2), CUBE),
        (lambda x, g, b: ops.group_normalization(x, 3, g, b, 1), CUBE, CUBE[0, :, 0], X[0]),
    ],
    "softmax": [(ops.softmax, WIDE), (lambda x: ops.softmax(x, (0, 2)), CUBE)],
    "log_softmax": [(ops.log_softmax, WIDE), (lambda x: ops.log_softmax(x, 0), WIDE)],
    "sparsemax": [(ops.sparsemax, X)],
    # products
    "matmul": [
        (ops.matmul, A, B),
        (ops.matmul, rng.normal(size=(2, 3, 4)), B),
        (ops.matmul, rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4, 2))),
        (ops.matmul, rng.normal(size=(2, 1, 3, 4)), rng.normal(size=(3, 4, 2))),
        (ops.matmul, A, B[:, 0]),
        (ops.matmul, A[0], B),
        (ops.matmul, A[0], B[:, 0]),
    ],
    "dense": [
        (lambda x, w, b: ops.dense(x, w, b), A, B, rng.normal(size=2)),
        (lambda x, w: ops.dense(x, w), rng.normal(size=(2, 3, 4)), B),
        (lambda x, w: ops.dense(x, w), A[0], B),
        *[
            (lambda x, w, b, name=name: ops.dense(x, w, b, name, 0.3), A, B, rng.normal(size=2))
            for name in ("relu", "tanh", "sigmoid", "gelu", "leaky_relu", "elu", "silu")
        ],
        (lambda x, w: ops.dense(x, w, None, "sigmoid")._logits, A, B),
        (lambda x, w: (y := ops.dense(x, w, None, "sigmoid")) + y._logits * 2, A, B),
    ],
    "conv": [
        *[
            (lambda x, w, b, name=name: ops.conv(x, w, bias=b, activation=name, a=0.3), *SIGNAL)
            for name in ("linear", "relu", "tanh", "sigmoid", "gelu", "leaky_relu", "neg")
        ],
        (lambda x, b: ops.conv(x, SIGNAL[1], 2, "same", bias=b), SIGNAL[0], SIGNAL[2]),
        (lambda x, w: ops.conv(x, w, data_format="channels_first"), CUBE[:, :2], SIGNAL[1]),
    ],
    "conv_transpose": [
        (lambda x, w, b: ops.conv_transpose(x, w, 2, bias=b, activation="elu", a=0.3), *TRANSPOSED),
        (lambda x, w: ops.conv_transpose(x, w, 2, "same", 1), *TRANSPOSED[:2]),
    ],
    "depthwise_conv": [(ops.depthwise_conv, CUBE, rng.normal(size=(2, 4, 2)))],
    "separable_conv": [
        (ops.separable_conv, CUBE, rng.normal(size=(2, 4, 2)), rng.normal(size=(1, 8, 3)))
    ],
    "extract_patches": [
        (lambda x: ops.extract_patches(x, 2, 1, padding="same"), CUBE),
        (lambda x: ops.extract_patches(x, (1, 2, 2), data_format="channels_first"), CUBE[:, None]),
    ],
    "fold": [(lambda x: ops.fold(x, (3, 4), 2, padding=(0, 1)), rng.normal(size=(1, 8, 10)))],
    "unfold": [(lambda x: ops.unfold(x, (2, 3), (1, 2), (0, 2), (1, 2)), CUBE[None])],
    "dot": [(ops.dot, A, B), (ops.dot, A, rng.normal(size=(2, 4, 3)))],
    "inner": [(ops.inner, A, A[:2])],
    "vdot": [(ops.vdot, X, Y)],
    "outer": [(ops.outer, ROW, ROW[:2])],
    "tensordot": [
        (lambda a, b: ops.tensordot(a, b, 1), A, B),
        (lambda a, b: ops.tensordot(a, b, ([0, 2], [1, 0])), CUBE, rng.normal(size=(4, 2, 2))),
    ],
    "einsum": [
        (lambda a, b: ops.einsum("ij,jk->ik", a, b), A, B),
        (lambda a, b: ops.einsum("bij,bkj->bki", a, b), CUBE, rng.normal(size=(2, 2, 4))),
        (lambda a, b: ops.einsum("...x,xy->...y", a, b), CUBE, B),
        (lambda a: ops.einsum("ijk->j", a), CUBE),
        (lambda a, b, c: ops.einsum("ij,jk,k->i", a, b, c), A, B, ROW[:2]),
    ],
    # reductions
    "sum": [
        (ops.sum, X),
        (lambda x: ops.sum(x, 1), CUBE),
        (lambda x: ops.sum(x, (0, 2), True), CUBE),
    ],
    "mean": [(ops.mean, X), (lambda x: ops.mean(x, (0, 1)), CUBE)],
    "max": [(ops.max, X), (lambda x: ops.max(x, 1), CUBE), (lambda x: ops.max(x, initial=0.0), X)],
    "min": [(ops.min, X), (lambda x: ops.min(x, (0, 2), True), CUBE)],
    "prod": [(ops.prod, X), (lambda x: ops.prod(x, 1), np.array([[2.0, 0.0], [0.0, 0.0], [3, 4]]))],
    "logsumexp": [(ops.logsumexp, X), (lambda x: ops.logsumexp(x, 1, True), CUBE)],
    "var": [(ops.var, X), (lambda x: ops.var(x, 1, ddof=1), CUBE)],
    "std": [(ops.std, X), (lambda x: ops.std(x, (0, 2)), CUBE)],
    "moments": [
        (lambda x: weighted(ops.moments(x, (0,))), X),
        (lambda x: ops.moments(x, (0, 2), True)[0], CUBE),
        (lambda x: ops.moments(x, (1,))[1], CUBE),
    ],
    # order
    "cumsum": [
        (ops.cumsum, X),
        (lambda x: ops.cumsum(x, 1, reverse=True), CUBE),
    ],
    "cumprod": [
        (lambda x: ops.cumprod(x, 1), X),
        (lambda x: ops.cumprod(x, 0), np.array([[2.0, 0.0], [0.0, 0.5], [3, 4], [0.0, 1.5]])),
        (lambda x: ops.cumprod(x, -1, reverse=True), CUBE),
    ],
    "sort": [
        (ops.sort, X),
        (lambda x: ops.sort(x, 1, descending=True) * ops.cumsum(x, 1), CUBE),
        (lambda x: ops.sort(x, None), X),
    ],
    "top_k": [(lambda x: ops.top_k(x, 2)[0], X), (lambda x: ops.top_k(x, 3)[0], CUBE)],
    "median": [(ops.median, X), (lambda x: ops.median(x, (0, 2), True), CUBE)],
    "quantile": [
        (lambda x: ops.quantile(x, [0.2, 0.7], 1), CUBE),
        (lambda x: ops.quantile(x, 0.3, method="midpoint"), X),
    ],
    "percentile": [(lambda x: ops.percentile(x, 30, 0), X)],
    "nanmedian": [(lambda x: ops.nanmedian(x, 1), X)],
    "nanquantile": [(lambda x: ops.nanquantile(x, 0.4), X)],
    "nanpercentile": [(lambda x: ops.nanpercentile(x, 40), X)],
    "nansum": [(lambda x: ops.nansum(x, 1), X)],
    "nanprod": [(lambda x: ops.nanprod(x, 1), X)],
    "nancumsum": [(lambda x: ops.nancumsum(x, 1), X)],
    "nancumprod": [(lambda x: ops.nancumprod(x, 1), X)],
    "nanmean": [(lambda x: ops.nanmean(x, 1), X)],
    "nanvar": [(lambda x: ops.nanvar(x, 0), X)],
    "nanstd": [(lambda x: ops.nanstd(x, 1), X)],
    "nanmax": [(lambda x: ops.nanmax(x, 1), X)],
    "nanmin": [(ops.nanmin, X)],
    "norm": [
        (lambda x: ops.norm(x), X),
        (lambda x: ops.norm(x, axis=1), CUBE),
        (lambda x: ops.norm(x, 1, axis=1), X),
        (lambda x: ops.norm(x, 3, axis=1), P),
        (lambda x: ops.norm(x, np.inf, axis=(0, 1)), X),
        (lambda x: ops.norm(x, -np.inf, axis=0), X),
    ],
    "normalize": [(ops.normalize, X), (lambda x: ops.normalize(x, order=1), X)],
    "average": [(lambda x, w: ops.average(x, weights=w), X, P), (lambda x: ops.average(x, 0), X)],
    # movement
    "reshape": [(lambda x: ops.reshape(x, (3, -1)), X)],
    "ravel": [(ops.ravel, X)],
    "expand_dims": [(lambda x: ops.expand_dims(x, (0, -1)), X)],
    "squeeze": [(lambda x: ops.squeeze(x, 1), X[:, None])],
    "transpose": [(ops.transpose, X), (lambda x: ops.transpose(x, (2, 0, 1)), CUBE)],
    "moveaxis": [(lambda x: ops.moveaxis(x, 0, -1), CUBE)],
    "swapaxes": [(lambda x: ops.swapaxes(x, 0, 2), CUBE)],
    "flip": [(ops.flip, X), (lambda x: ops.flip(x, 1), CUBE)],
    "roll": [(lambda x: ops.roll(x, 2), X), (lambda x: ops.roll(x, (1, -1), (0, 2)), CUBE)],
    "broadcast_to": [(lambda x: ops.broadcast_to(x, (2, 4, 3)), X[:, None])],
    "tile": [(lambda x: ops.tile(x, (2, 1, 3)), X)],
    "repeat": [
        (lambda x: ops.repeat(x, 3, 0), X),
        (lambda x: ops.repeat(x, [2, 0, 1], 1), X),
        (lambda x: ops.repeat(x, 2), X),
    ],
    "pad": [
        (lambda x: ops.pad(x, ((1, 2), (0, 1))), X),
        (lambda x: ops.pad(x, ((1, 1), (2, 1)), "edge"), X),
        (lambda x: ops.pad(x, ((1, 1), (2, 1)), "reflect"), CUBE[0]),
        (lambda x: ops.pad(x, ((1, 1), (2, 1)), "symmetric"), X),
    ],
    "concatenate": [(lambda a, b: ops.concatenate([a, b, a], 1), X, P)],
    "stack": [(lambda a, b: ops.stack([a, b], -1), X, P)],
    "split": [
        (lambda x: ops.split(x, 3, 1), X),
        (lambda x: ops.split(x, 1, 1), X),
        (lambda x: ops.split(x, [1, 3], -1)[1], CUBE),
    ],
    "unstack": [(lambda x: ops.unstack(x, axis=1), X)],
    "tril": [(ops.tril, WIDE)],
    "triu": [(lambda x: ops.triu(x, 1), WIDE)],
    "meshgrid": [(lambda a, b: ops.meshgrid(a, b), ROW, ROW[:2])],
    # reading by position
    "take": [
        (lambda x: ops.take(x, [[0, 2], [2, -1]], 1), X),
        (lambda x: ops.take(x, np.array([0, 5, 5])), X),
    ],
    "embedding": [
        (lambda x: ops.embedding([[0, 1], [1, 1]], x), X),
        (lambda x: ops.embedding([1, 0], ops.square(x)), X),
        (products_of_rows, X, X.T.copy()),
        (lambda x, kernel: products_of_rows(ops.square(x), kernel), X, X.T.copy()),
    ],
    "take_along_axis": [(lambda x: ops.take_along_axis(x, np.array([[0, -1], [2, 2]]), 1), X)],
    "convert_to_tensor": [(lambda x: ops.convert_to_tensor([x, x * 2.0]), X)],
    "full": [(lambda x: ops.full((2, 3), x), np.array(0.7))],
    "full_like": [(lambda x: ops.full_like(X, x), np.array(0.7))],
    # losses, from probabilities, logits, and outputs that remember their logits
    "categorical_crossentropy": [
        (lambda t, p: ops.categorical_crossentropy(t, p), SOFT, PROBABILITIES),
        (lambda x: ops.categorical_crossentropy(SOFT, x, from_logits=True), X),
        (lambda t, x: ops.categorical_crossentropy(t, x, from_logits=True), SOFT, X),
        (lambda x: ops.categorical_crossentropy(ONE_HOT, ops.softmax(x)), X),
        (lambda x: ops.categorical_crossentropy(ONE_HOT.T, ops.softmax(x, 0), axis=0), X.T.copy()),
    ],
    "sparse_categorical_crossentropy": [
        (lambda p: ops.sparse_categorical_crossentropy(LABELS, p), PROBABILITIES),
        (lambda x: ops.sparse_categorical_crossentropy(LABELS, x, from_logits=True), X),
        (lambda x: ops.sparse_categorical_crossentropy(LABELS, ops.softmax(x)), X),
        (lambda x: ops.sparse_categorical_crossentropy(I, x, True), CUBE),
    ],
    "binary_crossentropy": [
        (lambda p: ops.binary_crossentropy(BITS, p), PROBABILITIES),
        (lambda x: ops.binary_crossentropy(BITS, x, from_logits=True), X),
        (lambda t, x: ops.binary_crossentropy(t, x, from_logits=True), SOFT, X),
        (lambda x: ops.binary_crossentropy(BITS, ops.sigmoid(x)), X),
    ],
    "softmax_cross_entropy": [
        (lambda x: ops.softmax_cross_entropy(tensor(LABELS), x, WEIGHTS, 0.1, 2), X),
        (lambda x: ops.softmax_cross_entropy(tensor(SOFT), x, WEIGHTS, 0.1), X),
    ],
    "ctc_loss": [
        (lambda x: ops.ctc_loss([[2, 2], [1, 3]], x, [2, 1], [3, 2]), CUBE),
        (lambda x: ops.ctc_loss([[0, 0], [2, 0]], x, [2, 0], [3, 3], mask_index=3), CUBE),
        (lambda x: ops.ctc_loss([[1, 1], [2, 2]], x, [2, 2], [2, 3], zero_infinity=True), CUBE),
    ],
    "sigmoid_cross_entropy": [
        (lambda x: ops.sigmoid_cross_entropy(tensor(BITS), x, tensor(P), 0.2), X),
    ],
}
ROWS |= COMPOSED
ROWS["dot_product_attention"] = [
    attention(),
    attention(is_causal=True, scale=0.3),
    attention(mask=SEEN),
    attention(mask=SEEN, is_causal=True),
    attention(mask=SEEN, flash_attention=False),
    attention(bias=True, is_causal=True),
    attention(mask=SEEN, attn_logits_soft_cap=0.7),
]
ROWS["rnn"] = [recurrent("simple", 1), recurrent("lstm", 4), recurrent("gru", 3, directions=2)]
ROWS["abs"], ROWS["true_divide"] = ROWS["absolute"], ROWS["divide"]
ROWS["amax"], ROWS["amin"] = ROWS["max"], ROWS["min"]
ROWS["swish"], ROWS["hard_swish"] = ROWS["silu"], ROWS["hard_silu"]
