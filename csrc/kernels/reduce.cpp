#include "kernels/reduce.h"

#include "kernels/fill.h"

FASTNN_FILL(reduce, ReduceKernels) { table->reserved = 0; }
