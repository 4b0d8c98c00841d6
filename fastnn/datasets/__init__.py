"""Data sets: ``load_data()`` of each gives its training part and its testing part."""

from fastnn.datasets import (
    atis,
    babi,
    cifar10,
    digits,
    easy_vqa,
    fashion_mnist,
    fsdd,
    go,
    imdb,
    mnist,
    reuters,
    tatoeba,
    tiny_shakespeare,
    wikitext2,
)

__all__ = [
    "atis",
    "babi",
    "cifar10",
    "digits",
    "easy_vqa",
    "fashion_mnist",
    "fsdd",
    "go",
    "imdb",
    "mnist",
    "reuters",
    "tatoeba",
    "tiny_shakespeare",
    "wikitext2",
]
