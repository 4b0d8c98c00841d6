// Convolution by Winograd's minimal filtering F(Size x Size, Taps x Taps): tiles of Size x Size
// results, kernels of Taps x Taps. There is F(2, 3), F(4, 3), F(2, 5) and F(2, 7).
#pragma once

#include "ops/conv_pixels.h"

namespace fastnn {

template <int64_t Size, int64_t Taps>
struct WinogradPath {
  static bool can(const ConvShape& shape);
  static int64_t bytes(const ConvProblem& problem, int64_t threads);
  static void run(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);
  // The transformed weights of a convolution, not of a mirrored one.
  static int64_t prepared_bytes(const ConvProblem& problem);
  static void prepare(const ConvProblem& problem, char* to);
};

// The gradient by the kernel.
bool can_winograd_gradient(const ConvShape& shape);
int64_t winograd_gradient_bytes(const KernelGradient& gradient, int64_t threads);
void run_winograd_gradient(const KernelGradient& gradient, int64_t threads, char* scratch,
                           int64_t scratch_bytes);

}  // namespace fastnn
