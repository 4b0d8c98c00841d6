"""Calls of the launchers of layers, of tiny shapes: for tests and tools/compile_cuda.py."""

import numpy as np

from fastnn.backends.reference import FUNCTIONS as REFERENCE

from .harness import Case, generator


def draw(dtype, shape, *seed):
    """Numbers from -1 to 1."""
    return generator(dtype, shape, *seed).uniform(-1, 1, shape).astype(dtype)


# ---- Matrix products -----------------------------------------------------------------------------

# batch of A, batch of B; m, n, k: one tile, edges, many tiles, a depth in parts, nothing to add
PRODUCTS = [
    ((), (), (1, 1, 1)),
    ((), (), (5, 3, 4)),
    ((2, 1), (3,), (3, 5, 2)),
    ((), (2,), (9, 17, 5)),
    ((4,), (4,), (8, 9, 3)),
    ((), (), (3, 2, 23)),
    ((2,), (), (3, 2, 0)),
]


def gemm(dtype):
    for i, (batch_a, batch_b, (m, n, k)) in enumerate(PRODUCTS):
        for trans_a, trans_b in ((False, False), (True, True)) if i % 2 else ((False, True),):
            A = draw(dtype, (*batch_a, *((k, m) if trans_a else (m, k))), 1)
            B = draw(dtype, (*batch_b, *((n, k) if trans_b else (k, n))), 2)
            yield Case("gemm", [A, B], {"trans_a": trans_a, "trans_b": trans_b})
    A, B, bias = draw(dtype, (2, 4, 3)), draw(dtype, (3, 5)), draw(dtype, (5,))
    extra = draw(dtype, (2, 4, 5))
    yield Case("gemm", [A, B, bias], {"activation": "relu", "want_preactivation": True})
    yield Case("gemm", [A, B, None, extra], {"alpha": 0.5, "activation": "elu", "a": 0.3})
    attributes = {"alpha": -2.0, "beta": 0.25, "activation": "gelu", "want_preactivation": True}
    yield Case("gemm", [A, B, bias, extra, extra + 1], attributes)
    A, B, extra = draw(dtype, (2, 13)), draw(dtype, (13, 3)), draw(dtype, (2, 3))
    yield Case("gemm", [A, B, extra[0], extra], {"activation": "tanh"})


def dense_backward(dtype):
    for activation in ("linear", "relu", "gelu"):
        m, k, n = 11, 3, 5
        operands = [draw(dtype, shape) for shape in ((m, n), (m, k), (k, n), (m, n))]
        yield Case("dense_backward", operands, {"activation": activation})
    wants = {"want_dx": False, "want_dw": True, "want_db": False}
    yield Case("dense_backward", operands, {"activation": "tanh", **wants})


# ---- Windows -------------------------------------------------------------------------------------

# image, window, filters, groups; strides, pads, dilation
CONVOLUTIONS = [
    ((1, 4, 1), (2,), 1, 1, {}),
    ((2, 7, 3), (3,), 5, 1, {"strides": (2,), "pads": (2, 1), "dilation": (2,)}),
    ((2, 5, 4, 2), (3, 2), 3, 1, {"pads": (1, 1, 0, 1)}),
    ((1, 6, 5, 4), (2, 3), 6, 2, {"strides": (3, 2), "pads": (0, 2, 1, 1)}),
    ((1, 5, 6, 3), (3, 2), 3, 3, {"dilation": (2, 3), "pads": (1, 0, 0, 2)}),
    ((1, 3, 4, 3, 2), (2, 3, 1), 2, 1, {"strides": (1, 2, 2), "pads": (0, 1, 1, 1, 0, 0)}),
    ((2, 3, 3, 2), (1, 1), 3, 1, {}),
]


