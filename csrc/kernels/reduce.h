/* What a target brings to reduce. */
#pragma once

#include <stdint.h>

struct ReduceKernels {
  int64_t reserved;
};
