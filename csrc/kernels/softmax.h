/* Softmax, log-softmax, log-sum-exp and the losses that contain them. Arrays of T indexed by DType:
 * float, double. */
#pragma once

#include <stdint.h>

#include "kernels/reduce.h"

/* y = softmax of each row of n at x (logarithm of it if `log`) */
typedef void (*SoftmaxRows)(int log, const void* x, int64_t rows, int64_t n, void* y);
/* along rows: for each of `width` columns over `rows` rows, `stride` apart in x and y */
typedef void (*SoftmaxColumns)(int log, const void* x, int64_t rows, int64_t stride, int64_t width,
                               void* y);
/* dx from the gradient dy and the result y */
typedef void (*SoftmaxBackwardRows)(int log, const void* dy, const void* y, int64_t rows, int64_t n,
                                    void* dx);
typedef void (*SoftmaxBackwardColumns)(int log, const void* dy, const void* y, int64_t rows,
                                       int64_t stride, int64_t width, void* dx);

struct SoftmaxKernels {
  FoldRows logsumexp[2]; /* op is ignored */
  SoftmaxRows rows[2];
  SoftmaxColumns columns[2];
  SoftmaxBackwardRows backward_rows[2];
  SoftmaxBackwardColumns backward_columns[2];
};
