/* Running sums and products. */
#pragma once

#include <stdint.h>

/* All walk from the first element of a chain on, with steps of `step` elements, 1 or, for chains
 * that run backwards, -1 (columns: of rows, of any sign). `product`: products in place of sums. */

/* The results y of `chains` chains x of n elements each, one behind the other. */
typedef void (*RunRows)(int product, const void* x, int64_t chains, int64_t n, int64_t step,
                        void* y);
/* The results of `width` chains side by side. */
typedef void (*RunColumns)(int product, const void* x, int64_t n, int64_t step, int64_t width,
                           void* y);
/* y[i] = start + y[i] for i < n */
typedef void (*RunShift)(const void* start, void* y, int64_t n);
/* The gradient of running products y of x, `width` <= kRunWidth chains side by side:
 * s[i] = dy[i] + x[i + 1] s[i + 1], dx[i] = y[i - 1] s[i] */
typedef void (*RunProductsBackward)(const void* dy, const void* x, const void* y, int64_t n,
                                    int64_t step, int64_t width, void* dx);

enum { kRunWidth = 256 };

/* Indexed by DType. */
struct CumulativeKernels {
  RunRows rows[5];
  RunColumns columns[5];
  RunShift shift[5];
  RunProductsBackward products_backward[2];
};
