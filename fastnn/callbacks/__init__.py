"""Callbacks by Keras's names."""

from fastnn.callbacks.callback import Callback, History, LambdaCallback
from fastnn.callbacks.callback_list import CallbackList

__all__ = ["Callback", "CallbackList", "History", "LambdaCallback"]
