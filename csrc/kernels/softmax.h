/* What a target brings to softmax. */
#pragma once

#include <stdint.h>

struct SoftmaxKernels {
  int64_t reserved;
};
