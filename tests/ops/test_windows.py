"""Arguments of operations with windows: padding, extents, messages."""

import itertools
import math

import pytest

from fastnn.backends.reference.windows import Windows
from fastnn.ops import windows

CASES = list(itertools.product((5, 6, 9), (1, 2, 3), (1, 2, 3), (1, 2)))


@pytest.mark.parametrize("n, k, s, d", CASES)
def test_extents_are_counted_windows(n, k, s, d):
    """'valid': windows within the input; 'same': one for every stride begun."""
    reach = (k - 1) * d
    within = len([o for o in range(0, n, s) if o + reach < n])
    assert windows.output_extents("f", "valid", (n,), (k,), (s,), (d,)) == (within,)
    assert windows.output_extents("f", "same", (n,), (k,), (s,), (d,)) == (math.ceil(n / s),)
    before, after = windows.pads_of("f", "same", (n,), (k,), (s,), (d,))
    assert after - before in (0, 1)
    for pads in ((0, 0), (before, after)):
        out = windows.output_extents("f", [pads], (n,), (k,), (s,), (d,))
        assert Windows((n,), (k,), (s,), pads, (d,)).out == out


@pytest.mark.parametrize(
    "n, k, s, p, expected", [(5, 2, 2, 0, 3), (6, 3, 2, 1, 4), (4, 2, 3, 1, 2)]
)
def test_ceil_counts_windows_that_start_inside(n, k, s, p, expected):
    assert Windows((n,), (k,), (s,), (p, p), ceil=True).out == (expected,)


def test_unknown_extents_stay_unknown():
    assert windows.output_extents("f", "same", (None, 5), (2, 2), (2, 2), (1, 1)) == (None, 3)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: windows.per_axis("f", "strides", 0, 2), "f: strides is 0, expected an integer of"),
        (lambda: windows.per_axis("f", "strides", (1, 2, 3), 2), "or 2 of them"),
        (lambda: windows.per_axis("f", "strides", 1.5, 2), "f: strides is 1.5"),
        (lambda: windows.data_format_of("f", "NHWC"), "f: data_format is 'NHWC'"),
        (lambda: windows.pads_of("f", "full", (4,), (2,), (1,), (1,)), "f: padding is 'full'"),
        (lambda: windows.pads_of("f", [(1, -1)], (4,), (2,), (1,), (1,)), "f: padding is"),
        (
            lambda: windows.output_extents("f", "valid", (2,), (2,), (1,), (3,)),
            r"f: a window covers \(4,\) elements but the input has spatial shape \(2,\)",
        ),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
