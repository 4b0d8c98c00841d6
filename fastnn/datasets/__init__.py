"""Data sets: ``load_data()`` of each gives its training part and its testing part."""

from fastnn.datasets import atis, cifar10, digits, easy_vqa, fashion_mnist, fsdd, go, mnist, reuters

__all__ = [
    "atis",
from fastnn.datasets import (
    atis,
    babi,
    cifar10,
    digits,
    easy_vqa,
    fashion_mnist,
    go,
    imdb,
    mnist,
    reuters,
    tiny_shakespeare,
    wikitext2,
)
    "babi",
    tatoeba,
    "cifar10",
    "digits",
    "easy_vqa",
    "fashion_mnist",
    "fsdd",
    "go",
    "mnist",
    "reuters",
    "imdb",
    "tiny_shakespeare",
    "wikitext2",
    "tatoeba",
]
