"""Why a convolution is written the way it is: one step after the other, each with what it gains.

`python -m bench.conv_kernels [--channels N]` compiles the C below with the system's compiler and
times every step on one thread, beside the ceiling: a chain of fused multiply-adds on registers.
Kernels of 3 x 3 over images [row][column][channel], weights [tap][channel][filter]. Winograd's
method multiplies less than is counted here, so it may exceed the ceiling.

Reading: S. Chetlur et al., "cuDNN: efficient primitives for deep learning" (2014); A. Lavin,
S. Gray, "Fast algorithms for convolutional neural networks" (2016).
"""

import argparse
import ctypes
from functools import partial

import numpy as np

from bench.families.convolution import Conv, numpys
from bench.ladder import climb, compiled
from bench.windows import Windows

IMAGES, SIDE = 2, 48  # of the result; tiles have 6 columns, or are blocks of 4 x 4
STEPS = {
    "plain": "seven loops, one sum at a time: weights are read down a column",
    "im2col": "patches written out as a matrix, multiplied row by row: the compiler uses vectors",
    "implicit": "the same product reads patches from the images where they lie: no matrix of them",
    "tile": "6 pixels x 16 filters stay in registers over all taps; a row of 3 taps is one run",
    "packed": "weights copied into panels of 16 filters first: the tile reads memory side by side",
    "winograd_2": "F(2 x 2, 3 x 3): 16 products a block of 2 x 2 results, where 36 were",
    "winograd_4": "F(4 x 4, 3 x 3): 36 products a block of 4 x 4 results, where 144 were",
}
FINAL = "wider vectors, any shape, any number of threads, blocks that fit the caches"

