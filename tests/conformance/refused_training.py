"""Calls that every backend refuses: random numbers, training, order, lists."""

import numpy as np

from .refused_operands import ONE, PLAIN, RATE, STATE, STEP, B, D, F, I, V

# primitive, operands, attributes, exception, what its message says
ROWS = [
    ("random_uniform", [V], ((3,),), ValueError, "random_uniform: state has shape (3,)"),
    ("random_uniform", [STATE], ((3,), 1.0, 0.0), ValueError, "expected low <= high"),
    ("random_uniform", [STATE], ((3,), -3e38, 3e38), ValueError, "finite in float32, and so is"),
    ("random_uniform", [STATE], ((3,), 0.0, 1e39), ValueError, "both finite in float32"),
    ("random_uniform", [STATE], ((3,), -1e308, 1e308, "float64"), ValueError, "finite in float64"),
    ("random_normal", [STATE], ((3,), 0.0, -1.0), ValueError, "expected finite numbers and std"),
    ("random_integers", [STATE], ((3,), 5, 5), ValueError, "no integer lies in [5, 5)"),
    ("random_integers", [STATE], ((3,), 0, 300, "uint8"), ValueError, "does not fit uint8"),
    ("random_permutation", [STATE], (-1,), ValueError, "random_permutation: negative extent"),
    ("dropout", [F, np.array(-0.5, "float32"), STATE], (), ValueError, "rate is -0.500000, exp"),
    ("dropout", [F, np.array(0.5), STATE], (), TypeError, "dropout: rate has dtype float64"),
    (
        "dropout",
        [F, np.array(0.5, "float32"), STATE],
        ("plain", (3, 3)),
        ValueError,
        "noise_shape (3, 3) does not broadcast to x with shape (3, 4)",
    ),
    ("dropout_backward", [F, F, np.array(0.5, "float32")], (), TypeError, "mask has dtype float32"),
    ("optimizer_step", [[F], [F], [F], *STEP], ("adam",), ValueError, "slots has 1 arrays"),
    ("optimizer_step", [[F], [F, D], [F], *STEP], ("adam",), TypeError, "slots[1] has shape"),
    ("optimizer_step", [[F], [], [F], *STEP], ("sgd",), ValueError, "hyper has shape (3,)"),
    ("optimizer_step", [[F], [], [F], *PLAIN, [V]], ("sgd",), ValueError, "rows[0] has shape (3,)"),
    ("optimizer_step", [[F], [], [F], *PLAIN, [ONE, ONE]], ("sgd",), ValueError, "rows has 2 arr"),
    ("optimizer_step", [[F], [], [D], *PLAIN, [ONE]], ("sgd",), TypeError, "gradients[0] has"),
    ("optimizer_step", [[F], [], [F], *PLAIN, [STATE]], ("sgd",), ValueError, "expected (2, 4)"),
    ("optimizer_step", [[V[0]], [], [V[0]], *PLAIN, [STATE]], ("sgd",), ValueError, "none if its"),
    (
        "optimizer_step",
        [[F], [], [F], *PLAIN, [ONE]],
        ("lamb",),
        ValueError,
        "rows go with neither",
    ),
    ("optimizer_step", [[F], [F] * 3, [F], *STEP], ("adafactor",), ValueError, "expected (3,) and"),
    *(
        ("optimizer_step", [[F], [], [F[:2]], *PLAIN, [np.array(rows)]], ("sgd",), IndexError, text)
        for rows, text in [
            ([1, 1], "rows[0] holds 1 at position 1, expected ascending numbers"),
            ([2, 1], "holds 1 at position 1"),
            ([0, 3], "holds 3 at position 1, expected ascending numbers of rows of parameters[0]"),
            ([-1, 0], "holds 0 at position 1"),
            ([-2, -1], "holds -2 at position 0"),
        ]
    ),
    (
        "optimizer_step",
        [[F], [], [F[:2]], RATE, np.zeros(0), ONE, None, None, [F], None, [STATE]],
        ("sgd",),
        ValueError,
        "rows go with neither averages nor accumulators",
    ),
    *(
        ("optimizer_step", [[F], [], [F], *PLAIN[:-1], bad, None], ("sgd",), error, text)
        for bad, error, text in [
            (V, ValueError, "loss_scale has shape (3,)"),
            (np.array(2), TypeError, "loss_scale has dtype int64"),
        ]
    ),
    ("assign", [np.ones(3), np.ones(2)], (), ValueError, "x has shape (2,), expected y's (3,)"),
    ("accumulate", [np.array(0.0), np.ones(1), F], (), ValueError, "count has shape (1,)"),
    ("require_no_nan", [I], ("y_true",), TypeError, "require_no_nan: x has dtype int"),
    ("moments", [I], ((0,),), TypeError, "moments: x has dtype int32"),
    ("moments", [F], ((2,),), ValueError, "moments: axes name an axis beyond the 2 of x"),
    ("cumulative", [B], ("sum", 0), TypeError, "cumulative: x has dtype bool, expected a number"),
    ("cumulative", [F], ("sum", 2), ValueError, "cumulative: axis is 2 but there are 2 axes"),
    ("cumulative", [F], ("max", 0), ValueError, "op is 'max', expected one of sum, prod"),
    ("cumulative_prod_backward", [I, I, I], (0,), TypeError, "dy has dtype int32"),
    ("cumulative_prod_backward", [F, D, F], (0,), TypeError, "x has dtype float64 but dy has"),
    ("cumulative_prod_backward", [F, F, V], (0,), ValueError, "y has shape (3,)"),
    ("sort", [F], (-1,), ValueError, "sort: axis is -1 but there are 2 axes"),
    ("sort", [F], (1, False, 5), ValueError, "sort: count is 5, expected 0 to 4 (or -1: all), the"),
    ("sort", [F], (1, False, -2), ValueError, "sort: count is -2"),
    ("sort", [F], (1, False, -1, False, False), ValueError, "neither values nor indices are want"),
    ("searchsorted", [F, V], (), ValueError, "searchsorted: edges has shape (3, 4)"),
    ("searchsorted", [V, D], (), TypeError, "searchsorted: x has dtype float64 but edges has"),
    ("lerp_list", [[F], [], RATE], (), ValueError, "there are 0 xs, expected one for each of 1"),
    ("lerp_list", [[I], [I], RATE], (), TypeError, "lerp_list: averages[0] has dtype int32"),
    ("lerp_list", [[F], [D], RATE], (), TypeError, "xs[0] has dtype float64 but its average has"),
    ("lerp_list", [[F, V], [F, F], RATE], (), ValueError, "xs[1] has shape (3, 4) but its average"),
    ("lerp_list", [[F], [F], V], (), ValueError, "lerp_list: momentum has shape (3,)"),
    ("scale_list", [[I], np.array(2.0)], (), TypeError, "scale_list: xs[0] has dtype int32"),
    ("elementwise", [[F, D]], (0,), TypeError, "elementwise: xs[1] has dtype float64"),
    ("elementwise", [[I]], (0,), TypeError, "elementwise: xs[0] has dtype int32, expected float"),
    ("elementwise", [[]], (0,), ValueError, "elementwise: xs is an empty list"),
    ("elementwise", [[F, V]], (0,), ValueError, "elementwise: shapes (3, 4) and (3,)"),
    ("elementwise", [[F]], (0, 3), ValueError, "elementwise: outputs is 3, expected 1 to 2"),
    ("elementwise", [[F]], (0, 1, [0.0] * 17), ValueError, "constants: 17 values, expected at"),
]
