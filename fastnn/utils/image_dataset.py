"""Pictures in folders as batches for fit, evaluate and predict, by Keras 3's interface."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import ops
from fastnn.ops.windows import data_format_of
from fastnn.utils.images import COLOR_MODES, pillow, read_image

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
LABEL_MODES = ("int", "categorical", "binary", None)
INTERPOLATIONS = ("bilinear", "nearest")
SUBSETS = ("training", "validation", "both", None)


class ImageDataset:
    """Batches of pictures, which are read when their batch comes, pass after pass.

    A batch is ``(images, labels)``, or images alone without labels. Images are float32 of shape
    (batch, rows, columns, channels), or channels first, from 0 to 255; labels are as
    `image_dataset_from_directory` says. ``len(dataset)`` is the number of batches.

    Attributes:
        file_paths: the pictures' files, in the order of a pass without shuffling.
        class_names: the classes, None without labels.
    """

    def __init__(
        self,
        file_paths: list[str],
        labels: np.ndarray | None,
        class_names: list[str] | None,
        batch_size: int,
        shuffle_seed: int | None,
        channels_first: bool,
        **reading: Any,
    ):
        self.file_paths = file_paths
        self.class_names = class_names
        self._labels = labels
        self._batch_size = batch_size
        self._random = None if shuffle_seed is None else np.random.default_rng(shuffle_seed)
        self._channels_first = channels_first
        self._reading = reading

    def __len__(self) -> int:
        return -(-len(self.file_paths) // self._batch_size)

    def __iter__(self) -> Iterator[Any]:
        order = np.arange(len(self.file_paths))
        if self._random is not None:
            self._random.shuffle(order)
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            images = np.stack([_load(self.file_paths[row], **self._reading) for row in rows])
            if self._channels_first:
                images = np.ascontiguousarray(np.moveaxis(images, -1, 1))
            yield images if self._labels is None else (images, self._labels[rows])


def image_dataset_from_directory(
    directory: str | os.PathLike,
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    verbose: bool = True,
    data_format: str | None = None,
) -> Any:
    """Batches of the pictures in a folder, for `fit`, `evaluate` and `predict`.

    Args:
        directory: a folder with a folder of pictures (bmp, gif, jpeg, jpg, png) for each class.
        labels: "inferred" (from the folders' names), None (pictures alone, wherever they lie), or a
            label for each file in the sorted order of their paths.
        label_mode: "int" (int32), "categorical" (float32, one-hot), "binary" (float32, two classes,
            shape (batch, 1)) or None (pictures alone).
        class_names: the folders' names, to number the classes in this order; sorted if None.
        color_mode: "rgb", "grayscale" or "rgba".
        batch_size: pictures a batch; the last may be smaller.
        image_size: (rows, columns) that pictures are resized to.
        shuffle: another order each pass; False: sorted.
        seed: of the order and of the split.
        validation_split: share of the files, from 0 to 1, that is kept for validation: the last
            ones after shuffling as Keras does.
        subset: with a split "training", "validation", or "both" for the two.
        interpolation: "bilinear" or "nearest".
        follow_links: follow symbolic links to folders.
        crop_to_aspect_ratio: cut the middle out instead of changing proportions.
        verbose: tell how many files there are.
        data_format: "channels_last" or "channels_first"; as configured if None.

    Returns:
        an `ImageDataset`; for subset "both" the one to train on and the one to validate with.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: an argument that is not one of the above, no pictures, class names that are not
            the folders; later, in a pass, a picture that cannot be read.
        ImportError: Pillow (extra ``images``) is not installed.

    >>> import numpy as np, os, tempfile
    >>> from PIL import Image
    >>> folder = tempfile.TemporaryDirectory()
    >>> for name, gray in (("day", 255), ("night", 0)):
    ...     os.mkdir(f"{folder.name}/{name}")
    ...     Image.new("L", (4, 4), gray).save(f"{folder.name}/{name}/0.png")
    >>> data = image_dataset_from_directory(folder.name, image_size=(2, 2), shuffle=False)
    Found 2 files belonging to 2 classes.
    >>> images, labels = next(iter(data))
    >>> images.shape, images[:, 0, 0, 0].tolist(), labels.tolist()
    ((2, 2, 2, 3), [255.0, 0.0], [0, 1])
    >>> folder.cleanup()
    """
    pillow()
    _choice("label_mode", label_mode, LABEL_MODES)
    _choice("color_mode", color_mode, tuple(COLOR_MODES))
    _choice("interpolation", interpolation, INTERPOLATIONS)
    _choice("subset", subset, SUBSETS)
    layout = data_format_of("image_dataset_from_directory", data_format)
    _check_split(validation_split, subset, shuffle, seed)
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(_message("batch_size", "a positive integer", batch_size))
    size = tuple(image_size) if isinstance(image_size, (tuple, list)) else ()
    if len(size) != 2 or not all(isinstance(n, int) and n > 0 for n in size):
        raise ValueError(_message("image_size", "two positive integers", image_size))
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"image_dataset_from_directory: there is no folder {directory}")

    if label_mode is None:
        labels = None
    if isinstance(labels, str):
        _choice("labels", labels, ("inferred",))
        names = _class_names(directory, class_names)
        groups = [_files(Path(directory) / name, follow_links) for name in names]
        numbers = np.repeat(np.arange(len(names)), [len(group) for group in groups])
        paths = [path for group in groups for path in group]
    else:
        paths = _files(Path(directory), follow_links)
        numbers = np.zeros(len(paths), int) if labels is None else _given(labels, len(paths))
        names = [str(n) for n in range(int(numbers.max(initial=0)) + 1)]
    if not paths:
        raise ValueError(
            f"image_dataset_from_directory: {directory} holds no pictures ({', '.join(FORMATS)})"
        )
    if labels is None:
        label_mode = None
    if label_mode == "binary" and len(names) != 2:
        raise ValueError(
            _message("label_mode", f"two classes for 'binary', not {len(names)}", names)
        )
    if verbose:
        classes = "" if labels is None else f" belonging to {len(names)} classes"
        print(f"Found {len(paths)} files{classes}.")

    if seed is None:
        seed = int(np.random.randint(10**6))  # noqa: NPY002 (what set_random_seed seeds)
    order = np.arange(len(paths))
    if shuffle:
        np.random.RandomState(seed).shuffle(order)  # Keras's order, and so its split
    encoded = _encode(numbers, len(names), label_mode)
    reading = {
        "color_mode": color_mode,
        "size": size,
        "interpolation": interpolation,
        "crop": crop_to_aspect_ratio,
    }
    kept = int((validation_split or 0) * len(order))
    parts = {"training": order[: len(order) - kept], "validation": order[len(order) - kept :]}
    datasets = []
    for part in ("training", "validation") if subset == "both" else (subset,):
        rows = order if part is None else parts[part]
        if not len(rows):
            raise ValueError(
                _message("validation_split", f"some {part} pictures", validation_split)
            )
        datasets.append(
            ImageDataset(
                [paths[row] for row in rows],
                None if encoded is None else encoded[rows],
                None if labels is None else names,
                batch_size,
                seed if shuffle else None,
                layout == "channels_first",
                **reading,
            )
        )
    return tuple(datasets) if subset == "both" else datasets[0]


def _message(argument: str, expected: str, got: Any) -> str:
    return f"image_dataset_from_directory: {argument}: expected {expected}, got {got!r}"


def _choice(argument: str, value: Any, known: Sequence) -> None:
    if value not in known:
        raise ValueError(_message(argument, f"one of {', '.join(map(repr, known))}", value))


def _check_split(split: float | None, subset: str | None, shuffle: bool, seed: int | None) -> None:
    if (split is None) != (subset is None):
        raise ValueError(_message("validation_split", "together with subset", (split, subset)))
    if split is None:
        return
    if not 0 < split < 1:
        raise ValueError(_message("validation_split", "a number between 0 and 1", split))
    if shuffle and seed is None and subset != "both":
        raise ValueError(
            _message("seed", "one, or training and validation pictures would overlap", seed)
        )


def _class_names(directory: Any, given: Sequence[str] | None) -> list[str]:
    """The folders that are classes, in their order."""
    entries = [entry.name for entry in os.scandir(directory) if entry.is_dir()]
    found = sorted(name for name in entries if not name.startswith("."))
    if given is None:
        return found
    if sorted(given) != found:
        raise ValueError(_message("class_names", f"the folders' names {found}", list(given)))
    return list(given)


def _files(folder: Path, follow_links: bool) -> list[str]:
    """The pictures in a folder and below, sorted by folder, then by name."""
    paths = []
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        paths += [os.path.join(root, f) for f in sorted(files) if f.lower().endswith(FORMATS)]
    return paths


def _given(labels: Sequence[int], count: int) -> np.ndarray:
    numbers = np.asarray(labels)
    if numbers.shape != (count,):
        raise ValueError(_message("labels", f"one for each of the {count} files", numbers.shape))
    if numbers.dtype.kind not in "iu" or numbers.min(initial=0) < 0:
        raise ValueError(_message("labels", "integers from 0", labels))
    return numbers


def _encode(numbers: np.ndarray, classes: int, label_mode: str | None) -> np.ndarray | None:
    if label_mode == "categorical":
        return np.eye(classes, dtype=np.float32)[numbers]
    if label_mode == "binary":
        return numbers.astype(np.float32)[:, None]
    return None if label_mode is None else numbers.astype(np.int32)


def _load(
    path: str, color_mode: str, size: tuple[int, int], interpolation: str, crop: bool
) -> np.ndarray:
    """A picture as float32 of shape (rows, columns, channels) in its size."""
    image = read_image(path, color_mode)
    if crop:
        rows, columns = image.shape[:2]
        height = min(rows, max(1, columns * size[0] // size[1]))
        width = min(columns, max(1, rows * size[1] // size[0]))
        top, left = (rows - height) // 2, (columns - width) // 2
        image = image[top : top + height, left : left + width]
    if image.shape[:2] == size:
        return image.astype(np.float32)
    return ops.image.resize(image, size, interpolation, data_format="channels_last").numpy()
