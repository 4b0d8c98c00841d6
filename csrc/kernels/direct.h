/* A row of results of a convolution whose sums are short: a few taps of images of few channels.
 *
 * Tiles of neighbouring results and all columns stay in registers from the first product to the
 * epilogue; what a call of a product's tile costs besides would be more than its products. */
#pragma once

#include <stdint.h>

#include "kernels/gemm.h"

#define FASTNN_DIRECT_VECTORS 4

struct DirectRow {
  const void* x; /* what the first result reads first */
  int64_t pixel; /* elements to what the next result reads first */
  const struct GemmRun* runs;
  int64_t run_count;
  const void* w;    /* for each k the vectors of columns, of which the last ends where they do */
  int64_t w_k;      /* elements to the next k */
  const void* bias; /* of the first column; or null */
  void* y;
  int64_t y_pixel;
  int64_t results, columns;
  int32_t relu;
  int32_t reserved;
};

/* relu(sum + bias); sums as in kernels/gemm.h, of one block. */
typedef void (*DirectKernel)(const struct DirectRow* row);

struct DirectKernels {
  /* by the number of vectors that hold the columns */
  DirectKernel f32[FASTNN_DIRECT_VECTORS + 1], f64[FASTNN_DIRECT_VECTORS + 1];
  int32_t lanes_f32, lanes_f64;
};
