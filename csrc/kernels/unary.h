/* What a target brings to functions of one array. */
#pragma once

#include <stdint.h>

#include "core/op_codes.h"

/* y[i] = op(x[i]); x and y may be the same array. */
typedef void (*UnaryKernel)(int64_t n, const void* x, void* y, double a, double b);

struct UnaryKernels {
  UnaryKernel run[(int)fastnn::UnaryOp::count][6]; /* [op][dtype]; null: not for that dtype */
};
