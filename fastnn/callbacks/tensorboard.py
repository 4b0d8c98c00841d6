"""Figures of training for TensorBoard, through tensorboardX."""

from __future__ import annotations

import os
import time
from typing import Any

from fastnn.callbacks.callback import Callback
from fastnn.callbacks.files import call_every, check_folder


class TensorBoard(Callback):
    """Writes figures and histograms of weights that `tensorboard --logdir logs` shows, into the
    folders and under the names that Keras uses: `epoch_loss` in `train` and in `validation`.

    Args:
        log_dir: the folder, made if need be.
        histogram_freq: write histograms of all weights every so many epochs; 0: never.
        write_graph: accepted for Keras's sake: no graph is written.
        write_images, profile_batch, embeddings_freq, embeddings_metadata: nothing but the default.
        write_steps_per_second: write that too.
        update_freq: "epoch"; "batch" or a number of batches: write `batch_loss` ... as well, by
            the number of the optimizer's updates.

    Raises:
        ImportError: tensorboardX (extra `tensorboard`) is not installed.
        ValueError: an argument that must be left at its default, a bad `update_freq`.
        OSError: in training: the folder cannot be written to.

    >>> import fastnn as fn
    >>> try:
    ...     callbacks = [fn.callbacks.TensorBoard("logs", histogram_freq=1)]
    ... except ImportError:  # an extra package: pip install 'fastnn[tensorboard]'
    ...     callbacks = []
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        super().__init__()
        for name, value in (
            ("write_images", write_images),
            ("profile_batch", profile_batch),
            ("embeddings_freq", embeddings_freq),
            ("embeddings_metadata", embeddings_metadata),
        ):
            if value:
                raise ValueError(f"TensorBoard: {name} is not supported, got {value!r}")
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoard: needs tensorboardX: pip install 'fastnn[tensorboard]'"
            ) from error
        self._make_writer = SummaryWriter
        self._writers: dict[str, Any] = {}
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = update_freq
        self._epoch_began = (0, 0.0)  # the updates so far, the time
        frequency = 1 if update_freq == "batch" else update_freq
        call_every(self, "update_freq", frequency, self._write_batch)

    def _write(self, kind: str, figures: dict, step: int) -> None:
        if kind not in self._writers:
            self._writers[kind] = self._make_writer(os.path.join(self.log_dir, kind))
        for name, value in figures.items():
            self._writers[kind].add_scalar(name, value, step)

    def _updates(self) -> int:
        return int(self.model.optimizer.iterations)

    def _write_batch(self, batch: int, logs: dict) -> None:
        figures = {f"batch_{name}": value for name, value in logs.items()}
        self._write("train", figures, self._updates())

    def on_train_begin(self, logs: dict | None = None) -> None:
        check_folder("TensorBoard: log_dir", self.log_dir)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch_began = (self._updates(), time.perf_counter())

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        train: dict = {}
        validation: dict = {}
        for name, value in (logs or {}).items():
            (validation if name.startswith("val_") else train)[
                f"epoch_{name.removeprefix('val_')}"
            ] = value
        train["epoch_learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            updates, began = self._epoch_began
            took = time.perf_counter() - began
            train["epoch_steps_per_second"] = (self._updates() - updates) / took
        self._write("train", train, epoch)
        if validation:
            self._write("validation", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for variable in self.model.weights:
                values = variable.numpy()
                self._writers["train"].add_histogram(f"{variable.path}/histogram", values, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _on_error(self) -> None:
        self.on_train_end()
