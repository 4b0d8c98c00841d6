/* FASTNN_FILL(gemm, GemmKernels) opens the one external function of a kernel object, which writes
 * what this target has into the table: `static` everything else. The target comes from CMake as
 * -DFASTNN_TARGET=avx2. */
#pragma once

#define FASTNN_FILL_NAME_2(family, target) fastnn_fill_##family##_##target
#define FASTNN_FILL_NAME_1(family, target) FASTNN_FILL_NAME_2(family, target)
#define FASTNN_FILL_NAME(family) FASTNN_FILL_NAME_1(family, FASTNN_TARGET)
#define FASTNN_FILL(family, Struct)                         \
  extern "C" void FASTNN_FILL_NAME(family)(struct Struct*); \
  extern "C" void FASTNN_FILL_NAME(family)(struct Struct * table)
