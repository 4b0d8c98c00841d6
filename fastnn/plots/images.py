"""A page of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn.plots import style
from fastnn.plots.drawing import Drawing


def images(
    rows: Any,
    *,
    title: str = "",
    row_labels: Sequence[str] = (),
    above: Sequence[str] = (),
    below: Sequence[str] = (),
    wrong: Sequence[bool] = (),
    size: float = 0.7,
    **options: Any,
) -> Drawing:
    """Draws a page of images.

    Args:
        rows: rows of images [height, width] or [height, width, 3], or one array
            [rows, columns, height, width(, 3)].
        title: what stands over the page.
        row_labels: what stands beside each row.
        above, below: what stands over and under each image, row by row.
        wrong: which images get a frame and text in the colour of errors.
        size: of an image, in inches.
        options: of matplotlib's `imshow`: `cmap`, `vmin` ...

    Returns:
        A Drawing; values: None.

    Raises:
        ImportError: matplotlib (extra `demo`) is not installed.
        ValueError: no images, or texts that are not as many as images or rows.

    >>> import fastnn as fn
    >>> (x, y), _ = fn.datasets.digits.load_data()
    >>> fn.plots.images(x[:8].reshape(2, 4, 8, 8), above=[str(n) for n in y[:8]], cmap="gray_r")
    <Drawing of 8 panels>
    """
    count = sum(map(len, rows))
    if not count:
        raise ValueError("images: rows has no images")
    texts = {"above": above, "below": below, "wrong": wrong}
    for name, given, wanted in (
        ("row_labels", row_labels, len(rows)),
        *((name, given, count) for name, given in texts.items()),
    ):
        if len(given) not in (0, wanted):
            raise ValueError(f"images: {name} must have {wanted} entries, got {len(given)}")
    lines = bool(len(above)) + bool(len(below))
    width = max(map(len, rows))
    figure, grid = style.new_grid(
        len(rows), width, (size * width + 0.5, (size + 0.2 * lines) * len(rows) + 0.5)
    )
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    place = 0
    for axes, row in zip(grid, rows):
        for ax, image in zip(axes, row):
            ax.imshow(image, **options)
            ax.set(xticks=[], yticks=[])
            bad = bool(len(wrong)) and bool(wrong[place])
            ax.spines[:].set(color=style.RED if bad else "0.8", linewidth=1.8 if bad else 0.8)
            text = {"fontsize": style.SMALL, "color": style.RED if bad else "k"}
            if len(above):
                ax.set_title(above[place], **text, pad=3)
            if len(below):
                ax.set_xlabel(below[place], **text, labelpad=2)
            place += 1
        for ax in axes[len(row) :]:
            ax.remove()
    for axes, label in zip(grid, row_labels):
        axes[0].set_ylabel(label, fontsize=style.SMALL)
    if title:
        figure.suptitle(title, fontsize=10)
    return Drawing(figure)
