"""Compares fastnn with NumPy, PyTorch, JAX, Keras on JAX and scikit-learn, whichever are here.

`python -m bench.peers [--rows gemm,elementwise,optimizers,steps] [--threads N] [--markdown FILE]`
prints for each row the medians, the ratio (the best peer's time divided by fastnn's: above 1 fastnn
is faster) and the share of the ceiling measured in the same run: for products of matrices a chain
of fused multiply-adds, for optimizers their streams of memory without the arithmetic.
"""

import argparse
import importlib.util
import os
import platform
from collections.abc import Callable
from pathlib import Path

PACKAGES = {"PyTorch": "torch", "JAX": "jax", "Keras on JAX": "keras", "scikit-learn": "sklearn"}
# Shapes that layers have: (m, n, k, stored form).
GEMM = (
    (64, 64, 64, "NN"),
    (128, 128, 128, "NN"),
    (256, 256, 256, "NN"),
    (512, 512, 512, "NN"),
    (1024, 1024, 1024, "NN"),
    (2048, 2048, 2048, "NN"),
    (100, 500, 784, "NN"),
    (784, 500, 100, "TN"),
    (100, 784, 500, "NT"),
    (100, 500, 500, "NN"),
    (100, 10, 500, "NN"),
    (500, 10, 100, "TN"),
    (1, 500, 784, "NN"),
    (32, 2048, 512, "NN"),
    (3025, 96, 363, "NN"),
    (784, 32, 9, "NN"),
    (12544, 64, 576, "NN"),
    (35, 8457, 2560, "NN"),
    (5124, 700, 2048, "NN"),
    (512, 1500, 2816, "NN"),
    (2560, 64, 2560, "NN"),
    (2560, 64, 2560, "TN"),
    (1760, 128, 1760, "NT"),
    (35, 700, 2048, "NN"),
    (7680, 4, 2560, "NN"),
    (3072, 1, 1024, "NN"),
    (512, 16, 512, "NN"),
    (128, 4096, 1024, "NN"),
    (1024, 4096, 128, "TN"),
    (8, 8, 8, "NN"),
    (16, 16, 16, "NN"),
    (32, 32, 32, "NN"),
)

Engines = dict[str, Callable[[], object]]


def here(package: str) -> bool:
    """Whether a package is installed, without importing it."""
    return importlib.util.find_spec(package) is not None


def gemm_engines(m: int, n: int, k: int, form: str) -> Engines:
    import numpy as np

    import fastnn as fn

    random = np.random.default_rng(0)
    a = random.standard_normal((k, m) if form[0] == "T" else (m, k), dtype=np.float32)
    b = random.standard_normal((n, k) if form[1] == "T" else (k, n), dtype=np.float32)
    flags = form[0] == "T", form[1] == "T"
    operands = [fn.tensor(a), fn.tensor(b), None, None, None, *flags]
    left, right = (a.T if flags[0] else a), (b.T if flags[1] else b)
    product = fn._core.gemm(*operands)[0].numpy()
    np.testing.assert_allclose(product, left @ right, rtol=1e-3, atol=1e-5 * k)
    engines: Engines = {
        "fastnn": lambda: fn._core.gemm(*operands),
        "NumPy": lambda: left @ right,
    }
    if here("torch"):
        import torch

        left_t, right_t = torch.from_numpy(left), torch.from_numpy(right)
        engines["PyTorch"] = lambda: left_t @ right_t
    return engines


def elementwise_engines(op: str, size: int) -> Engines:
    import numpy as np

    import fastnn as fn

    x = np.random.default_rng(0).standard_normal(size, dtype=np.float32)
    ours = fn.tensor(x)
    function = getattr(fn.ops, op)
    engines: Engines = {"fastnn": lambda: function(ours)}
    if hasattr(np, op):
        engines["NumPy"] = lambda: getattr(np, op)(x)
    if here("torch"):
        import torch

        theirs = torch.from_numpy(x)
        engines["PyTorch"] = lambda: getattr(torch, op)(theirs)
    return engines


def gemm_rows():
    import fastnn as fn
    from bench.measure import interleave

    for m, n, k, form in GEMM:
        times = interleave(gemm_engines(m, n, k, form))
        ceiling = fn._core.fma_ceiling()
        share = 2.0 * m * n * k / times["fastnn"] / ceiling
        note = f"{100 * share:.0f} % of {ceiling / 1e9:.0f} GFLOP/s"
        yield f"gemm {m}x{n}x{k} {form}", times, note


