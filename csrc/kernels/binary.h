/* What a target brings to functions of two arrays, and to select. */
#pragma once

#include <stdint.h>

#include "core/op_codes.h"

/* y[i] = op(x1[i], x2[i]); y may be x1 or x2. */
typedef void (*BinaryKernel)(int64_t n, const void* x1, const void* x2, void* y);

/* y[i] = mask[i] ? a[i] : b[i] */
typedef void (*SelectKernel)(int64_t n, const uint8_t* mask, const void* a, const void* b, void* y);

struct BinaryKernels {
  BinaryKernel run[(int)fastnn::BinaryOp::count][6]; /* [op][dtype]; null: not for that dtype */
  /* The same with one element for x1, [0], or for x2, [1]; null: not for that op or dtype. */
  BinaryKernel with_one[(int)fastnn::BinaryOp::count][6][2];
  SelectKernel select[6]; /* [dtype] */
};
