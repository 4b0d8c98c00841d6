"""Compiles the kernels of the jit_cuda backend to PTX, as a GPU would get them; needs no GPU.

    python tools/compile_cuda.py [--cc 9.0] [--list] [primitive ...]

The calls are those of tests/backends/jit_cuda: launchers run with arrays of the host, and where
they would start a kernel it is compiled for the types of its arguments, once. Says what does not
compile, and how many kernels do; with --list, each with the size of its PTX and whether it keeps
arrays in local memory (which is slow). Exit status 1 if a kernel does not compile.
"""

import argparse
import collections
import math
import os
import re
import sys
import types
from pathlib import Path

import numba
import numpy as np
from numba import cuda
from numba.cuda import dispatcher

if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0":
    sys.exit("compile_cuda: the simulator compiles nothing: unset NUMBA_ENABLE_CUDASIM")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

FLOATS = ("float32", "float64")


class Compiler:
    """Takes the place of launches."""

    def __init__(self, capability):
        self.capability, self.seen, self.failed = capability, {}, []
        self.primitive = ""

    def compile(self, kernel, *arguments):
        signature = tuple(numba.typeof(argument) for argument in arguments)
        if (kernel, signature) in self.seen:
            return
        ptx = None
        try:
            ptx, _ = cuda.compile_ptx(kernel.py_func, signature, cc=self.capability)
        except Exception as error:
            self.failed.append((self.primitive, kernel.py_func.__qualname__, signature, error))
        self.seen[kernel, signature] = (self.primitive, ptx)


def without_a_gpu(compiler):
    """Numba as far as launchers use it, on arrays of the host."""
    device = types.SimpleNamespace(compute_capability=compiler.capability)
    dispatcher.get_current_device = lambda: device  # asked when a device function is compiled
    cuda.to_device = lambda array, stream: np.array(array)
    from fastnn.backends.jit_cuda import driver, memory

    if missing := driver.toolkit_problem():
        sys.exit(f"compile_cuda: {missing}")
    driver.new_stream = lambda: None
    driver.launch = lambda kernel, blocks, threads, stream, arguments: compiler.compile(
        kernel, *arguments
    )
    memory.scratch = np.empty
    memory.upload = np.array


def compile_users_functions(launch, dtype):
    """Values and gradients of every function of one or two numbers that users may call."""
    from fastnn import elementwise, ops
    from fastnn.backends.jit.functions import UserFunction, number_of

    @elementwise
    def of_one(x, slope=1.5):
        y = math.exp(x) + math.expm1(x) + math.log(x) + math.log1p(x) + math.tanh(x) + math.erf(x)
        y += ops.sigmoid(x) + ops.softplus(x) + math.sin(x) + math.cos(x) + math.tan(x)
        y += math.asin(x) + math.acos(x) + math.atan(x) + math.sinh(x) + math.cosh(x)
        y += np.cbrt(x) + int(x) + math.degrees(x) + math.isinf(x)
        return y + math.sqrt(x) + abs(x) + x**3 + x**slope + ops.clip(x, 0.0, 1.0) * slope

    @elementwise
    def of_two(x1, x2):
        if x1 > x2:
            y = math.hypot(x1, x2) + math.copysign(x1, x2) + math.fmod(x1, x2)
            return y + x1 / x2 + x1**x2 + x1 % x2 + math.atan2(x1, x2)
        return max(x1, x2) * min(x1, x2) + np.where(x1 < 1, x1, x2) - x1 // x2

    x = np.zeros((3, 2), dtype)
    for function, operands in ((of_one, 1), (of_two, 2)):
        constants = (None,) * (2 - operands)
        for wanted in (None, tuple(range(operands))):
            user = UserFunction(function.scalar_function, operands, constants, wanted=wanted)
            ys = [x.copy() for _ in range(user.sloped + len(wanted or (0,)))]
            xs = [x] * (operands + (wanted is not None and not user.sloped))
            given = {"outputs": len(ys), "constants": (1.5,) * len(constants)}
            launch(ys, xs, function=number_of(user), **given)
            launch(ys, [*xs[:-1], x[:1]], function=number_of(user), **given)  # broadcast


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("primitives", nargs="*", help="all if none is named")
    parser.add_argument("--cc", default="9.0", help="compute capability")
    parser.add_argument("--list", action="store_true", help="every kernel in a line")
    options = parser.parse_args()
    compiler = Compiler(tuple(int(part) for part in options.cc.split(".")))
    without_a_gpu(compiler)

    from backends.jit_cuda.cases import cases
    from backends.jit_cuda.harness import all_operands
    from backends.jit_cuda.layer_cases import layer_cases

    from fastnn.backends.jit_cuda import FUNCTIONS
    from fastnn.backends.jit_cuda.gemm_ladder import LADDER

    calls = [case for dtype in FLOATS for family in (cases, layer_cases) for case in family(dtype)]
    for case in calls:
        if options.primitives and case.name not in options.primitives:
            continue
        compiler.primitive = case.name
        operands, _ = all_operands(case, np.array)
        FUNCTIONS[case.name](*operands, **case.attributes)
    for step in LADDER if not options.primitives else ():
        compiler.primitive = "gemm"
        for dtype in FLOATS:
            step(*(np.zeros((9, 9), dtype) for _ in range(3)))
    if not options.primitives or "elementwise" in options.primitives:
        compiler.primitive = "elementwise"
        for dtype in FLOATS:
            compile_users_functions(FUNCTIONS["elementwise"], dtype)
    if options.list:
        for (kernel, signature), (primitive, ptx) in compiler.seen.items():
            local = "local memory" if ptx and re.search(r"\.local\b", ptx) else ""
            kinds = ", ".join(map(str, signature))
            print(primitive, kernel.py_func.__name__, len(ptx or ""), local, kinds)
    for primitive, name, signature, error in compiler.failed:
        print(f"{primitive}: {name}{signature} does not compile: {error}", file=sys.stderr)
    counts = collections.Counter(primitive for primitive, _ in compiler.seen.values())
    print(
        f"{len(compiler.seen) - len(compiler.failed)} kernels of {len(counts)} primitives compile"
    )
    return bool(compiler.failed)


if __name__ == "__main__":
    sys.exit(main())
