/* Reductions whose result does not depend on an order: folds of integers, truth, positions. */
#pragma once

#include <stdint.h>

#include "kernels/reduce.h"

/* y[i] = position of the first largest (or smallest) of n elements; the first NaN wins */
typedef void (*ArgRows)(int smallest, const void* x, int64_t rows, int64_t n, int64_t* y);
typedef void (*ArgColumns)(int smallest, const void* x, int64_t rows, int64_t stride, int64_t width,
                           int64_t* y);

/* Indexed by DType; the folds of float and double are those of the family `reduce`. */
struct ReduceExactKernels {
  FoldRows rows[6];
  FoldColumns columns[6];
  FoldMerge merge[6];
  /* results are 0 or 1: whether any element differs from zero (kFoldMax), or all (kFoldMin) */
  FoldRows truth_rows[6];
  FoldColumns truth_columns[6];
  ArgRows arg_rows[6];
  ArgColumns arg_columns[6];
};
