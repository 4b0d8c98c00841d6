#include "ops/all.h"

namespace fastnn {

void register_elementwise() {}

}  // namespace fastnn
