// The inner loops that one instruction set brings, family by family, and how drivers reach them.
#pragma once

#include "kernels/families.h"

namespace fastnn {

// The table of the target that was chosen when the module was imported.
const KernelTable& kernels();

}  // namespace fastnn
