// Convolution with one filter a channel: no sums over channels, so vectors lie along them.
//
// Taps that meet padding are left out. A sum over taps is one chain of fused multiply-adds; the
// gradient by the kernel has the blocks and groups of core/summation_order.h, its k = pixels.
#pragma once

#include "ops/conv_pixels.h"
#include "ops/conv_rows.h"

namespace fastnn {

// One filter a channel, over one or two axes.
bool is_depthwise(const ConvShape& shape);

// The convolution, or gradient by the input, of all channels; the problem is that of the first.
void run_depthwise_rows(const RowsProblem& problem, int64_t threads);

// As a way through a whole convolution.
int64_t depthwise_bytes(const ConvProblem& problem, int64_t threads);
void run_depthwise(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);

int64_t depthwise_gradient_bytes(const KernelGradient& gradient, int64_t threads);
void run_depthwise_gradient(const KernelGradient& gradient, int64_t threads, char* scratch,
                            int64_t scratch_bytes);

}  // namespace fastnn
