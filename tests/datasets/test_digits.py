"""The embedded digits against the copy that scikit-learn ships."""

import numpy as np
import pytest

from fastnn.datasets import digits


def test_split_is_complete_and_fixed():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1437, 8, 8) and x_test.shape == (360, 8, 8)
    assert x_train.dtype == y_train.dtype == np.uint8
    assert x_train.max() == 16 and x_train.min() == 0
    # The published class counts of the UCI test set.
    counts = np.bincount(np.concatenate([y_train, y_test]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    again = digits.load_data()
    assert np.array_equal(again[1][0], x_test)


@pytest.mark.parity
def test_same_images_as_scikit_learn():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    ours = {(x.tobytes(), int(y)) for x, y in zip(x_train, y_train)}
    ours |= {(x.tobytes(), int(y)) for x, y in zip(x_test, y_test)}
    images = theirs.images.astype(np.uint8)
    assert ours == {(x.tobytes(), int(y)) for x, y in zip(images, theirs.target)}