def convolutions(dtype):
    for i, (image, window, filters, groups, places) in enumerate(CONVOLUTIONS):
        places = {**places, "groups": groups}
        x = draw(dtype, image)
        w = draw(dtype, (*window, image[-1] // groups, filters))
        bias = draw(dtype, (filters,)) if i % 2 else None
        y = REFERENCE["conv"](x, w, **places)[0]
        residual = draw(dtype, y.shape, 1) if i % 3 == 1 else None
        attributes = {"activation": "relu" if i % 2 else "linear", "want_preactivation": i == 3}
        yield Case("conv", [x, w, bias, residual], {**places, **attributes})
        dy = draw(dtype, y.shape, 2)
        extents = {"extents": image[1:-1]}
        yield Case("conv_backward_input", [dy, w], {**places, **extents})
        wants = {"window": window, "want_db": bool(i % 2)}
        yield Case("conv_backward_kernel", [x, dy], {**places, **wants})


POOLS = [
    ((1, 5, 2), (2,), {"pads": (0, 0)}),
    ((2, 7, 1), (3,), {"strides": (2,), "pads": (1, 2), "ceil": True}),
    ((1, 5, 4, 3), (2, 3), {"strides": (2, 1), "pads": (1, 0, 2, 1)}),
    ((1, 3, 4, 3, 1), (2, 2, 2), {"strides": (1, 2, 1), "pads": (0, 1, 1, 0, 0, 0)}),
]


def pools(dtype):
    for i, (image, window, places) in enumerate(POOLS):
        x = draw(dtype, image).round(1)  # with equal numbers
        if i == 2:
            x[0, 1, 2, 0] = np.nan
        dilation = {"dilation": (2,) * len(window)} if i == 2 else {}
        maxima = {"window": window, **places, **dilation}
        yield Case("max_pool", [x], {**maxima, "want_which": i != 1})
        yield Case("max_pool", [x], {**maxima, "through_relu": True})
        y, which = REFERENCE["max_pool"](x, **maxima)
        extents = {"extents": image[1:-1]}
        dy = draw(dtype, y.shape, 1)
        yield Case("max_pool_backward", [dy, which, None], {**maxima, **extents})
        yield Case("max_pool_backward", [dy, None, x], {**maxima, **extents})
        for include in (False, True):
            means = {"window": window, **places, "count_include_pad": include}
            yield Case("average_pool", [draw(dtype, image)], means)
            dy = draw(dtype, REFERENCE["average_pool"](x, **means).shape, 2)
            yield Case("average_pool_backward", [dy], {**means, **extents})


# ---- Normalization -------------------------------------------------------------------------------

ROWS = [(3, 1, 1, 5), (2, 3, 2, 2), (2, 5, 3, 1), (1, 1, 2, 1), (2, 0, 1, 3)]


def norms(dtype):
    for i, shape in enumerate(ROWS):
        columns = (shape[2] * shape[3],)
        x, dy = draw(dtype, shape) + 1, draw(dtype, shape, 1)
        for kind in ("layer", "rms"):
            gamma = draw(dtype, columns, 2) if i != 1 else None
            beta = draw(dtype, columns, 3) if i != 2 else None
            yield Case("row_norm", [x, gamma, beta], {"kind": kind, "epsilon": 0.01})
            _, mean, rstd = REFERENCE["row_norm"](x, gamma, beta, kind=kind, epsilon=0.01)
            wants = {"want_dgamma": i != 3, "want_dbeta": i != 2, "want_dx": i != 1}
            yield Case("row_norm_backward", [dy, x, mean, rstd, gamma], wants, ulps=16)


def batch_norms(dtype):
    x, dy, columns = draw(dtype, (7, 3)) + 1, draw(dtype, (7, 3), 1), (3,)
    gamma, beta, mean, variance = (draw(dtype, columns, seed) + 1.5 for seed in range(4))
    for given in ((None, None), (mean, variance), (None, variance), (mean, None)):
        for moving in ((None, None), (mean + 1, variance + 1)):
            factors = (gamma, beta) if moving[0] is not None else (None, None)
            attributes = {"epsilon": 0.01, "momentum": 0.9}
            yield Case("batch_norm", [x, *factors, *given, *moving], attributes)
    _, mean, rstd, *_ = REFERENCE["batch_norm"](x, None, None, None, None, None, None)
    for own in (True, False):
        for factor in (None, gamma):
            wants = {"batch_statistics": own, "want_dx": own or factor is None}
            yield Case("batch_norm_backward", [dy, x, mean, rstd, factor], wants, ulps=16)


# ---- Recurrent layers ----------------------------------------------------------------------------

# gates, biases, peephole weights, states
CELLS = {
    "simple": (1, 1, False, 1),
    "lstm": (4, 1, False, 2),
    "lstm_peephole": (4, 1, True, 2),
    "gru": (3, 2, False, 1),
    "gru_before": (3, 1, False, 1),
}
MASK = np.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
# directions, backwards, masked, zero_masked, biased, what is given and wanted; activations
LAYERS = [
    (1, False, False, False, True, False, ("tanh", "sigmoid")),
    (1, True, True, False, True, True, ("relu", "sigmoid")),
    (2, False, True, True, False, True, ("tanh", "linear")),
]


def recurrent(dtype):
    batch, steps, features, units = 3, 4, 2, 3
    x = draw(dtype, (batch, steps, features))
    for cell, (gates, biases, peephole, states) in CELLS.items():
        for directions, backwards, masked, zero_masked, biased, whole, functions in LAYERS:
            shapes = [(features, gates * units), (units, gates * units)]
            if biased:
                shapes.append((biases, gates * units) if biases > 1 else (gates * units,))
            if peephole:
                shapes.append((3, units))
            weights = [draw(dtype, shape, d) for d in range(directions) for shape in shapes]
            each = (batch, units)
            initial = [draw(dtype, each, 5 + i) for i in range(directions * states)]
            mask = MASK if masked else None
            rule = {
                "cell": cell,
                "activation": functions[0],
                "recurrent_activation": functions[1],
                "directions": directions,
                "backwards": backwards,
                "zero_masked": zero_masked,
            }
            given = [x, weights, initial if whole else None, mask]
            wants = {"want_sequence": whole, "want_history": whole}
            yield Case("rnn", given, {**rule, **wants}, ulps=16)
            *_, kept, history = REFERENCE["rnn"](*given, **rule, want_history=True)
            dy = draw(dtype, (batch, steps, directions * units), 9) if whole else None
            dlast = [draw(dtype, each, 7 + i) for i in range(directions * states)]
            dlast = None if masked and not zero_masked else dlast
            ids = np.array([[0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 1, 0]], "int32" if biased else int)
            of_ids = [ids, *given[1:]]
            yield Case("rnn", of_ids, {**rule, **wants}, ulps=16)
            *_, kept_of_ids, history_of_ids = REFERENCE["rnn"](*of_ids, **rule, want_history=True)
            wants = {"want_dx": False, "want_dweights": True, "want_dinitial": whole}
            of_ids = [dy, dlast, ids, weights, mask, kept_of_ids, history_of_ids]
            yield Case("rnn_backward", of_ids, {**rule, **wants}, ulps=32)
            wants = {"want_dx": True, "want_dweights": True, "want_dinitial": whole}
            given = [dy, dlast, x, weights, mask, kept, history]
            yield Case("rnn_backward", given, {**rule, **wants}, ulps=32)


# ---- Attention -----------------------------------------------------------------------------------

# batch, queries, keys, heads, groups, width, values; mask; causal, dropped
ATTENTIONS = [
    ((1, 1, 1, 1, 1, 1, 1), None, False, False),
    ((2, 3, 5, 2, 2, 4, 3), (2, 1, 1, 5), False, True),
    ((2, 4, 4, 4, 2, 3, 2), None, True, True),
    ((1, 5, 3, 2, 1, 2, 5), (1, 2, 5, 3), True, False),
    ((1, 2, 0, 1, 1, 2, 2), None, False, False),
]


def attentions(dtype):
    for shape, seen, causal, dropped in ATTENTIONS:
        batch, queries, keys, heads, groups, width, values = shape
        q = draw(dtype, (batch, queries, heads, width), 1) * 3
        k, v = draw(dtype, (batch, keys, groups, width)), draw(dtype, (batch, keys, groups, values))
        mask = None if seen is None else generator(shape).random(seen) < 0.5
        rate = np.asarray(0.4).astype(dtype) if dropped else None
        state = np.array([5, 2**40]) if dropped else None
        attributes = {"scale": 0.7, "causal": causal}
        case = Case("attention", [q, k, v, mask, rate, state], attributes, ulps=32)
        yield case
        y, lse, drawn, _ = REFERENCE["attention"](*case.operands, **attributes)
        operands = [draw(dtype, y.shape, 2), y, lse, q, k, v, mask, rate, drawn]
        yield Case("attention_backward", operands, attributes, ulps=64)


def layer_cases(dtype):
    """Every call, with that floating-point dtype."""
    products = (gemm, dense_backward, convolutions)
    for family in (*products, pools, norms, batch_norms, recurrent, attentions):
        yield from family(dtype)
