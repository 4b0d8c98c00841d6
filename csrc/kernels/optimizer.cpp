#include "kernels/optimizer.h"

#include "kernels/fill.h"

FASTNN_FILL(optimizer, OptimizerKernels) { table->reserved = 0; }
