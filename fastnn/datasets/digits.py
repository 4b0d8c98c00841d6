"""Handwritten digits, 8x8: the data set that comes with fastnn."""

from pathlib import Path

import numpy as np

_FILE = Path(__file__).parent / "data" / "digits.npz"
_TRAIN = 1437


def load_data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Loads the UCI optical recognition of handwritten digits.

    1,797 real images of 8x8 cells, in each cell the number (0 to 16) of dark pixels of a 4x4
    block of the scan; ten classes. Split by a fixed permutation: the same on every machine.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: uint8 arrays of shapes (1437, 8, 8), (1437,),
        (360, 8, 8), (360,).

    Source: E. Alpaydin and C. Kaynak, "Cascading classifiers", Kybernetika 34 (1998);
    https://doi.org/10.24432/C50P49 (CC BY 4.0).

    >>> import fastnn as fn
    >>> (x_train, y_train), (x_test, y_test) = fn.datasets.digits.load_data()
    >>> x_train.shape, y_test.shape
    ((1437, 8, 8), (360,))
    """
    with np.load(_FILE) as archive:
        images, labels = archive["images"], archive["labels"]
    order = np.random.RandomState(0).permutation(len(images))
    train, test = order[:_TRAIN], order[_TRAIN:]
    return (images[train], labels[train]), (images[test], labels[test])
