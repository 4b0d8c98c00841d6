/* What a target brings to the derivatives of functions of one array. */
#pragma once

#include <stdint.h>

#include "core/op_codes.h"

/* dx[i] = dy[i] * op'(value[i]); value is x or y as op_codes.h says; dx may be dy or value. */
typedef void (*UnaryBackwardKernel)(int64_t n, const void* dy, const void* value, void* dx,
                                    double a, double b);

struct UnaryBackwardKernels {
  UnaryBackwardKernel run[(int)fastnn::UnaryOp::count][2]; /* [op][float32, float64] */
};
