/* Normalization by mean and variance (or by the mean square) of rows and of groups of columns. Null
 * means: absent. */
#pragma once

#include <stdint.h>

/* y = (x - mean) rstd gamma + beta, rstd = 1 / sqrt(variance + epsilon); without `mean` the mean
 * counts as zero: rstd is that of the mean square. mean and rstd are results too, one a row or
 * group. */
struct NormForward {
  const void *x, *gamma, *beta;
  double epsilon;
  void *y, *mean, *rstd;
};

/* dx = rstd (g - mean(g) - xh mean(g xh)), g = dy gamma, xh = (x - mean) rstd; without `mean` the
 * middle term is left out; without `dx` there are sums only. dgamma and dbeta: the sums of dy xh
 * and of dy over what is given. */
struct NormBackward {
  const void *dy, *x, *mean, *rstd, *gamma;
  void *dx, *dgamma, *dbeta;
};

/* Each row of n; gamma and beta have n elements. */
typedef void (*NormRows)(const struct NormForward*, int64_t rows, int64_t n);
typedef void (*NormRowsBackward)(const struct NormBackward*, int64_t rows, int64_t n);

/* Columns of one array, `width` of them together; gamma and beta have an element a column. scratch:
 * 2 (forward) or 4 elements a column. */
struct NormColumns {
  int64_t rows, stride; /* elements from row to row: these may be some of its columns only */
  int64_t groups, width;
};
typedef void (*NormGroups)(const struct NormForward*, const struct NormColumns*, void* scratch);
typedef void (*NormGroupsBackward)(const struct NormBackward*, const struct NormColumns*,
                                   void* scratch);

/* Indexed by DType: float, double. */
struct NormKernels {
  NormRows rows[2];
  NormRowsBackward rows_backward[2];
  NormGroups groups[2];
  NormGroupsBackward groups_backward[2];
};
