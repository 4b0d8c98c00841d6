/* What a target brings to optimizer. */
#pragma once

#include <stdint.h>

struct OptimizerKernels {
  int64_t reserved;
};
