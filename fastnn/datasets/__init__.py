"""Data sets: ``fn.datasets.NAME.load_data()`` returns ``((x_train, y_train), (x_test, y_test))``."""

from fastnn.datasets import digits, fashion_mnist, mnist

__all__ = ["digits", "fashion_mnist", "mnist"]
