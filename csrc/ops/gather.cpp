#include "ops/all.h"

namespace fastnn {

void register_gather() {}

}  // namespace fastnn
