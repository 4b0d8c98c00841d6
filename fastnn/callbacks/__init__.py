"""Callbacks by Keras's names.

Left out: `RemoteMonitor` (it posts logs to a server of its own kind and needs the package requests;
a `LambdaCallback` does as much) and `OrbaxCheckpoint` (JAX's format; `ModelCheckpoint` and
`BackupAndRestore` save all that it does). `TensorBoard` needs tensorboardX (extra `tensorboard`).
"""

from fastnn.callbacks.annealed_dropout import AnnealedDropout
from fastnn.callbacks.backup_and_restore import BackupAndRestore
from fastnn.callbacks.callback import Callback, History, LambdaCallback
from fastnn.callbacks.callback_list import CallbackList
from fastnn.callbacks.csv_logger import CSVLogger
from fastnn.callbacks.early_stopping import EarlyStopping
from fastnn.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from fastnn.callbacks.model_checkpoint import ModelCheckpoint
from fastnn.callbacks.progbar_logger import ProgbarLogger
from fastnn.callbacks.swap_ema_weights import SwapEMAWeights
from fastnn.callbacks.tensorboard import TensorBoard
from fastnn.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "AnnealedDropout",
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
