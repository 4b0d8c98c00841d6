"""The state of the layer calls that run in a thread."""

from __future__ import annotations

import threading


class Context(threading.local):
    """What layers hand to the calls within their own."""

    training: bool | None = None  # what the outermost call was given
    depth = 0  # calls that hold others
    path: tuple[str, ...] = ()  # names of the layers that are being built
    on_trial = False  # whether a call is made for the shapes of its results alone
    losses = False  # whether any layer has called add_loss
    budget: int | None = None  # how many elements of weights a file that is loaded holds


context = Context()
