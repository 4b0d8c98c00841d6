// The end of a long sum whose blocks were shared out (core/summation_order.h).
#pragma once

#include <cstdint>

#include "core/array.h"

namespace fastnn {

// A matrix with rows of unit stride, as the sum of its groups, in order: group i lies in rows
// without gaps, `step` bytes times i behind `sums`.
struct GroupSums {
  DType dtype;
  char* to;
  int64_t rows, columns, to_row;  // to_row in elements
  const char* sums;
  int64_t step, groups;
};
void add_groups(const GroupSums& g);

}  // namespace fastnn
