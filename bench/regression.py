"""Whether fastnn has become slower than a stored run, on this machine or another.

Compared are shares: the ceiling of a row, measured in the same run, over the row's time. A machine
that is slower, or busy, has lower ceilings too. A row is reported if its share is below the stored
one by more than the tolerance three times: once in the run, twice alone.
"""

import argparse
import sys
from pathlib import Path

from bench.families import FAMILIES
from bench.peers import families
from bench.run import Measurement, Run, conditions, load, measure, set_threads

# A smaller change is not told from noise.
TOLERANCE = 0.15
AGAIN = 2


def slower(baseline: Run, now: Run, tolerance: float) -> list[tuple[Measurement, float]]:
    """Measurements now that took longer, and how many times as long, ceilings being equal."""
    found = []
    for m in now.measurements:
        before = baseline.find(m.family, m.row)
        if before is None:
            continue
        kind = before.ceiling[0]
        if kind not in m.ceilings:
            raise ValueError(
                f"{m.row}: the baseline's ceiling is {kind}, this run has {', '.join(m.ceilings)}"
            )
        times = before.share / (m.ceilings[kind] / m.medians["fastnn"])
        if times > 1 + tolerance:
            found.append((m, times))
    return found


def check(baseline: Run, names: list[str], tolerance: float, measure=measure) -> list:
    """Measures families and what seems slower again; what remains slower."""
    now = Run()
    for m in measure(names, ("fastnn",)):
        now.add(m)
    for _ in range(AGAIN):
        suspects: dict[str, set] = {}
        for m, _ in slower(baseline, now, tolerance):
            suspects.setdefault(m.family, set()).add(m.row)
        if not suspects:
            return []
        now = Run()
        for m in measure(list(suspects), ("fastnn",), suspects):
            now.add(m)
    return slower(baseline, now, tolerance)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.regression",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        required=True,
        help="a run's JSON: what --store wrote, or one of bench/results/",
    )
    parser.add_argument("--store", action="store_true", help="measure and write it instead")
    parser.add_argument(
        "--rows", type=families, default=list(FAMILIES), metavar="FAMILIES", help="as bench.peers"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help=f"{TOLERANCE} unless given"
    )
    options = parser.parse_args()
    set_threads(options.threads)
    under = conditions(options.threads)
    if options.store:
        run = Run(under, list(measure(options.rows, ("fastnn",))))
        run.save(options.baseline)
        print(f"{len(run.measurements)} rows stored in {options.baseline}")
        return 0
    baseline = load(options.baseline)
    if not baseline.measurements:
        parser.error(f"--baseline {options.baseline}: no such run; --store writes one")
    for key in ("instruction set", "threads"):
        if baseline.conditions[key] != under[key]:
            parser.error(f"the baseline has {key} {baseline.conditions[key]}, here {under[key]}")
    found = check(baseline, options.rows, options.tolerance)
    for m, times in found:
        print(f"slower: {FAMILIES[m.family]}: {m.row}: {times:.2f} times what it took")
    print(f"{len(found)} rows slower by more than {100 * options.tolerance:.0f} %")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
