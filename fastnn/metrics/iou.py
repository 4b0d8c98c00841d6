"""Intersection over union: how well regions of classes are met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import _core, config, ops
from fastnn.losses.loss import fit_weight
from fastnn.metrics.metric import Metric
from fastnn.tensor import Tensor

_OPTIONS = (
    "num_classes",
    "target_class_ids",
    "ignore_class",
    "sparse_y_true",
    "sparse_y_pred",
    "axis",
)


class IoU(Metric):
    """The mean over classes of true positives / (true and false positives, false negatives).

    Classes that neither occur nor are predicted do not count.

    Args:
        num_classes: how many classes there are; positions where y_true or y_pred is another number
            do not count.
        target_class_ids: the classes to take the mean of.
        ignore_class: a class of y_true whose positions do not count.
        sparse_y_true, sparse_y_pred: whether they are class numbers, else scores along `axis`.
        axis: of the scores.

    Raises:
        ValueError: classes outside the range, shapes that differ.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    _direction = "up"

    _implied: tuple[str, ...] = ()  # options that a subclass does not take

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(dtype, name)
        if not all(0 <= target < num_classes for target in target_class_ids):
            raise ValueError(
                f"{type(self).__name__}: target_class_ids must be in [0, {num_classes}), got "
                f"{list(target_class_ids)}"
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch, with weights of its positions or of the first axes of them: also fractions,
        of which Keras, without a dtype of floats, keeps the integers alone."""
        true = self._classes(y_true, self.sparse_y_true)
        said = self._classes(y_pred, self.sparse_y_pred)
        if true.size != said.size:
            raise ValueError(
                f"{self.name}: y_true has classes of shape {true.shape}, but y_pred of {said.shape}"
            )
        weight = ops.ones((1,) * true.ndim, "float64") if sample_weight is None else sample_weight
        weight = ops.broadcast_to(fit_weight(weight, true.shape, "float64", self.name), true.shape)
        true, said, weight = (ops.reshape(x, (-1,)) for x in (true, said, weight))
        kept = ops.logical_and(self._is_class(true), self._is_class(said))
        if self.ignore_class is not None:
            kept = ops.logical_and(kept, ops.not_equal(true, self.ignore_class))
        cells = ops.where(kept, true * self.num_classes + said, ops.zeros_like(true))
        weight = ops.where(kept, weight, 0.0)
        counts = ops.zeros((self.num_classes**2,), "float64")
        _core.scatter_add(counts, weight, cells, 0)
        self.total_cm.assign_add(ops.reshape(counts, self.total_cm.shape))

    def _classes(self, given: Any, sparse: bool) -> Tensor:
        given = ops.convert_to_tensor(given).detach()
        return ops.cast(given if sparse else ops.argmax(given, axis=self.axis), "int64")

    def _is_class(self, numbers: Tensor) -> Tensor:
        return ops.logical_and(ops.greater_equal(numbers, 0), ops.less(numbers, self.num_classes))

    def result(self) -> Tensor:
        hits = ops.diagonal(self.total_cm)
        union = ops.sum(self.total_cm, axis=0) + ops.sum(self.total_cm, axis=1) - hits
        hits = ops.take(hits, self.target_class_ids)
        union = ops.take(union, self.target_class_ids)
        counted = ops.sum(ops.cast(ops.greater(union, 1e-9), "float64"))
        shares = ops.sum(hits / (union + config.epsilon()))
        return _core.copy(shares / (counted + config.epsilon()), self.dtype)

    def get_config(self) -> dict:
        own = {name: getattr(self, name) for name in _OPTIONS if name not in self._implied}
        return {**super().get_config(), **own}


class BinaryIoU(IoU):
    """The `IoU` of no and yes: `y_pred >= threshold`.

    >>> import fastnn as fn
    >>> m = fn.metrics.BinaryIoU(threshold=0.3)
    >>> round(float(m([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
    0.3333
    """

    _implied = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: str | None = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        said = ops.greater_equal(ops.convert_to_tensor(y_pred), self.threshold)
        super().update_state(y_true, said, sample_weight)

    def get_config(self) -> dict:
        return {**super().get_config(), "threshold": self.threshold}


class MeanIoU(IoU):
    """The `IoU` of all classes.

    >>> import fastnn as fn
    >>> round(float(fn.metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    _implied: tuple[str, ...] = ("target_class_ids",)

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        targets = range(num_classes)
        super().__init__(
            num_classes, targets, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis
        )


class OneHotIoU(IoU):
    """The `IoU` of one-hot targets and of scores.

    >>> import fastnn as fn
    >>> m = fn.metrics.OneHotIoU(num_classes=2, target_class_ids=[1])
    >>> round(float(m([[1, 0], [0, 1]], [[0.3, 0.7], [0.1, 0.9]])), 4)
    0.5
    """

    _implied = ("sparse_y_true",)

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """The `MeanIoU` of one-hot targets and of scores.

    >>> import fastnn as fn
    >>> float(fn.metrics.OneHotMeanIoU(2)([[1, 0], [0, 1]], [[0.7, 0.3], [0.1, 0.9]])) > 0.99
    True
    """

    _implied = ("target_class_ids", "sparse_y_true")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
