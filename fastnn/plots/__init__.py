"""Seeing a network: training, gradients, weights, the surface of the loss.

Every function returns a Drawing: a matplotlib Figure with the numbers behind it. Figures are made
without pyplot, so that no display is needed and matplotlib's settings stay as they are. matplotlib
comes with the extra `demo` and is imported by the first drawing.
"""

from fastnn.plots import style
from fastnn.plots.confusion import confusion_matrix
from fastnn.plots.curves import curves, history, lines
from fastnn.plots.drawing import Drawing
from fastnn.plots.gradients import gradient_norms
from fastnn.plots.histograms import weight_histograms
from fastnn.plots.images import images
from fastnn.plots.landscape import loss_surface
from fastnn.plots.pieces import piecewise_linear
from fastnn.plots.surfaces import Surface, surface
from fastnn.plots.weight_path import WeightPath

__all__ = [
    "Drawing",
    "Surface",
    "WeightPath",
    "confusion_matrix",
    "curves",
    "gradient_norms",
    "history",
    "images",
    "lines",
    "loss_surface",
    "piecewise_linear",
    "style",
    "surface",
    "weight_histograms",
]
