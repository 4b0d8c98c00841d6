#include "ops/all.h"

namespace fastnn {

void register_random() {}

}  // namespace fastnn
