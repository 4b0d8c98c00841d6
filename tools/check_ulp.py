"""How far the elementary functions are off, in units in the last place (ULP) of the exact result.

`python tools/check_ulp.py [--ops exp,tanh] [--stride 1] [--threads 2] [--markdown]` runs every
float32 function over every `stride`-th of the 2^32 bit patterns (1: all of them) and prints a
table: the worst error, the input that has it, and how many results are NaN, infinite or signed
where the exact one is not. The exact result is SciPy's and NumPy's in float64, whose own error is
below 1e-6 float32 ULP. `docs/accuracy.md` keeps a table.
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("FASTNN_NUM_THREADS", "1")  # the threads here are enough

import numpy as np
from scipy import special

from fastnn import _core

BLOCK = 1 << 20
SCALE, ALPHA = 1.0507009873554804934, 1.6732632423543772848  # of selu


def sigmoid(x):
    return special.expit(x)


def gated(x, gate):
    """x * gate, and -0 at minus infinity, where the gate has closed."""
    return np.where(x == -np.inf, -0.0, x * gate)


def hard_gate(x):
    return np.clip((x + 3) / 6, 0, 1)


FUNCTIONS = {
    "abs": np.abs,
    "neg": np.negative,
    "square": np.square,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "log_sigmoid": special.log_expit,
    "softplus": lambda x: -special.log_expit(-x),
    "softsign": lambda x: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x))),
    "relu": lambda x: np.where(x < 0, 0, x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.25 * x),
    "elu": lambda x: np.where(x > 0, x, 0.25 * np.expm1(x)),
    "selu": lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x)),
    "gelu": lambda x: gated(x, special.ndtr(x)),
    "gelu_tanh": lambda x: gated(x, sigmoid(np.sqrt(8 / np.pi) * (x + 0.044715 * x * x * x))),
    "silu": lambda x: gated(x, sigmoid(x)),
    "mish": lambda x: gated(x, np.tanh(-special.log_expit(-x))),
    "hard_sigmoid": hard_gate,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_silu": lambda x: gated(x, hard_gate(x)),
    "erf": special.erf,
    "erfinv": special.erfinv,
}


def block_error(op, first, stride):
    """The worst error of a block of inputs, its input, and how many results are of another kind."""
    last = min(first + BLOCK * stride, 1 << 32)
    x = np.arange(first, last, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)
    y = np.asarray(_core.unary(_core.from_numpy(x), op, 0.25)).astype(np.float64)
    exact = FUNCTIONS[op](x.astype(np.float64))
    strange = int(np.count_nonzero(np.isnan(y) != np.isnan(exact)))
    zero = (y == 0) & (exact == 0)
    strange += int(np.count_nonzero(np.signbit(y[zero]) != np.signbit(exact[zero])))
    known = ~(np.isnan(y) | np.isnan(exact))
    if not known.any():
        return 0.0, 0.0, strange
    # Beyond the largest number comes 2^128: an overflow that rounding decides counts as 1 ULP.
    x, y, exact = x[known], np.clip(y[known], -(2.0**128), 2.0**128), exact[known]
    exact = np.clip(exact, -(2.0**128), 2.0**128)
    size = np.clip(np.abs(exact), 2.0**-126, np.nextafter(np.float64(2.0**128), 0))
    unit = np.ldexp(1.0, np.frexp(size)[1] - 24)
    off = np.abs(y - exact) / unit
    worst = int(off.argmax())
    return float(off[worst]), float(x[worst]), strange


def check(op, stride, threads):
    """(worst error, its input, results of another kind) over every `stride`-th number."""

    def run(first):
        with np.errstate(all="ignore"):
            return block_error(op, first, stride)

    with ThreadPoolExecutor(threads) as team:
        blocks = list(team.map(run, range(0, 1 << 32, BLOCK * stride)))
    worst, where, _ = max(blocks)
    return worst, where, sum(strange for *_, strange in blocks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ops", default=",".join(FUNCTIONS))
    parser.add_argument("--stride", type=int, default=61, help="1: every number")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print(f"target {_core.targets()['chosen']}, every {options.stride}. of 2^32 numbers")
    print("| operation | worst ULP | at | NaN or sign |\n| --- | --- | --- | --- |")
    for op in options.ops.split(","):
        worst, where, strange = check(op, options.stride, options.threads)
        print(f"| {op} | {worst:.2f} | {where:.9g} | {strange} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
