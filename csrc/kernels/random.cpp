#include "kernels/random.h"

#include "kernels/fill.h"

FASTNN_FILL(random, RandomKernels) { table->reserved = 0; }
