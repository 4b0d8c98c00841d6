/* What a target brings to gemm. */
#pragma once

#include <stdint.h>

struct GemmKernels {
  int64_t reserved;
};
