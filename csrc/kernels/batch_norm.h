/* Batch normalization of [rows, channels], from moments on. */
#pragma once

#include <stdint.h>

/* The sums of dy and of dy (x - mean) down every column. */
typedef void (*BatchSums)(const void* dy, const void* x, const void* mean, int64_t rows,
                          int64_t channels, void* sum, void* product);
/* y = (x - mean) factor + shift; an element of the three for each of `period` elements of x. */
typedef void (*BatchApply)(const void* x, int64_t n, int64_t period, const void* mean,
                           const void* factor, const void* shift, void* y);
/* dx = dy factor + (x - mean) slope + shift */
typedef void (*BatchGradient)(const void* dy, const void* x, int64_t n, int64_t period,
                              const void* mean, const void* factor, const void* slope,
                              const void* shift, void* dx);

/* Indexed by DType: float, double. */
struct BatchNormKernels {
  BatchSums sums[2];
  BatchApply apply[2];
  BatchGradient gradient[2];
};
