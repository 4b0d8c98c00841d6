/* Convolution channel by channel: vectors lie along the channels, sums stay in registers. */
#pragma once

#include <stdint.h>

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

typedef void (*DepthwiseRowKernel)(const struct DepthwiseRow*);
typedef void (*DepthwiseTapsKernel)(const struct DepthwiseTaps*);

struct DepthwiseKernels {
  DepthwiseRowKernel row[2]; /* float32, float64 */
  DepthwiseTapsKernel taps[2];
};
