"""Compares fastnn with NumPy, PyTorch, JAX, Keras on JAX and scikit-learn, whichever are here.

Prints for each row the medians, the ratio (the best peer's time divided by fastnn's: above 1 fastnn
is faster) and the share of the ceiling measured in the same run. FASTNN_ISA=avx2 holds the peers to
AVX2 as well.
"""

import argparse

from bench.families import FAMILIES
from bench.measure import settle
from bench.run import conditions, measure, set_threads

# Seconds on two cores.
MINUTES = (
    "convolution 300 s, recurrent 240 s, elementwise 120 s, steps 130 s, gemm 80 s, pooling 40 s, "
    "startup 40 s, optimizers 15 s, others 10 s each"
)


def families(text: str) -> list[str]:
    """Families by name, separated by commas."""
    names = text.split(",")
    if unknown := sorted(set(names) - set(FAMILIES)):
        raise argparse.ArgumentTypeError(
            f"there is no {', '.join(unknown)}; there are {', '.join(FAMILIES)}"
        )
    return names


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=__doc__,
        epilog=f"Takes about: {MINUTES}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rows",
        type=families,
        default=list(FAMILIES),
        metavar="FAMILIES",
        help=f"of: {', '.join(FAMILIES)}; all of them unless given",
    )
    parser.add_argument("--threads", type=int, default=2, help="of every engine; 2 unless given")
    parser.add_argument(
        "--markdown",
        action="store_true",
        help="write bench/RESULTS.md; rows not measured now stay as they were, if measured under "
        "the same conditions",
    )
    options = parser.parse_args()
    set_threads(options.threads)

    from bench.results import FOLDER, ceiling_text, keep, ratio, text_of, value, write
    from bench.row import PACKAGES

    under = conditions(options.threads)
    print("; ".join(under.values()))
    settle()
    for m in measure(options.rows, tuple(PACKAGES)):
        times = ", ".join(f"{name} {value(t, m.unit)}" for name, t in m.medians.items())
        print(f"{m.row:62} {text_of(ratio(m)):>6} {ceiling_text(m):>13}  {times}", flush=True)
        if options.markdown:
            keep([m], under, FOLDER)  # a run that is ended loses no row
            write()


if __name__ == "__main__":
    main()
