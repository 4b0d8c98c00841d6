/* Losses from logits, with their gradients. Indexed by DType: float, double. */
#pragma once

#include <stdint.h>

/* Label of a row that does not count. */
#define FASTNN_NO_LABEL (-1)

/* loss[i] and dx of rows of n logits. Targets are `labels` (checked before: in [0, n) or
 * FASTNN_NO_LABEL), or `dense` rows of n when labels is null. Both are smoothed: t (1 - smoothing)
 * + smoothing / n. weight: one a row, or null. */
typedef void (*CrossEntropyRows)(const void* x, const int64_t* labels, const void* dense,
                                 const void* weight, double smoothing, int64_t rows, int64_t n,
                                 void* loss, void* dx);

/* loss = max(x, 0) - x t + log1p(exp(-|x|)), dx = sigmoid(x) - t, with t smoothed towards 1/2.
 * weight: one an element, or null. */
typedef void (*BinaryCrossEntropy)(const void* x, const void* t, const void* weight,
                                   double smoothing, int64_t n, void* loss, void* dx);

struct LossKernels {
  CrossEntropyRows cross_entropy[2];
  BinaryCrossEntropy binary_cross_entropy[2];
};
