"""Data of fit, evaluate and predict: arrays made ready once, or batches from an iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from fastnn import _core, config
from fastnn.dtypes import FLOATS
from fastnn.losses.loss import check_no_nan
from fastnn.tensor import Tensor, from_data
from fastnn.utils import tree
from fastnn.utils.batches import unpack_x_y_sample_weight

DEFAULT_BATCH = 32
# Of arrays that tensors may lie in; names of NumPy's dtypes take long to make.
SHARED = frozenset(map(np.dtype, (*FLOATS, "int32", "int64", "uint8")))


class ArrayData:
    """Arrays of equal length, cut into batches.

    Labels (an integer a sample) become int64, and other integers stay. Floats become floatx batch
    by batch: NumPy's arrays are not copied if they lie as tensors do.

    Args:
        x, y, sample_weight: arrays, or lists, tuples and dictionaries of them.
        batch_size: 32 if None; with a number of `steps` what makes so many of a pass.
        class_weight: weight of each label, for sample weights.

    Raises:
        ValueError: no samples, lengths that differ, NaN in targets or weights.
        TypeError: arrays that do not hold numbers.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        class_weight: dict | None = None,
        steps: int | None = None,
    ):
        self.batch_size = check_batch_size(batch_size)
        parts = convert(x, y, sample_weight, class_weight, whole=True)
        self.structure = parts
        self.columns = tree.flatten([part for part in parts if part is not None])
        self.rows = self.columns[0].shape[0]
        if not self.rows:
            raise ValueError("x has no samples")
        if batch_size is None:
            self.divide(steps)

    @property
    def steps(self) -> int:
        """The number of batches of a pass; the last may be smaller."""
        return -(-self.rows // self.batch_size)

    def divide(self, steps: int | None) -> None:
        """Cuts a pass into so many batches, if that is a number."""
        if steps is not None:
            self.batch_size = -(-self.rows // steps)

    def part(self, start: int, stop: int) -> ArrayData:
        """The samples from `start` to `stop`, without a copy."""
        cut = object.__new__(ArrayData)
        cut.batch_size = self.batch_size
        cut.structure = tuple(
            part if part is None else tree.map_structure(lambda t: _core.rows(t, start, stop), part)
            for part in self.structure
        )
        cut.columns = tree.flatten([part for part in cut.structure if part is not None])
        cut.rows = stop - start
        return cut

    def drop_weights(self) -> None:
        """Forgets the sample weights."""
        self.structure = (*self.structure[:2], None)
        self.columns = tree.flatten([part for part in self.structure if part is not None])

    def batches(self) -> Iterator[tuple]:
        """(x, y, sample_weight) batch by batch, without copies."""
        columns, pack = self.columns, self._packer()
        plain = all(batch_dtype(t) == t.dtype for t in columns)
        for start in range(0, self.rows, self.batch_size):
            stop = min(start + self.batch_size, self.rows)
            flat = [_core.rows(t, start, stop) for t in columns]
            yield pack(flat if plain else [_core.copy(t, batch_dtype(t)) for t in flat])

    def _packer(self) -> Callable[[list], tuple]:
        """The function from a batch's columns to its (x, y, sample_weight)."""
        present = [part is not None for part in self.structure]
        if not any(tree.is_nested(part) for part in self.structure):
            if present == [True, True, False]:
                return lambda flat: (flat[0], flat[1], None)
            if present == [True, False, False]:
                return lambda flat: (flat[0], None, None)
        counts = [len(tree.flatten(p)) if p is not None else 0 for p in self.structure]

        def pack(flat: list) -> tuple:
            parts, start = [], 0
            for part, count in zip(self.structure, counts):
                leaves = flat[start : start + count]
                parts.append(tree.pack_sequence_as(part, leaves) if count else None)
                start += count
            return tuple(parts)

        return pack


class IterableData:
    """Batches from a generator, or from an object that can be iterated over again and again.

    A batch is x, (x,), (x, y) or (x, y, sample_weight). An object with `__getitem__` and
    `__len__` is taken for a list of batches.
    """

    rows = None
    steps: int | None = None

    def __init__(self, source: Any, class_weight: dict | None = None):
        self.source = source
        self.class_weight = class_weight
        if hasattr(source, "__len__"):
            with suppress(TypeError):  # of a loader of data that has no length
                self.steps = len(source)
        if self.steps == 0:
            raise ValueError("x has no batches")
        self.renewable = not isinstance(source, Iterator)

    def batches(self) -> Iterator[tuple]:
        """(x, y, sample_weight) batch by batch."""
        for item in self._items():
            x, y, weight = unpack_x_y_sample_weight(item)
            yield convert(x, y, weight, self.class_weight)

    def _items(self) -> Iterable:
        if hasattr(self.source, "__iter__"):
            return self.source
        return (self.source[i] for i in range(self.steps))  # type: ignore[arg-type]


def make_data(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    class_weight: dict | None = None,
    steps: int | None = None,
) -> ArrayData | IterableData:
    """The data that the arguments of `fit` mean."""
    if x is None:
        raise ValueError("x is missing: pass arrays or an iterable of batches")
    if isinstance(x, (ArrayData, IterableData)):
        return x
    if is_arrays(x):
        return ArrayData(x, y, sample_weight, batch_size, class_weight, steps)
    if not (hasattr(x, "__iter__") or hasattr(x, "__getitem__")):
        raise TypeError(f"x: expected arrays or an iterable of batches, got {type(x).__name__}")
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(f"{name} must not be given when x yields batches")
    return IterableData(x, class_weight)


def is_arrays(x: Any) -> bool:
    """Whether data is arrays rather than an iterable of batches."""
    if isinstance(x, (str, bytes, int, float, dict, list, tuple)):
        return True
    return hasattr(x, "__array__") or hasattr(x, "__dlpack__")


def check_batch_size(batch_size: int | None) -> int:
    """The batch size, 32 if None."""
    if batch_size is None:
        return DEFAULT_BATCH
    if not isinstance(batch_size, (int, np.integer)) or isinstance(batch_size, bool):
        raise TypeError(f"batch_size must be an integer, got {batch_size!r}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    return int(batch_size)


def batch_dtype(column: Tensor) -> str:
    """What the rows of a column have in a batch."""
    return config.floatx() if column.dtype in FLOATS else column.dtype


def convert(
    x: Any, y: Any, sample_weight: Any, class_weight: dict | None = None, whole: bool = False
) -> tuple:
    """(x, y, sample_weight) with tensors as leaves, of equal length, class weights applied.

    whole: the arrays are a data set: they are not copied if need not be, and floats stay as they
        are
    """
    if class_weight is not None:
        if sample_weight is not None:
            raise ValueError("give class_weight or sample_weight, not both")
        sample_weight = weights_of_classes(y, class_weight)
    parts = (
        _tensors(x, "x", False, whole),
        None if y is None else _tensors(y, "y", True, whole),
        None if sample_weight is None else _tensors(sample_weight, "sample_weight", True, whole),
    )
    length = None
    for name, part in zip(("x", "y", "sample_weight"), parts):
        for leaf in tree.flatten(part) if part is not None else ():
            if leaf is None:
                raise ValueError(f"{name} holds None")
            if not leaf.ndim:
                raise ValueError(f"{name} is a number; the first axis must count the samples")
            if length is None:
                length = leaf.shape[0]
            elif leaf.shape[0] != length:
                raise ValueError(f"x has {length} samples, but {name} has {leaf.shape[0]}")
    if length is None:
        raise ValueError("x has no arrays")
    return parts


def _tensors(data: Any, name: str, target: bool, whole: bool) -> Any:
    if isinstance(data, dict):
        return {k: _tensors(leaf, f"{name}[{k!r}]", target, whole) for k, leaf in data.items()}
    if isinstance(data, (list, tuple)) and any(_is_array(leaf) for leaf in data):
        return [_tensors(leaf, f"{name}[{i}]", target, whole) for i, leaf in enumerate(data)]
    return _tensor(data, name, target, whole)


def _is_array(leaf: Any) -> bool:
    """Whether a member of a list is an array of its own (and not a number of a nested list)."""
    return hasattr(leaf, "shape") and bool(len(leaf.shape))


def _tensor(data: Any, name: str, target: bool, whole: bool) -> Tensor:
    array = None
    if isinstance(data, Tensor):
        tensor = _core.to_device(data.detach(), _core.get_device())
    elif isinstance(data, (list, tuple)):
        tensor = from_data(data, None, name)
    else:
        array = np.asarray(data)
        if array.dtype.kind == "f" and array.dtype not in SHARED:
            array = array.astype(config.floatx())
        own = whole and array.dtype in SHARED
        tensor = _core.share_numpy(array) if own else from_data(array, None, name)
    if not whole and tensor.dtype != batch_dtype(tensor):
        tensor = _core.copy(tensor, batch_dtype(tensor))
    if target:
        check_no_nan(tensor.numpy() if array is None else array, name)
        one_a_sample = tensor.ndim == 1 or tensor.shape[1:] == (1,)
        if tensor.dtype in ("int32", "uint8") and one_a_sample:
            tensor = _core.copy(tensor, "int64")
    return tensor


def weights_of_classes(y: Any, class_weight: dict) -> np.ndarray:
    """A weight for each sample by its label: a number, or the largest of a one-hot row."""
    if tree.is_nested(y) and any(_is_array(leaf) for leaf in tree.flatten(y)):
        raise ValueError("class_weight needs a model with one output")
    if y is None:
        raise ValueError("class_weight needs y")
    labels = np.asarray(y)
    if labels.ndim > 1 and labels.shape[-1] > 1:
        labels = labels.argmax(-1)
    elif labels.ndim > 1:
        labels = labels[..., 0]
    labels = np.round(labels).astype(np.int64)
    weights = np.ones(labels.shape, config.floatx())
    for label, weight in class_weight.items():
        weights[labels == int(label)] = weight
    return weights


class Results:
    """Outputs of batches, put together.

    With a known number of rows an output is copied once, to where it belongs; one that has another
    number of rows than its batches is collected and concatenated.
    """

    def __init__(self, rows: int | None):
        self.rows = rows
        self.filled = 0
        self.structure: Any = None
        self.outputs: list[np.ndarray | list[np.ndarray]] = []

    def add(self, outputs: Any, rows: int) -> None:
        """Takes the outputs of a batch of `rows` samples."""
        leaves = [leaf.numpy() for leaf in tree.flatten(outputs)]
        if not all(leaf.ndim for leaf in leaves):
            raise ValueError(
                "predict: an output is a scalar; the first axis of each must count the samples"
            )
        if not self.filled:
            self.structure = outputs
            self.outputs = [
                [] if self.rows is None else np.empty((self.rows, *leaf.shape[1:]), leaf.dtype)
                for leaf in leaves
            ]
        for i, leaf in enumerate(leaves):
            output = self.outputs[i]
            if isinstance(output, np.ndarray) and leaf.shape != (rows, *output.shape[1:]):
                output = self.outputs[i] = [output[: self.filled]]
            if isinstance(output, list):
                output.append(leaf)
            else:
                output[self.filled : self.filled + rows] = leaf
        self.filled += rows

    def arrays(self) -> Any:
        """All outputs, in their structure."""
        arrays = [
            np.concatenate(o) if isinstance(o, list) else o[: self.filled] for o in self.outputs
        ]
        return tree.pack_sequence_as(self.structure, arrays)
