/* Pooling and resizing over three spatial axes of [batch, spatial, channels]. */
#pragma once

#include <stdint.h>

/* What one position of a result reads along an axis: `count` positions of the operand from `at` on,
 * which are elements `tap`, ... of a window. */
struct PoolSpan {
  int64_t at, count, tap;
  double cells;          /* the mean is over so many */
  const double* weights; /* one for each of them */
};

/* Positions read lie `step` apart, and their elements of the window `tap_step`. */
struct PoolAxis {
  const struct PoolSpan* spans; /* one for each of the `extent` positions of the result */
  int64_t extent, operand, window, step, tap_step;
};

struct Pool {
  struct PoolAxis axis[3];
  int64_t channels;
};

/* All compute `rows` rows of the result from number `row` on: those of its last spatial axis. */

/* which: the element of the window that the result comes from, or null. The first of equal ones and
 * the first NaN count; of no elements the largest is -infinity, and which is 255. With through_relu
 * it is 255, too, where the result is not positive: there relu, which made x, has no slope. */
typedef void (*PoolMax)(const struct Pool*, const void* x, int64_t row, int64_t rows, void* y,
                        uint8_t* which, int through_relu);
/* dx = the sum of dy over windows whose largest element this one is. */
typedef void (*PoolMaxBackward)(const struct Pool*, const void* dy, const uint8_t* which,
                                int64_t row, int64_t rows, void* dx);
/* The same for windows that share no element, `rows` rows of windows; the spans are those of the
 * forward direction. */
typedef void (*PoolMaxSpread)(const struct Pool*, const void* dy, const uint8_t* which, int64_t row,
                              int64_t rows, void* dx);
/* dx of one element of the batch, channels [first, first + count), from x: for large windows. The
 * spans are those of the forward direction. */
typedef void (*PoolMaxSearch)(const struct Pool*, const void* dy, const void* x, int64_t first,
                              int64_t count, void* dx);
/* y = the sum of what a window reads over the product of `cells` */
typedef void (*PoolMean)(const struct Pool*, const void* x, int64_t row, int64_t rows, void* y);
/* y = the sum of what is read times the product of `weights` */
typedef void (*PoolWeighted)(const struct Pool*, const void* x, int64_t row, int64_t rows, void* y);

/* Indexed by DType: float, double. */
struct PoolKernels {
  PoolMax max[2];
  PoolMaxBackward max_backward[2];
  PoolMaxSpread max_spread[2];
  PoolMaxSearch max_search[2];
  PoolMean mean[2];
  PoolWeighted weighted[2];
};
