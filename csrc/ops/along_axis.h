// An array as it looks from one of its axes: [outer, n, inner].
#pragma once

#include "core/array.h"

namespace fastnn {

struct AlongAxis {
  int64_t outer = 1, n, inner = 1;

  AlongAxis(const Array& x, int64_t axis) : n(x.shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= x.shape[i];
    for (int i = static_cast<int>(axis) + 1; i < x.rank; ++i) inner *= x.shape[i];
  }
};

}  // namespace fastnn
