"""Calls that every backend refuses: classes, sequences, attention."""

import numpy as np

from .refused_operands import (
    ATTENDED,
    ATTENTION,
    CTC,
    FRAMES,
    HALF,
    LENGTHS,
    RATE,
    RNN,
    RNN_KEPT,
    ROW,
    SIGNAL,
    STATE,
    B,
    D,
    F,
    I,
    V,
)

# primitive, operands, attributes, exception, what its message says
ROWS = [
    ("softmax", [I], (), TypeError, "softmax: x has dtype int32"),
    ("softmax", [F], (2,), ValueError, "softmax: axis is 2 but there are 2 axes"),
    ("softmax_backward", [F, V], (), ValueError, "softmax_backward: y has shape (3,) but dy"),
    (
        "cross_entropy",
        [F, np.array([0, 4, 1]), None],
        (),
        ValueError,
        "cross_entropy: label 4 at row 1 is out of range for 4 classes",
    ),
    ("cross_entropy", [F, STATE, None], (), ValueError, "cross_entropy: labels has shape (2,)"),
    ("cross_entropy", [F, D, None], (), TypeError, "cross_entropy: labels has dtype float64"),
    ("cross_entropy", [F, F, ROW], (), ValueError, "sample_weight has shape (4,)"),
    ("binary_cross_entropy", [F, F, None], (1.5,), ValueError, "smoothing is 1.5"),
    *(
        ("ctc_loss", [*CTC[:i], x, *CTC[i + 1 :]], (blank, False), error, "ctc_loss: " + message)
        for i, x, blank, error, message in [
            (0, I, 0, TypeError, "output has dtype int32"),
            (0, F, 0, ValueError, "output has shape (3, 4), expected 3"),
            (0, FRAMES[..., :0], 0, ValueError, "mask_index is 0, expected one of 0 "),
            (0, FRAMES[..., :3], 0, ValueError, "label 3 at (0, 2) of target is out of range for"),
            (1, F, 0, TypeError, "target has dtype float32"),
            (
                1,
                CTC[1][:1],
                0,
                ValueError,
                "target has shape (1, 3), expected (2, most labels), a",
            ),
            (
                1,
                -CTC[1],
                0,
                ValueError,
                "label -1 at (0, 0) of target is out of range for 4 class",
            ),
            (1, CTC[1], 2, ValueError, "label 2 at (0, 1) of target is the blank"),
            (1, CTC[1], 4, ValueError, "mask_index is 4, expected one of 4"),
            (1, CTC[1], -1, ValueError, "mask_index is -1, expected one of 4"),
            (2, np.array([5]), 0, ValueError, "output_length has shape (1,), expected (2,), one"),
            (2, np.array([5, 6]), 0, ValueError, "output_length is 6 for example 1, expected 0 to"),
            (3, V[:2], 0, TypeError, "target_length has dtype float32"),
            (3, np.array([3, -1]), 0, ValueError, "target_length is -1 for example 1, expected 0"),
            (3, np.array([3, 3]), 0, ValueError, "label 0 at (1, 2) of target is the blank"),
        ]
    ),
    *(
        ("rnn", [*RNN[:i], x, *RNN[i + 1 :]], ("lstm", *rule), error, "rnn: " + message)
        for i, x, rule, error, message in [
            (0, B, (), TypeError, "inputs has dtype bool, expected int32 or int64 or float32 or"),
            (0, np.array([1, 2]), (), ValueError, "inputs has shape (2,), expected 2 axes"),
            (
                0,
                np.full((5, 2), 3),
                (),
                IndexError,
                "index 3 at position 0 is out of range for axis 0 of extent 3",
            ),
            (0, np.full((5, 2), -1), (), IndexError, "index -1 at position 0 is out of range"),
            (0, F, (), ValueError, "inputs has shape (3, 4), expected 3 ax"),
            (1, RNN[1][:1], (), ValueError, "weights has 1 arrays, expected 2 or 3 for each dir"),
            (1, [F, F, F, F], (), ValueError, "weights has 4 arrays, expected 2 or 3"),
            (1, [RNN[1][0], F], (), ValueError, "weights[1] has shape (3, 4), expected (units, 4"),
            (
                1,
                [F, RNN[1][1]],
                (),
                ValueError,
                "weights[0] has shape (3, 4), expected (3, 8), the",
            ),
            (
                1,
                [*RNN[1][:2], F],
                (),
                ValueError,
                "weights[2] has shape (3, 4), expected (8,), the",
            ),
            (
                1,
                [RNN[1][0].astype(float), RNN[1][1]],
                (),
                TypeError,
                "weights[0] has dtype float64",
            ),
            (2, [V], (), ValueError, "initial_state has 1 arrays, expected 2"),
            (
                2,
                [V, V],
                (),
                ValueError,
                "initial_state[0] has shape (3,), expected (5, 2), a state",
            ),
            (3, F, (), TypeError, "mask has dtype float32, expected bool"),
            (3, B, (), ValueError, "mask has shape (3, 4), expected (5, 2), one value a step"),
            (2, None, ("tanh", "sigmoid", 3), ValueError, "directions is 3, expected 1 or 2"),
            (2, None, ("gelu",), ValueError, "activation"),
        ]
    ),
    *(
        ("rnn_backward", [*operands, *kept], ("lstm",), ValueError, "rnn_backward: " + message)
        for operands, kept, message in [
            (
                [None, None, np.zeros((5, 2), int), RNN[1], None],
                RNN_KEPT,
                "want_dx is true, but ids",
            ),
            ([F, None, *RNN[:2], None], RNN_KEPT, "dy is not what rnn returned: expected 1 arrays"),
            ([None, None, *RNN[:2], None], ([], RNN_KEPT[1]), "gates is not what rnn returned"),
            ([None, None, *RNN[:2], None], RNN_KEPT[::-1], "gates is not what rnn returned: exp"),
            ([None, [V], *RNN[:2], None], RNN_KEPT, "dlast has 1 arrays, expected 2"),
        ]
    ),
    *(
        (
            primitive,
            [*before, *ATTENTION[:i], x, *ATTENTION[i + 1 :]],
            (),
            error,
            f"{primitive}: {message}",
        )
        for primitive, before in (("attention", []), ("attention_backward", ATTENDED))
        for i, x, error, message in [
            (0, np.zeros((2, 3, 4, 6), np.int32), TypeError, "q has dtype int32"),
            (0, F, ValueError, "q has shape (3, 4), expected 4 axes"),
            (1, np.zeros((2, 5, 2, 6)), TypeError, "k has dtype float64 but q has float32"),
            (1, F, ValueError, "k has shape (3, 4), expected 4 axes"),
            (
                1,
                ATTENTION[1][:1],
                ValueError,
                "k has shape (1, 5, 2, 6), expected 2 on axis 0",
            ),
            (
                1,
                ATTENTION[2],
                ValueError,
                "k has shape (2, 5, 2, 7), expected 6 on axis 3",
            ),
            (2, np.zeros((2, 5, 2, 7)), TypeError, "v has dtype float64 but q has float32"),
            (2, ATTENTION[2][:, :4], ValueError, "v has shape (2, 4, 2, 7), expected 5 on axis 1"),
            (
                2,
                ATTENTION[2][:, :, :1],
                ValueError,
                "v has shape (2, 5, 1, 7), expected 2 on",
            ),
            (3, SIGNAL, TypeError, "mask has dtype float32, expected bool"),
            (3, B, ValueError, "mask has shape (3, 4), expected 4 axes"),
            (
                3,
                np.zeros((2, 4, 5, 3), bool),
                ValueError,
                "mask has shape (2, 4, 5, 3), which does not broadcast to (2, 4, 3, 5): batch, hea",
            ),
            (4, HALF, ValueError, "rate and "),
            (4, RATE, TypeError, "rate has dtype float64 but q has float32"),
            (5, STATE, ValueError, "rate and "),
        ]
    ),
    (
        "attention",
        [ATTENTION[0][:, :, :3], *ATTENTION[1:]],
        (),
        ValueError,
        "attention: q has 3 heads, expected a multiple of the 2 of k",
    ),
    ("attention", [*ATTENTION[:4], HALF, np.zeros(3, np.int64)], (), ValueError, "state has shape"),
    ("attention", [*ATTENTION[:4], -HALF, STATE], (), ValueError, "attention: rate is -0.5"),
    (
        "attention_backward",
        [*ATTENDED, *ATTENTION[:4], -HALF, STATE],
        (),
        ValueError,
        "attention_backward: rate is -0.5",
    ),
    *(
        (
            "attention_backward",
            [*ATTENDED[:i], x, *ATTENDED[i + 1 :], *ATTENTION],
            (),
            error,
            f"attention_backward: {message}",
        )
        for i, x, error, message in [
            (0, ATTENTION[0], ValueError, "dy has shape (2, 3, 4, 6), expected (2, 3, 4, 7)"),
            (0, ATTENDED[0].astype("float64"), TypeError, "dy has dtype float64 but q has float32"),
            (1, ATTENTION[2], ValueError, "y has shape (2, 5, 2, 7), expected (2, 3, 4, 7)"),
            (2, F, ValueError, "lse has shape (3, 4), expected (2, 4, 3)"),
        ]
    ),
    *(
        ("ctc_decode", [log_probs, lengths], attributes, error, "ctc_decode: " + message)
        for log_probs, lengths, attributes, error, message in [
            (I, LENGTHS, (5, 1, 0), TypeError, "inputs has dtype int32"),
            (F, LENGTHS, (5, 1, 0), ValueError, "inputs has shape (3, 4), expected 3"),
            (
                FRAMES,
                LENGTHS[:1],
                (5, 1, 0),
                ValueError,
                "sequence_lengths has shape (1,), exp",
            ),
            (
                FRAMES,
                LENGTHS * 2,
                (5, 1, 0),
                ValueError,
                "sequence_lengths is 10 for example 0",
            ),
            (FRAMES, LENGTHS, (0, 1, 0), ValueError, "beam_width is 0, expected 1 or more"),
            (FRAMES, LENGTHS, (5, 6, 0), ValueError, "top_paths is 6, expected 1 to beam_width, 5"),
            (FRAMES, LENGTHS, (5, 0, 0), ValueError, "top_paths is 0, expected 1 to beam_width, 5"),
            (FRAMES, LENGTHS, (5, 1, 4), ValueError, "mask_index is 4, expected one of 4 classes"),
            (
                FRAMES,
                LENGTHS,
                (2**62, 1, 0),
                OverflowError,
                "a beam_width of 4611686018427387904",
            ),
        ]
    ),
]
