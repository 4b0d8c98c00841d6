"""Products of matrices whose extents are drawn at random, beside NumPy and PyTorch.

`python -m bench.random_gemm` prints for each shape the ratio (the best peer's time divided by
fastnn's: above 1 fastnn is faster) and what more threads than one gain. FASTNN_ISA=avx2 holds the
peers to AVX2 as well.
"""

import argparse
import math

from bench.measure import interleave
from bench.run import conditions, set_threads
from bench.shapes import gemm_name

Shape = tuple[int, int, int, str]


def drawn_shapes(count: int, seed: int, most: int) -> list[Shape]:
    """(m, n, k, stored form) with every extent in 1..most."""
    import numpy as np

    random = np.random.default_rng(seed)
    forms = ("NN", "TN", "NT", "TT")
    shapes = []
    for _ in range(count):
        m, n, k = map(int, random.integers(1, most + 1, 3))
        shapes.append((m, n, k, forms[random.integers(4)]))
    return shapes


def medians(shape: Shape, dtype: str) -> dict[str, float]:
    """Seconds of a call: of fastnn on one thread and on all, and of its peers."""
    import fastnn as fn
    from bench.families import gemm

    data = gemm.operands(*shape, dtype)
    makers = {"one": gemm.ours, "all": gemm.ours, "NumPy": gemm.numpys, "PyTorch": gemm.torchs}
    calls = {name: make(*data).call for name, make in makers.items()}
    return interleave(calls, {"one": lambda: fn.num_threads(1)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=1024, help="the largest extent")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--threads", type=int, default=2, help="of every engine")
    options = parser.parse_args()
    set_threads(options.threads)

    print("; ".join(conditions(options.threads).values()))
    ratios, gains = [], []
    for shape in drawn_shapes(options.count, options.seed, options.most):
        times = medians(shape, options.dtype)
        one, several = times.pop("one"), times.pop("all")
        best = min(times, key=times.__getitem__)
        ratios.append(times[best] / several)
        gains.append(one / several)
        name = gemm_name(*shape, options.dtype)
        print(
            f"{name:24} {several * 1e6:10.1f} us  ratio {ratios[-1]:5.2f} ({best})  "
            f"{gains[-1]:5.2f} times as fast as one thread",
            flush=True,
        )
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"ratio {mean:.2f}, at least {min(ratios):.2f}; threads at least {min(gains):.2f}")


if __name__ == "__main__":
    main()