def elementwise_rows():
    from bench.measure import interleave

    for op in ("exp", "tanh", "sigmoid"):
        yield f"{op} of 1e6", interleave(elementwise_engines(op, 10**6)), ""


def adam_engines(count: int, size: int) -> Engines:
    """Adam over `count` parameters, and the ceiling: its own seven streams without arithmetic."""
    import numpy as np

    import fastnn as fn

    random = np.random.default_rng(0)
    weights, slopes = (
        [random.standard_normal(size, dtype=np.float32) for _ in range(count)] for _ in range(2)
    )
    variables, gradients = [fn.Variable(w) for w in weights], [fn.tensor(g) for g in slopes]
    optimizer = fn.optimizers.Adam()
    streams = [fn.tensor(np.zeros(count * size, np.float32)) for _ in range(4)]
    engines: Engines = {
        "fastnn": lambda: optimizer.apply(gradients, variables),
        "stream": lambda: fn._core.stream(streams[:1], streams[1:], []),
    }
    if here("torch"):
        import torch

        parameters = [torch.nn.Parameter(torch.from_numpy(w)) for w in weights]
        for parameter, slope in zip(parameters, slopes):
            parameter.grad = torch.from_numpy(slope)
        engines["PyTorch"] = torch.optim.Adam(parameters, fused=True).step
    return engines


def optimizer_rows():
    from bench.measure import interleave

    for count, size in ((1, 10**6), (1, 10**7), (1000, 100)):
        times = interleave(adam_engines(count, size))
        ceiling = times.pop("stream")
        note = f"{100 * ceiling / times['fastnn']:.0f} % of its streams" if count == 1 else ""
        yield f"Adam over {count} x {size:.0e}", times, note


def step_rows():
    from bench import steps
    from bench.measure import interleave

    for network in steps.NETWORKS:
        engines = {
            name: make(network)
            for name, make in steps.ENGINES.items()
            if name == "fastnn" or here(PACKAGES[name])
        }
        times = interleave(engines, repetitions=7)
        yield f"step {network.name}", {k: v / steps.STEPS for k, v in times.items()}, ""


ROWS = {
    "gemm": gemm_rows,
    "elementwise": elementwise_rows,
    "optimizers": optimizer_rows,
    "steps": step_rows,
}


def seconds(value: float) -> str:
    return f"{value * 1e3:.3f} ms" if value >= 1e-3 else f"{value * 1e6:.1f} us"


def conditions(threads: int) -> str:
    """Versions, machine, instruction set and threads, in one line."""
    from importlib.metadata import PackageNotFoundError, version

    import fastnn as fn

    found = []
    for package in ("fastnn", "numpy", "torch", "jax", "keras", "scikit-learn"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    target = fn._core.targets()["chosen"]
    return f"{', '.join(found)}; {platform.machine()}, {target}, {threads} threads"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", default=",".join(ROWS), help="of: " + ", ".join(ROWS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    chosen = options.rows.split(",")
    if unknown := set(chosen) - set(ROWS):
        parser.error(f"unknown rows: {', '.join(sorted(unknown))}")
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)

    import fastnn as fn

    fn.set_num_threads(options.threads)
    if here("torch"):
        import torch

        torch.set_num_threads(options.threads)
    lines = [conditions(options.threads), ""]
    print(lines[0])
    lines += ["| row | fastnn | best peer | ratio | all | ceiling |", "| --- " * 6 + "|"]
    for group in chosen:
        for name, times, note in ROWS[group]():
            ours = times.pop("fastnn")
            best = min(times, key=times.__getitem__) if times else None
            ratio = f"{times[best] / ours:.2f}" if best else "-"
            peers = ", ".join(f"{peer} {seconds(t)}" for peer, t in times.items())
            best_text = f"{best} {seconds(times[best])}" if best else "-"
            print(f"{name:32} {seconds(ours):>12}  ratio {ratio:>5}  {peers}  {note}", flush=True)
            lines.append(f"| {name} | {seconds(ours)} | {best_text} | {ratio} | {peers} | {note} |")
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
