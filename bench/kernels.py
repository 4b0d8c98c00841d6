"""Why a matrix product is written the way it is: one step after the other, each with what it gains.

`python -m bench.kernels [--size N]` compiles the C below with the system's compiler and times every
step on one thread, beside the ceiling: a chain of fused multiply-adds on registers; then the same
in Numba, if it is there, and on a GPU, if there is one.

Reading: K. Goto, R. van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
"""

import argparse
import ctypes
import importlib.util
from functools import partial

import numpy as np

from bench.ladder import climb, compiled

STEPS = {
    "plain": "three loops as in the textbook: B is read down its columns, a cache line an element",
    "rows": "loops reordered: rows of B and C side by side, so that the compiler uses vectors",
    "tile": "6 x 16 results stay in registers over all of k: C is written once, B read n / 6 times",
    "packed": "B copied into panels of 16 columns first: the tile reads memory side by side",
    "blocked": "k in blocks of 256, rows in groups of 96: panels and rows stay in the caches",
    "fetched": "what a tile of C will be added to is fetched into the cache before its loop over k",
}
FINAL = "wider vectors, A packed and fetched where that pays, any shape, any number of threads"

SOURCE = r"""
#include <stdlib.h>
#include <string.h>
enum { R = 6, W = 8, N = 2 * W, K = 256, M = 96 };
typedef float vec __attribute__((vector_size(4 * W), aligned(4)));

void plain(int n, const float *a, const float *b, float *c) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      float sum = 0;
      for (int p = 0; p < n; p++) sum += a[i * n + p] * b[p * n + j];
      c[i * n + j] = sum;
    }
}

void rows(int n, const float *a, const float *b, float *restrict c) {
  memset(c, 0, sizeof(float) * n * n);
  for (int i = 0; i < n; i++)
    for (int p = 0; p < n; p++)
      for (int j = 0; j < n; j++) c[i * n + j] += a[i * n + p] * b[p * n + j];
}

/* C += A B for R x N results: twelve vectors of sums, two of B, one element of A for all lanes. */
static void tile(int n, int k, const float *a, const float *b, int b_row, float *c) {
  vec sum[R][2] = {0};
  for (int p = 0; p < k; p++, b += b_row) {
    const vec left = *(const vec *)b, right = *(const vec *)(b + W);
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
      const float x = a[r * n + p];
      sum[r][0] += x * left;
      sum[r][1] += x * right;
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; r++) {
    *(vec *)(c + r * n) += sum[r][0];
    *(vec *)(c + r * n + W) += sum[r][1];
  }
}

void tiled(int n, const float *a, const float *b, float *c) {
  memset(c, 0, sizeof(float) * n * n);
  for (int j = 0; j < n; j += N)
    for (int i = 0; i < n; i += R) tile(n, n, a + i * n, b + j, n, c + i * n + j);
}

static void pack(int n, int k, const float *b, float *panel) {
  for (int p = 0; p < k; p++) memcpy(panel + p * N, b + p * n, sizeof(float) * N);
}

void packed(int n, const float *a, const float *b, float *c) {
  float *panel = aligned_alloc(64, sizeof(float) * n * N);
  memset(c, 0, sizeof(float) * n * n);
  for (int j = 0; j < n; j += N) {
    pack(n, n, b + j, panel);
    for (int i = 0; i < n; i += R) tile(n, n, a + i * n, panel, N, c + i * n + j);
  }
  free(panel);
}

static void fetch(int n, const float *c) {
  for (int r = 0; r < R; r++) __builtin_prefetch(c + r * n), __builtin_prefetch(c + r * n + N - 1);
}

static void by_blocks(int n, const float *a, const float *b, float *c, int ahead) {
  float *panels = aligned_alloc(64, sizeof(float) * K * n);
  memset(c, 0, sizeof(float) * n * n);
  for (int p = 0; p < n; p += K) {
    const int k = n - p < K ? n - p : K;
    for (int j = 0; j < n; j += N) pack(n, k, b + p * n + j, panels + j * k);
    for (int i0 = 0; i0 < n; i0 += M)
      for (int j = 0; j < n; j += N)
        for (int i = i0; i < n && i < i0 + M; i += R) {
          if (ahead) fetch(n, c + i * n + j);
          tile(n, k, a + i * n + p, panels + j * k, N, c + i * n + j);
        }
  }
  free(panels);
}

void blocked(int n, const float *a, const float *b, float *c) { by_blocks(n, a, b, c, 0); }
void fetched(int n, const float *a, const float *b, float *c) { by_blocks(n, a, b, c, 1); }
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=960, help="of the matrices; of 48 a multiple")
    n = parser.parse_args().size
    if n < 48 or n % 48:
        parser.error(f"--size is {n}, expected a multiple of 48: tiles have 6 rows, 16 columns")

    import fastnn as fn

    fn.set_num_threads(1)
    fn.device("cpu")  # whatever FASTNN_DEVICE says
    random = np.random.default_rng(0)
    a, b = (random.standard_normal((n, n), dtype=np.float32) for _ in range(2))
    expected = a @ b
    c = np.empty_like(a)
    addresses = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, c)]
    tensors = fn.tensor(a), fn.tensor(b)
    ours = partial(fn.ops.matmul, *tensors)
    np.testing.assert_allclose(np.asarray(ours()), expected, rtol=1e-3, atol=1e-5 * n)

    print(f"{n} x {n} x {n}, ", end="")
    with compiled(SOURCE) as library:
        steps = {}
        for name, text in STEPS.items():
            step = getattr(library, {"tile": "tiled"}.get(name, name))
            step(n, *addresses)
            np.testing.assert_allclose(c, expected, rtol=1e-3, atol=1e-5 * n)
            steps[name] = partial(step, n, *addresses), text
        climb({**steps, "fastnn": (ours, FINAL)}, 2.0 * n**3)
    if importlib.util.find_spec("numba"):
        from bench.numba_gemm import ladder

        print("in Numba, ", end="")
        climb(ladder(n, a, b, c, tensors), 2.0 * n**3)
    climb_on_cuda(n, a, b)


def climb_on_cuda(n: int, a: np.ndarray, b: np.ndarray) -> None:
    """The ladder on a GPU, or why there is none."""
    from fastnn.backends.devices import check_device

    try:
        check_device("on CUDA, skipped", "cuda")
    except (ImportError, RuntimeError) as error:
        print(error)
        return
    from bench import cuda_gemm

    print("on CUDA, ", end="")
    climb(cuda_gemm.ladder(n, a, b), 2.0 * n**3, on_cpu=False)


if __name__ == "__main__":
    main()
