// Changes of a recorded step before it becomes a plan: other calls, the same bits in all that the
// step returns and keeps.
#pragma once

#include <vector>

#include "core/trace.h"

namespace fastnn {

// relu(max_pool(conv(x))) is max_pool(relu(conv(x))), and there relu costs nothing: the convolution
// applies it to its sums, and the pooling leaves out of its gradient what relu's would. So the
// calls of relu and of its gradient are read by nobody any more. Returns for each made block
// which one held its values when the step was recorded; -1: none did.
std::vector<int32_t> swap_relu_and_max_pool(Trace& trace);

}  // namespace fastnn
