/* Convolution channel by channel: vectors lie along the channels, sums stay in registers. */
#pragma once

#include <stdint.h>

/* Of pixels this far apart the first cache does not hold many lines. */
enum { kFarBytes = 1024 };

/* `count` results beside each other, all of which meet the taps rows x columns:
 *
 *   y[o, c] = relu(sum of x[o, row, column, c] w[row, column, c], in this order,
 *                  + bias[c] + residual[o, c]) */
struct DepthwiseRow {
  const void* x;
  int64_t x_step, x_row, x_column; /* elements to the next result's input, to the next tap's */
  const void* w;
  int64_t w_row, w_column;
  int64_t rows, columns;
  const void* bias;     /* or null */
  const void* residual; /* as y, or null */
  void* y;
  int64_t y_step;
  int64_t count, channels;
  int32_t relu;
  int32_t reserved;
};

/* The same for `rows` (1 or 2) rows of `columns` results and 3x3 taps a pixel apart. The first tap
 * of the first result lies in row `top` and column `left` of an image of height x width pixels;
 * taps that meet padding are left out. */
struct DepthwiseTiles {
  const void* x; /* at the image's first pixel; pixels of a row are `channels` apart */
  int64_t x_row, height, width, top, left;
  const void* w;
  int64_t w_row, w_column;
  const void* bias;
  const void* residual;
  void* y;
  int64_t y_row, y_column;
  int64_t rows, columns, channels;
  int32_t relu;
  int32_t fetch; /* early, what tiles write; and what those below will read, to the second cache */
};

/* The gradient by some taps: sum[row, column, c] += x[o, row, column, c] dy[o, c] over `count`
 * results, each sum one chain of fused multiply-adds that goes on from what is there. */
struct DepthwiseTaps {
  const void* x;
  int64_t x_step, x_row, x_column;
  const void* dy; /* results lie side by side: `dy_step` elements apart */
  int64_t dy_step;
  void* sum;
  int64_t sum_row, sum_column;
  int64_t rows, columns, count, channels;
};

/* The same for all of 3x3 taps a pixel apart, over `count` results from that of `row` and `column`
 * on, row by row. The first tap of result (0, 0) lies in row `top` and column `left` of an image of
 * height x width pixels; what would meet padding is left out. */
struct DepthwisePixels {
  const void* x; /* at the image's first pixel; pixels of a row are `channels` apart */
  int64_t x_row, height, width, top, left;
  const void* dy; /* of the image; rows of `columns` results */
  int64_t columns, row, column, count, channels;
  void* sum; /* [3, 3, channels] */
};

typedef void (*DepthwiseRowKernel)(const struct DepthwiseRow*);
typedef void (*DepthwiseTilesKernel)(const struct DepthwiseTiles*);
typedef void (*DepthwiseTapsKernel)(const struct DepthwiseTaps*);
typedef void (*DepthwisePixelsKernel)(const struct DepthwisePixels*);

struct DepthwiseKernels {
  DepthwiseRowKernel row[2]; /* float32, float64 */
  DepthwiseTilesKernel tiles[2];
  DepthwiseTapsKernel taps[2];
  DepthwisePixelsKernel pixels[2];
};
