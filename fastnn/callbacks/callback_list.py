"""Several callbacks as one, calling only the hooks that somebody has overridden."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastnn.callbacks.callback import Callback, History, has_hook

_HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class CallbackList:
    """Calls each callback in order; it has the hooks that a callback has.

    Args:
        callbacks: a callback, several, or None.
        add_history: put a History at the end, unless there is one.
        model: given to each callback.
        params: "epochs", "steps", "verbose".

    Raises:
        TypeError: something that has no hooks.

    >>> import fastnn as fn
    >>> show = fn.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: print(epoch))
    >>> fn.callbacks.CallbackList([show]).on_epoch_begin(3)
    3
    """

    # Made below from those of Callback.
    on_train_begin: Callable[..., None]
    on_train_end: Callable[..., None]
    on_epoch_begin: Callable[..., None]
    on_epoch_end: Callable[..., None]
    on_batch_begin: Callable[..., None]
    on_batch_end: Callable[..., None]
    on_train_batch_begin: Callable[..., None]
    on_train_batch_end: Callable[..., None]
    on_test_begin: Callable[..., None]
    on_test_end: Callable[..., None]
    on_test_batch_begin: Callable[..., None]
    on_test_batch_end: Callable[..., None]
    on_predict_begin: Callable[..., None]
    on_predict_end: Callable[..., None]
    on_predict_batch_begin: Callable[..., None]
    on_predict_batch_end: Callable[..., None]

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        model: Any = None,
        **params: Any,
    ):
        self.callbacks = list(_flat(callbacks))
        for callback in self.callbacks:
            if isinstance(callback, type) or not hasattr(callback, "set_model"):
                raise TypeError(f"callbacks: expected Callback objects, got {callback!r}")
        self.history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if add_history and self.history is None:
            self.history = History()
            self.callbacks.append(self.history)
        self.model = model
        self.params = params
        for callback in self.callbacks:
            if model is not None:
                callback.set_model(model)
            callback.set_params(params)
        self._hooks: dict[str, list[Callable]] = {}

    def hooks(self, name: str) -> list[Callable]:
        """The overridden hooks of that name."""
        found = self._hooks.get(name)
        if found is None:
            found = [getattr(c, name) for c in self.callbacks if has_hook(c, name)]
            self._hooks[name] = found
        return found

    def __enter__(self) -> CallbackList:
        return self

    def __exit__(self, *exception: Any) -> None:
        """An exception passes on when every callback has undone what must not stay."""
        if exception[0] is not None:
            for callback in self.callbacks:
                getattr(callback, "_on_error", lambda: None)()

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)


def _flat(callbacks: Any) -> Iterable[Any]:
    if callbacks is None:
        return
    if isinstance(callbacks, (list, tuple, CallbackList)):
        for callback in callbacks:
            yield from _flat(callback)
    else:
        yield callbacks


def _counted(name: str) -> Callable:
    def call(self: CallbackList, number: int, logs: dict | None = None) -> None:
        for hook in self.hooks(name):
            hook(number, {} if logs is None else logs)

    return call


def _plain(name: str) -> Callable:
    def call(self: CallbackList, logs: dict | None = None) -> None:
        for hook in self.hooks(name):
            hook({} if logs is None else logs)

    return call


for _name in _HOOKS:
    _make = _counted if "batch" in _name or "epoch" in _name else _plain
    setattr(CallbackList, _name, _make(_name))
