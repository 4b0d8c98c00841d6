#include "kernels/elementwise.h"

#include "kernels/fill.h"

FASTNN_FILL(elementwise, ElementwiseKernels) { table->reserved = 0; }
