"""Draws the stored runs: `python -m bench.plots` writes PNG files that RESULTS.md shows.

GFLOP/s of square products over their size, and microseconds of element-wise operations over the
number of elements, both beside the peers and the ceiling; ratios of convolutions and of recurrent
layers.
"""

from functools import partial
from pathlib import Path

import matplotlib
from matplotlib import pyplot

from bench import results
from bench.families import FAMILIES
from bench.row import ALL, FORWARD
from bench.run import Run, load
from bench.shapes import ELEMENTS, GEMM, elementwise_name, gemm_name

PEERS = ("fastnn", "NumPy", "PyTorch", "JAX")
COLORS = dict(zip(PEERS, ("tab:red", "tab:blue", "tab:orange", "tab:green")))
DRAWN = ("exp", "tanh", "sigmoid", "gelu", "log", "add")


def lines_of(run: Run, family: str, rows: dict[float, str]) -> dict[str, list]:
    """For each engine and the ceiling: pairs of x and the seconds of the row at x."""
    lines: dict[str, list] = {}
    for x, name in rows.items():
        measurement = run.find(family, name)
        if measurement is None:
            continue
        figures = {k: v for k, v in measurement.medians.items() if k in PEERS}
        if measurement.ceiling[0] in ("FMA", "stream"):
            figures["ceiling"] = measurement.ceiling[1]
        for engine, seconds in figures.items():
            lines.setdefault(engine, []).append((x, seconds))
    return lines


def draw(axes, lines: dict[str, list], convert) -> None:
    """The lines, seconds converted by convert(x, seconds)."""
    for name, points in lines.items():
        style = {"color": "gray", "linestyle": "--"}
        if name != "ceiling":
            style = {"color": COLORS[name], "marker": ".", "zorder": 3 if name == "fastnn" else 2}
        xs = [x for x, _ in points]
        axes.plot(xs, [convert(x, seconds) for x, seconds in points], label=name, **style)
    axes.set_xscale("log")


def gemm_figure(run: Run):
    """GFLOP/s of square products over their size."""
    sizes = sorted(m for m, n, k, _ in GEMM if m == n == k)
    lines = lines_of(run, "gemm", {n: gemm_name(n, n, n, "NN") for n in sizes})
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    draw(axes, lines, lambda n, seconds: 2e-9 * n**3 / seconds)
    axes.set(xlabel="n, of an n x n x n product in float32", ylabel="GFLOP/s")
    axes.set_xticks(sizes, [str(n) for n in sizes], minor=False)
    axes.minorticks_off()
    if lines:
        axes.legend()
    return figure


def elementwise_figure(run: Run):
    """Microseconds of operations over their elements."""
    figure, grid = pyplot.subplots(2, 3, figsize=(9, 5), sharex=True, layout="constrained")
    for op, axes in zip(DRAWN, grid.flat):
        lines = lines_of(run, "elementwise", {n: elementwise_name(op, n) for n in ELEMENTS})
        draw(axes, lines, lambda _, seconds: 1e6 * seconds)
        axes.set_yscale("log")
        axes.set_title(op, fontsize="medium")
    figure.supxlabel("elements, float32")
    figure.supylabel("microseconds")
    grid.flat[0].legend(fontsize="small")
    return figure


def ratios_figure(family: str, run: Run):
    """The best peer's time over fastnn's: forward, and forward with all gradients."""
    figure, grid = pyplot.subplots(1, 2, figsize=(10, 6), sharey=True, layout="constrained")
    for kind, axes in zip((FORWARD, ALL), grid):
        found = [m for m in run.of(family) if m.row.endswith(f": {kind}")]
        bars = {m.row.split(":")[0]: r for m in found if (r := results.ratio(m)) is not None}
        axes.barh(list(bars), list(bars.values()), color=COLORS["fastnn"])
        axes.axvline(1, color="gray", linestyle="--")
        axes.set_title(kind, fontsize="medium")
        axes.tick_params(axis="y", labelsize="small")
    grid[0].invert_yaxis()
    figure.supxlabel("time of the best peer over fastnn's")
    return figure


FIGURES = {
    "gemm": gemm_figure,
    "elementwise": elementwise_figure,
    "convolution": partial(ratios_figure, "convolution"),
    "recurrent": partial(ratios_figure, "recurrent"),
}


def draw_all(folder: Path) -> list[Path]:
    """A file for each figure and each run in the folder that has its family."""
    written = []
    for file in sorted(folder.glob("*.json")):
        run = load(file)
        for family, make in FIGURES.items():
            if not run.of(family):
                continue
            figure = make(run)
            c = run.conditions
            title = f"{c['instruction set']}, {c['threads']} threads, {c['machine']}"
            figure.suptitle(f"{FAMILIES[family].capitalize()}: {title}", fontsize="small")
            written.append(folder / f"{family}-{file.stem}.png")
            figure.savefig(written[-1], dpi=80)
            pyplot.close(figure)
    return written


if __name__ == "__main__":
    with matplotlib.rc_context({"backend": "agg"}):
        for path in draw_all(results.FOLDER):
            print(path)
    results.write()
