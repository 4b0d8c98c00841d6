/* What a target brings to moving and converting elements. */
#pragma once

#include <stdint.h>

/* y[r * columns + c] = x[r * row_stride + c * column_stride], strides in elements. */
typedef void (*PackKernel)(int64_t rows, int64_t columns, const void* x, int64_t row_stride,
                           int64_t column_stride, void* y);

/* y[i] = x[i] converted, times scale where y is floating point. */
typedef void (*CastKernel)(int64_t n, const void* x, void* y, double scale);

struct MovementKernels {
  PackKernel pack[6];    /* [dtype] */
  CastKernel cast[6][6]; /* [from][to] */
};
