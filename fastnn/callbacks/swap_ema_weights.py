"""Evaluates with the moving averages of the weights."""

from __future__ import annotations

from fastnn.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Puts the moving averages that the optimizer keeps in the place of the weights while the
    model is evaluated, in `fit` too, or predicts; then the weights come back.

    Args:
        swap_on_epoch: let the averages stay from the end of an epoch to the beginning of the next
            one, for the callbacks that follow in the list, such as ModelCheckpoint. (A
            BackupAndRestore must see the weights that are trained: it goes before.)

    Raises:
        ValueError: in training: the optimizer has no averages: make it with `use_ema=True`.

    However `fit` ends, no weights are lost: after an error they are the trained ones, else the
    averages, as always with `use_ema`.

    >>> import fastnn as fn, numpy as np
    >>> model = fn.Sequential([fn.Input((2,)), fn.layers.Dense(1)])
    >>> model.compile(fn.optimizers.SGD(0.1, use_ema=True), "mse")
    >>> x, y = np.ones((4, 2)), np.ones((4, 1))
    >>> swap = fn.callbacks.SwapEMAWeights()
    >>> logs = model.fit(x, y, verbose=0, validation_data=(x, y), callbacks=[swap]).history
    >>> logs["val_loss"][0] == model.evaluate(x, y, verbose=0)  # after fit: the averages
    True
    """

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._own: list | None = None  # the trained weights while the averages are in the model

    def _swap_in(self) -> None:
        optimizer = self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                f"SwapEMAWeights: the optimizer must be made with use_ema=True, got {optimizer!r}"
            )
        if self._own is None:
            variables = self.model.trainable_variables
            self._own = [(variable, variable.numpy().copy()) for variable in variables]
            optimizer.finalize_variable_values(variables)

    def _swap_out(self) -> None:
        for variable, value in self._own or ():
            variable.assign(value)
        self._own = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._swap_out()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.swap_on_epoch:
            self._swap_in()

    def on_train_end(self, logs: dict | None = None) -> None:
        self._own = None  # `fit` has put the averages in their place for good

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._swap_in()

    def on_test_end(self, logs: dict | None = None) -> None:
        self._swap_out()

    def on_predict_begin(self, logs: dict | None = None) -> None:
        self._swap_in()

    def on_predict_end(self, logs: dict | None = None) -> None:
        self._swap_out()

    def _on_error(self) -> None:
        self._swap_out()