SOURCE = r"""
#include <stdlib.h>
#include <string.h>
enum { S = 48, X = S + 2, R = 6, W = 8, N = 2 * W };
#define INLINE static inline __attribute__((always_inline))
typedef float vec __attribute__((vector_size(4 * W), aligned(4)));
#define FOR_PIXELS(images) \
  for (int i = 0; i < (images); i++) \
    for (int row = 0; row < S; row++) \
      for (int column = 0; column < S; column++)

static long at_x(int i, int row, int column, int c) { return ((i * X + row) * X + column) * c; }
static long at_y(int i, int row, int column, int k) { return ((i * S + row) * S + column) * k; }

void plain(int images, int c, int k, const float *x, const float *w, float *y) {
  FOR_PIXELS(images) for (int f = 0; f < k; f++) {
    float sum = 0;
    for (int r = 0; r < 3; r++)
      for (int s = 0; s < 3; s++)
        for (int p = 0; p < c; p++)
          sum += x[at_x(i, row + r, column + s, c) + p] * w[((r * 3 + s) * c + p) * k + f];
    y[at_y(i, row, column, k) + f] = sum;
  }
}

/* y += a B for one row a, B [depth][k]. */
static void add_product(int depth, int k, const float *a, const float *b, float *restrict y) {
  for (int p = 0; p < depth; p++)
    for (int f = 0; f < k; f++) y[f] += a[p] * b[p * k + f];
}

void im2col(int images, int c, int k, const float *x, const float *w, float *y) {
  float *patches = malloc(sizeof(float) * images * S * S * 9 * c), *to = patches;
  FOR_PIXELS(images) for (int r = 0; r < 3; r++, to += 3 * c)
    memcpy(to, x + at_x(i, row + r, column, c), sizeof(float) * 3 * c);
  memset(y, 0, sizeof(float) * images * S * S * k);
  for (int m = 0; m < images * S * S; m++)
    add_product(9 * c, k, patches + m * 9L * c, w, y + m * k);
  free(patches);
}

void implicit(int images, int c, int k, const float *x, const float *w, float *y) {
  memset(y, 0, sizeof(float) * images * S * S * k);
  FOR_PIXELS(images) for (int r = 0; r < 3; r++)
    add_product(3 * c, k, x + at_x(i, row + r, column, c), w + r * 3 * c * k,
                y + at_y(i, row, column, k));
}

/* R x N results: row r of A begins at a + r * a_step and has `runs` runs, a_run apart. */
INLINE void tile(int runs, int depth, const float *a, int a_step, int a_run, const float *b,
                 int b_row, float *y, int y_step) {
  vec sum[R][2] = {0};
  for (int run = 0; run < runs; run++, a += a_run)
    for (int p = 0; p < depth; p++, b += b_row) {
      const vec left = *(const vec *)b, right = *(const vec *)(b + W);
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) {
        const float v = a[r * a_step + p];
        sum[r][0] += v * left;
        sum[r][1] += v * right;
      }
    }
#pragma GCC unroll 6
  for (int r = 0; r < R; r++) {
    *(vec *)(y + r * y_step) = sum[r][0];
    *(vec *)(y + r * y_step + W) = sum[r][1];
  }
}

/* Panels of N filters lie `panel` apart, their rows b_row. */
static void by_tiles(int images, int c, int k, const float *x, const float *w, long panel,
                     int b_row, float *y) {
  for (int i = 0; i < images; i++)
    for (int row = 0; row < S; row++)
      for (int f = 0; f < k; f += N)
        for (int column = 0; column < S; column += R)
          tile(3, 3 * c, x + at_x(i, row, column, c), c, X * c, w + f / N * panel, b_row,
               y + at_y(i, row, column, k) + f, k);
}

void tiled(int images, int c, int k, const float *x, const float *w, float *y) {
  by_tiles(images, c, k, x, w, N, k, y);
}

void packed(int images, int c, int k, const float *x, const float *w, float *y) {
  float *panels = aligned_alloc(64, sizeof(float) * 9 * c * k);
  for (int f = 0; f < k; f += N)
    for (int p = 0; p < 9 * c; p++)
      memcpy(panels + f * 9L * c + p * N, w + p * k + f, sizeof(float) * N);
  by_tiles(images, c, k, x, panels, 9L * c * N, N, y);
  free(panels);
}

/* to = t d t^T, with t [out][in] known to the compiler: zeros and ones cost nothing. */
INLINE void both_sides(int out, int in, const float *t, const vec *d, vec *to) {
  vec half[36];
#pragma GCC unroll 6
  for (int i = 0; i < out; i++)
#pragma GCC unroll 6
    for (int j = 0; j < in; j++) {
      vec sum = {0};
#pragma GCC unroll 6
      for (int p = 0; p < in; p++)
        if (t[i * in + p] != 0) sum += t[i * in + p] * d[p * in + j];
      half[i * in + j] = sum;
    }
#pragma GCC unroll 6
  for (int i = 0; i < out; i++)
#pragma GCC unroll 6
    for (int j = 0; j < out; j++) {
      vec sum = {0};
#pragma GCC unroll 6
      for (int p = 0; p < in; p++)
        if (t[j * in + p] != 0) sum += t[j * in + p] * half[i * in + p];
      to[i * out + j] = sum;
    }
}

/* Blocks of m x m results from d x d elements, a strip of blocks at a time: it stays in the cache.
   Transformed weights are [frequency][panel][c][N], a strip [frequency][block][c] or [..][k]. */
INLINE void winograd(int m, const float *from_w, const float *from_x, const float *to_y, int images,
                     int c, int k, const float *x, const float *w, float *y) {
  const int d = m + 2, frequencies = d * d, blocks = S / m;
  float *panels = aligned_alloc(64, sizeof(float) * frequencies * c * k);
  float *in = aligned_alloc(64, sizeof(float) * frequencies * blocks * c);
  float *out = aligned_alloc(64, sizeof(float) * frequencies * blocks * k);
  vec from[36], to[36];
  for (int p = 0; p < c; p++)
    for (int f = 0; f < k; f += W) {
      for (int t = 0; t < 9; t++) from[t] = *(const vec *)(w + (t * c + p) * k + f);
      both_sides(d, 3, from_w, from, to);
      for (int q = 0; q < frequencies; q++)
        *(vec *)(panels + q * c * k + f / N * c * N + p * N + f % N) = to[q];
    }
  for (int i = 0; i < images; i++)
    for (int row = 0; row < S; row += m) {
      for (int block = 0; block < blocks; block++)
        for (int p = 0; p < c; p += W) {
          for (int q = 0; q < frequencies; q++)
            from[q] = *(const vec *)(x + at_x(i, row + q / d, block * m + q % d, c) + p);
          both_sides(d, d, from_x, from, to);
          for (int q = 0; q < frequencies; q++) *(vec *)(in + (q * blocks + block) * c + p) = to[q];
        }
      for (int q = 0; q < frequencies; q++)
        for (int f = 0; f < k; f += N)
          for (int block = 0; block < blocks; block += R)
            tile(1, c, in + (q * blocks + block) * c, c, 0, panels + q * c * k + f * c, N,
                 out + (q * blocks + block) * k + f, k);
      for (int block = 0; block < blocks; block++)
        for (int f = 0; f < k; f += W) {
          for (int q = 0; q < frequencies; q++)
            from[q] = *(const vec *)(out + (q * blocks + block) * k + f);
          both_sides(m, d, to_y, from, to);
          for (int q = 0; q < m * m; q++)
            *(vec *)(y + at_y(i, row + q / m, block * m + q % m, k) + f) = to[q];
        }
    }
  free(panels), free(in), free(out);
}

void winograd_2(int images, int c, int k, const float *x, const float *w, float *y) {
  static const float from_w[] = {1, 0, 0, .5f, .5f, .5f, .5f, -.5f, .5f, 0, 0, 1};
  static const float from_x[] = {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1};
  static const float to_y[] = {1, 1, 1, 0, 0, 1, -1, -1};
  winograd(2, from_w, from_x, to_y, images, c, k, x, w, y);
}

void winograd_4(int images, int c, int k, const float *x, const float *w, float *y) {
  static const float from_w[] = {1 / 4.f,  0,        0,        -1 / 6.f, -1 / 6.f, -1 / 6.f,
                                 -1 / 6.f, 1 / 6.f,  -1 / 6.f, 1 / 24.f, 1 / 12.f, 1 / 6.f,
                                 1 / 24.f, -1 / 12.f, 1 / 6.f, 0,        0,        1};
  static const float from_x[] = {4, 0, -5, 0,  1, 0, 0, -4, -4, 1, 1, 0, 0, 4, -4, -1, 1, 0,
                                 0, -2, -1, 2, 1, 0, 0, 2, -1, -2, 1, 0, 0, 4, 0, -5, 0, 1};
  static const float to_y[] = {1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0,
                               0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1};
  winograd(4, from_w, from_x, to_y, images, c, k, x, w, y);
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--channels", type=int, default=64, help="and filters; of 16 a multiple")
    channels = parser.parse_args().channels
    if channels < 16 or channels % 16:
        parser.error(f"--channels is {channels}, expected a multiple of 16: tiles have 16 filters")

    import fastnn as fn

    fn.set_num_threads(1)
    conv = Conv(Windows(IMAGES, SIDE + 2, SIDE + 2, channels, 3, 3, 1, 0), channels)
    x, w, y = conv.data()
    expected = numpys(conv, "forward", x, w, y).call()
    size = np.linalg.norm(expected)
    addresses = [ctypes.c_void_p(array.ctypes.data) for array in (x, w, y)]
    tensors = fn.tensor(x), fn.tensor(w)

    print(f"{conv.name}, ", end="")
    with compiled(SOURCE) as library:
        steps = {}
        for name, text in STEPS.items():
            step = getattr(library, {"tile": "tiled"}.get(name, name))
            step(IMAGES, channels, channels, *addresses)
            assert np.linalg.norm(y - expected) <= 1e-5 * size, name
            if name == "plain":
                expected = y.copy()
            steps[name] = partial(step, IMAGES, channels, channels, *addresses), text
        climb({**steps, "fastnn": (partial(fn.ops.conv, *tensors), FINAL)}, conv.flops("forward"))


if __name__ == "__main__":
    main()
