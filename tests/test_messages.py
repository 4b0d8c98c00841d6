"""Values in messages: whole where they are short, else a part."""

import numpy as np
import pytest

from fastnn.messages import shown


@pytest.mark.parametrize("value", ["cat", -7, 1.5, None, True, ("a", 1, 3), [], b"x"])
def test_short_ones(value):
    assert shown(value) == repr(value)


def test_long_ones():
    text = "a" * 10**6
    for value in (text, text.encode(), 10**400, -(10**5000), [text[:50]] * 50, np.zeros((9, 9))):
        assert len(shown(value)) <= 40
