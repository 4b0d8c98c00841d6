/* What a target brings to random. */
#pragma once

#include <stdint.h>

struct RandomKernels {
  int64_t reserved;
};
