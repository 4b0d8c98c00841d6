/* Folds of floating-point numbers: sums and their like, in the order of core/summation_order.h. */
#pragma once

#include <stdint.h>

#include "core/op_codes.h"

/* `op` is a FoldOp. y[i] = fold of the n consecutive elements at x + i * n, for i < rows */
typedef void (*FoldRows)(int op, const void* x, int64_t rows, int64_t n, void* y);
/* y[j] = fold over r < rows of x[r * stride + j], for j < width */
typedef void (*FoldColumns)(int op, const void* x, int64_t rows, int64_t stride, int64_t width,
                            void* y);
/* a[j] = a[j] with b[j] folded in, for j < n; both are results of folds by op */
typedef void (*FoldMerge)(int op, void* a, const void* b, int64_t n);

/* Indexed by DType; this family has the first two. */
struct ReduceKernels {
  FoldRows rows[2];
  FoldColumns columns[2];
  FoldMerge merge[2];
};
