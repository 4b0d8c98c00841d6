/* Mean and sum of squared deviations. */
#pragma once

#include <stdint.h>

/* Of the n consecutive elements at x + i * n, for i < rows. */
typedef void (*MomentsRows)(const void* x, int64_t rows, int64_t n, void* mean, void* squares);
/* Of every one of `width` columns of `rows` rows, which lie `stride` elements apart. */
typedef void (*MomentsColumns)(const void* x, int64_t rows, int64_t stride, int64_t width,
                               void* mean, void* squares);
/* Joins the moments of `more` further elements to those of `rows`, for `width` columns. */
typedef void (*MomentsJoin)(int64_t rows, int64_t more, int64_t width, void* mean, void* squares,
                            const void* more_mean, const void* more_squares);

/* Indexed by DType: float, double. */
struct MomentsKernels {
  MomentsRows rows[2];
  MomentsColumns columns[2];
  MomentsJoin join[2];
};
