/* What a target brings to elementwise. */
#pragma once

#include <stdint.h>

struct ElementwiseKernels {
  int64_t reserved;
};
