#include "kernels/gemm.h"

#include "kernels/fill.h"

FASTNN_FILL(gemm, GemmKernels) { table->reserved = 0; }
