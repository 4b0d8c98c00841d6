#include "ops/all.h"

namespace fastnn {

void register_movement() {}

}  // namespace fastnn
