// Means and sums of squared deviations over blocks of memory.
#pragma once

#include "ops/reduce_plan.h"

namespace fastnn {

// Bytes of the results and what leads to them.
int64_t moments_bytes(DType dtype, const ReducePass& pass);

// Takes the moments of contiguous [outer, reduced, inner], none of them 0, into `moments`: of every
// slab its `inner` means and then as many sums of squares, slabs moments_bytes / outer apart.
void take_moments(DType dtype, const ReducePass& pass, const char* x, char* moments);

}  // namespace fastnn
