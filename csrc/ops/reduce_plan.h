// How a reduction over any axes becomes passes over [outer, reduced, inner] blocks of memory.
#pragma once

#include "core/primitive.h"

namespace fastnn {

// One pass: contiguous [outer, reduced, inner] to contiguous [outer, inner].
struct ReducePass {
  int64_t outer, reduced, inner;
};

struct ReducePlan {
  // The operand as it is read: axes in the order of memory when that needs no copy.
  bool copied;  // packed into scratch first
  int rank;
  int64_t shape[kMaxRank], strides[kMaxRank];
  int count;  // passes; more than one when reduced axes are not neighbours
  ReducePass passes[kMaxRank];
};

// `axes`: bit i stands for axis i. `one_pass`: reduced axes are brought together at the end by a
// copy if need be, so that every result comes from one contiguous run.
ReducePlan plan_reduction(const Array& x, int64_t axes, bool one_pass);

// Writes the elements in the plan's order, without gaps.
void pack_for_reduction(const ReducePlan& plan, const Array& x, char* packed);

}  // namespace fastnn
