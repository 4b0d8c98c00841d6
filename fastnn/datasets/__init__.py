"""Data sets: ``load_data()`` of each returns ``((x_train, y_train), (x_test, y_test))``."""

from fastnn.datasets import (
    atis,
    cifar10,
    digits,
    easy_vqa,
    fashion_mnist,
    go,
    mnist,
    reuters,
    tatoeba,
)

__all__ = [
    "atis",
    "cifar10",
    "digits",
    "easy_vqa",
    "fashion_mnist",
    "go",
    "mnist",
    "reuters",
    "tatoeba",
]
