"""Names of layers and models: snake_case of the class and a counter per process."""

from __future__ import annotations

import re

_counters: dict[str, int] = {}


def to_snake_case(name: str) -> str:
    """The snake_case form of a class name.

    >>> to_snake_case("SimpleRNN"), to_snake_case("Conv2DTranspose"), to_snake_case("Dense")
    ('simple_rnn', 'conv2d_transpose', 'dense')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(class_name: str) -> str:
    """The next free name for an object of that class: dense, dense_1, dense_2 ..."""
    return counted(to_snake_case(class_name), _counters)


def counted(prefix: str, counters: dict[str, int]) -> str:
    """``prefix`` the first time it is asked of ``counters``, then prefix_1, prefix_2 ..."""
    count = counters.get(prefix, 0)
    counters[prefix] = count + 1
    return f"{prefix}_{count}" if count else prefix


def clear_session(free_memory: bool = True) -> None:
    """Starts the counters of automatic names anew; ``free_memory`` also empties the buffer pool."""
    _counters.clear()
    if free_memory:
        from fastnn import _core

        _core.release_memory()
