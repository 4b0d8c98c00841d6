"""Callbacks by Keras's names."""

from fastnn.callbacks.annealed_dropout import AnnealedDropout
from fastnn.callbacks.callback import Callback, History, LambdaCallback
from fastnn.callbacks.callback_list import CallbackList

__all__ = ["AnnealedDropout", "Callback", "CallbackList", "History", "LambdaCallback"]
