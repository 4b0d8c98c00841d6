"""bench/RESULTS.md from the runs in bench/results/."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from bench.families import FAMILIES
from bench.row import ONE_THREAD, PACKAGES
from bench.run import DISTURBED, Measurement, Run, load

FOLDER = Path(__file__).parent / "results"
FILE = Path(__file__).parent / "RESULTS.md"
SLOWER = 0.97  # of the best peer: below, a row is listed
NEAR = 0.9  # of its ceiling: faster there is hardly anything
THREADS = 1.05  # two threads may take so much more than one

HEAD = """# Results

Written by `python -m bench.peers --markdown`; the runs are in `bench/results/`, and
`python -m bench.plots` draws them.

- **How.** All engines of a row compute in one process, in turn, in blocks; between two of them the
  process sleeps until no thread spins. Figures are medians. Every engine has the same number of
  threads, allocates its own results, and was checked against fastnn's result before.
- **Ratio.** The time of the best peer divided by fastnn's: above 1 fastnn is faster.
- **Ceiling.** What the same run measured as the least time, over what fastnn takes. FMA: a chain of
  fused multiply-adds that touches no memory; a convolution by Winograd's method multiplies less
  than is counted, so it may exceed 100 %. Stream: a loop that reads and writes as many bytes and
  hardly computes.
- **1 thread.** What fastnn takes on one thread, over what it takes on all.
- **\\*** Others had the processors, or halves of their cores, for part of the time, or the
  processors had no cache in common, in each of three tries.
"""


def value(number: float, unit: str) -> str:
    """A figure with its unit, three digits."""
    if unit == "B":
        return f"{number / 2**20:.0f} MiB"
    scale, name = (1, "s") if number >= 1 else (1e3, "ms") if number >= 1e-3 else (1e6, "us")
    scaled = number * scale
    digits = 0 if scaled >= 100 else 1 if scaled >= 10 else 2
    return f"{scaled:.{digits}f} {name}"


def best_peer(m: Measurement) -> str | None:
    peers = [name for name in m.medians if name not in ("fastnn", ONE_THREAD)]
    return min(peers, key=m.medians.__getitem__, default=None)


def ratio(m: Measurement) -> float | None:
    """The best peer's figure over fastnn's."""
    peer = best_peer(m)
    return m.medians[peer] / m.medians["fastnn"] if peer else None


def ceiling_text(m: Measurement) -> str:
    name = m.ceiling[0]
    return f"{100 * m.share:.0f} % {name}" if name in ("FMA", "stream") else ""


def threads_ratio(m: Measurement) -> float | None:
    """What one thread takes over what all take."""
    return m.medians[ONE_THREAD] / m.medians["fastnn"] if ONE_THREAD in m.medians else None


def behind(m: Measurement) -> bool:
    """Slower than the best peer."""
    found = ratio(m)
    return found is not None and found < SLOWER


def text_of(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


def table(measurements: Sequence[Measurement]) -> list[str]:
    """The rows of a family; only the columns that one of them fills."""
    engines = [name for name in PACKAGES if any(name in m.medians for m in measurements)]
    lines = []
    for m in measurements:
        cells = {"row": m.row + (" \\*" if m.others > DISTURBED else "")}
        for name in engines:
            cells[name] = value(m.medians[name], m.unit) if name in m.medians else ""
        cells |= {
            "ratio": text_of(ratio(m)),
            "ceiling": ceiling_text(m),
            "1 thread": text_of(threads_ratio(m)),
        }
        lines.append(cells)
    columns = [c for c in lines[0] if any(cells[c] for cells in lines)]
    head = [columns, ["---"] + ["---:"] * (len(columns) - 1)]
    rows = [*head, *([cells[c] for c in columns] for cells in lines)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def mean_text(measurements: Sequence[Measurement]) -> str:
    """Geometric mean of the ratios."""
    ratios = [found for m in measurements if (found := ratio(m)) is not None]
    if not ratios:
        return ""
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    return f"Geometric mean of the ratios: {mean:.2f}, over {len(ratios)} rows."


def shortfalls(run: Run) -> list[str]:
    """Rows that a peer computes faster, and rows that more threads make slower."""
    lines = [f"Rows in which a peer is faster (a ratio below {SLOWER}):", ""]
    found = [m for m in run.measurements if behind(m)]
    for m in sorted(found, key=ratio):
        near = ", at its ceiling all the same" if m.share >= NEAR and ceiling_text(m) else ""
        place = f"{FAMILIES[m.family]}: {m.row}"
        lines.append(f"- {place}: {ratio(m):.2f} ({best_peer(m)}){near}")
    lines += [] if found else ["- none"]
    lines += ["", f"Rows that take more than {THREADS} times as long on all threads as on one:", ""]
    found = [m for m in run.measurements if (r := threads_ratio(m)) and r * THREADS < 1]
    lines += [f"- {FAMILIES[m.family]}: {m.row}: {1 / threads_ratio(m):.2f}" for m in found]
    return lines + ([] if found else ["- none"])


def section(run: Run, folder: Path) -> list[str]:
    """All of a run."""
    c = run.conditions
    threads = f"{c['threads']} thread{'' if c['threads'] == '1' else 's'}"
    lines = ["", f"## {c['instruction set']}, {threads}", ""]
    lines += [f"{c['date']}, {c['machine']}, {c['versions']}.", "", *shortfalls(run)]
    for family, title in FAMILIES.items():
        measurements = run.of(family)
        if not measurements:
            continue
        lines += ["", f"### {title[0].upper()}{title[1:]}", ""]
        mean = mean_text(measurements)
        lines += [mean, ""] if mean else []
        lines += table(measurements)
        drawing = folder / f"{family}-{stored(c).stem}.png"
        if drawing.exists():
            lines += ["", f"![{title}]({folder.name}/{drawing.name})"]
    return lines


def markdown(runs: Sequence[Run], folder: Path = FOLDER) -> str:
    """The whole file, the widest instruction set first."""
    order = sorted(runs, key=lambda run: len(run.measurements), reverse=True)
    lines = HEAD.split("\n")[:-1]
    for run in order:
        lines += section(run, folder)
    return "\n".join(lines) + "\n"


def stored(conditions: dict[str, str], folder: Path = FOLDER) -> Path:
    """The file of a run by what is measured."""
    return folder / f"{conditions['instruction set']}-{conditions['threads']}.json"


def keep(measurements: Sequence[Measurement], conditions: dict[str, str], folder: Path) -> Run:
    """Adds to the run in the folder; if anything but the day has changed, in its place."""
    file = stored(conditions, folder)
    run = load(file)
    if {**run.conditions, "date": ""} != {**conditions, "date": ""}:
        run = Run()
    run.conditions = conditions
    for measurement in measurements:
        run.add(measurement)
    run.save(file)
    return run


def write(file: Path = FILE, folder: Path = FOLDER) -> None:
    """The file from all runs in the folder."""
    runs = [load(path) for path in sorted(folder.glob("*.json"))]
    file.write_text(markdown(runs, folder), encoding="utf-8")
