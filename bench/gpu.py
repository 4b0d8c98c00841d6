"""Compares fastnn on a GPU with PyTorch on it: cuBLAS's products, cuDNN's convolutions and LSTMs.

Prints for each row the medians and the ratio (PyTorch's time divided by fastnn's: above 1 fastnn is
faster), and writes bench/RESULTS-GPU.md. All is float32, without TensorFloat-32. A call waits until
the GPU is done; data lie there before.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import fastnn as fn
from bench.families import convolution, gemm, recurrent, steps
from bench.measure import Call, interleave
from bench.results import text_of, value
from bench.row import Engine, Row, arrays, check
from fastnn.backends.devices import check_device

FILE = Path(__file__).parent / "RESULTS-GPU.md"
SIZES = (512, 1024, 2048, 4096, 8192)
HEAD = """# Results on a GPU

Written by `python -m bench.gpu`. The engines of a row compute in one process, in turn, in blocks.
Figures are medians of calls that wait until the GPU is done, and every result of PyTorch was
checked against fastnn's. All is float32, without TensorFloat-32.

- **Ratio.** The time of PyTorch's faster layout divided by fastnn's: above 1 fastnn is faster.
"""


def rows() -> Iterator[Row]:
    """Square products, convolutions, LSTMs, steps of a dense and of a convolutional network."""
    for n in SIZES:
        yield gemm.product_row(n, n, n, "NN", "float32")
    for row in convolution.rows():
        if row.name.endswith((f": {convolution.FORWARD}", f": {convolution.ALL}")):
            yield row
    yield from (row for row in recurrent.rows() if row.name.startswith("lstm"))
    yield from (row for row in steps.rows() if row.name in (steps.MLP.title, steps.CNN.title))


def on_host(result: Any) -> list[np.ndarray]:
    """What an engine computed, brought back."""
    parts = result if isinstance(result, (tuple, list)) else (result,)
    return arrays([part.cpu() if hasattr(part, "cpu") else part for part in parts])


def ours(make: Callable[..., Engine], *operands: Any) -> tuple[Call, Call]:
    """A call on the GPU that waits for it, and its result on the host."""
    from fastnn.backends.jit_cuda.cuda import cuda

    with fn.device("cuda"):
        engine = make(*operands)

    def call() -> None:
        with fn.device("cuda"):
            engine.call()
        cuda.synchronize()

    def result() -> list[np.ndarray]:
        with fn.device("cuda"):
            return on_host((engine.result or engine.call)())

    return call, result


def torchs(make: Callable[..., Engine], *operands: Any) -> tuple[Call, Call]:
    """The same of PyTorch."""
    import torch

    with torch.device("cuda"):
        engine = make(*operands)

    def call() -> None:
        engine.call()
        torch.cuda.synchronize()

    return call, lambda: on_host((engine.result or engine.call)())


def build(row: Row) -> dict[str, Call]:
    """The calls of a row's engines, which agree."""
    operands = row.data()
    engines = {"fastnn": ours(row.engines["fastnn"], *operands)}
    for name in row.names(("PyTorch", "PyTorch, channels last")):
        engines[name] = torchs(row.engines[name], *operands)
    expected = engines["fastnn"][1]()
    for name, (_, result) in engines.items():
        check(f"{row.name}, {name}", result(), expected, row.tolerance)
    return {name: call for name, (call, _) in engines.items()}


def line(row: Row, medians: dict[str, float]) -> list[str]:
    """Its cells: the name, both times, the ratio, fastnn's rate."""
    medians = {name: seconds / row.calls for name, seconds in medians.items()}
    mine = medians.pop("fastnn")
    theirs = min(medians.values())
    rate = f"{row.flops / row.calls / mine / 1e12:.2f}" if row.flops else ""
    return [row.name, value(mine, "s"), value(theirs, "s"), text_of(theirs / mine), rate]


def markdown(machine: str, lines: Sequence[Sequence[str]]) -> str:
    """The file."""
    head = ["row", "fastnn", "PyTorch", "ratio", "TFLOP/s"]
    table = [head, ["---"] + ["---:"] * (len(head) - 1), *lines]
    return "\n".join([HEAD, machine, "", *("| " + " | ".join(r) + " |" for r in table)]) + "\n"


def machine() -> str:
    """The day, the GPU and what drives it; ends the program where something is missing."""
    try:
        check_device("bench.gpu", "cuda")
    except (ImportError, RuntimeError) as error:
        raise SystemExit(str(error)) from None
    try:
        import torch

        torch.cuda.init()
    except (ImportError, RuntimeError, AssertionError) as error:
        raise SystemExit(f"bench.gpu: PyTorch with CUDA is needed beside fastnn: {error}") from None

    packages = ", ".join(f"{p} {version(p)}" for p in ("numba", "numba-cuda", "torch"))
    day = time.strftime("%Y-%m-%d", time.gmtime())
    name = torch.cuda.get_device_name()
    return f"{day}, {name}, CUDA {torch.version.cuda}, fastnn {fn.__version__}, {packages}."


def main() -> None:
    under, lines = machine(), []
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    print(under)
    for row in rows():
        lines.append(line(row, interleave(build(row))))
        print("  ".join(lines[-1]), flush=True)
        FILE.write_text(markdown(under, lines), encoding="utf-8")  # what ends early loses no row


if __name__ == "__main__":
    main()
