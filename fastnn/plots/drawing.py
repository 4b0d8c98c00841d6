"""What every drawing function returns."""

from __future__ import annotations

import io
import os
import threading
from typing import Any

from fastnn.callbacks.files import written


class Drawing:
    """A figure and the numbers behind it. Notebooks show it.

    Attributes:
        figure: the matplotlib Figure.
        values: the numbers; each drawing function says which.

    >>> import fastnn as fn
    >>> drawing = fn.plots.lines({"square": ([0, 1, 2], [0, 1, 4])}, "x", "y")
    >>> drawing
    <Drawing of 1 panel>
    >>> drawing.save("square.png")
    """

    def __init__(self, figure: Any, values: Any = None):
        self.figure = figure
        self.values = values

    def save(self, path: Any) -> None:
        """Writes the figure to a file, whose name ends with the format: .png, .pdf, .svg ...

        The folder is made if need be. An old file stays as it is unless the new one is complete.

        Raises:
            ValueError: a format that matplotlib does not write.
            OSError: the file cannot be written.
        """
        path = os.fspath(path)
        ending = os.path.splitext(path)[1][1:].lower()
        known = self.figure.canvas.get_supported_filetypes()
        if ending not in known:
            raise ValueError(
                f"Drawing.save: path must end with one of .{', .'.join(sorted(known))}, "
                f"got {path!r}"
            )
        temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
        try:
            with written(f"Drawing.save: path {path!r}"):
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
                self.figure.savefig(temporary, format=ending)
                os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)

    def _repr_png_(self) -> bytes:
        """The picture that a notebook shows."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png")
        return buffer.getvalue()

    def __repr__(self) -> str:
        panels = len([ax for ax in self.figure.axes if ax.get_label() != "<colorbar>"])
        return f"<Drawing of {panels} panel{'s' if panels != 1 else ''}>"


def drawing_on(ax: Any, values: Any) -> Drawing:
    """The Drawing of the whole figure that the Axes stand in, of a subfigure too."""
    return Drawing(ax.figure.figure, values)
