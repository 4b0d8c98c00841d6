// Convolution by Winograd's minimal filtering, with tiles of 2 x 2 or 4 x 4 results, where
// can_winograd (ops/winograd_tiles.h) says so.
#pragma once

#include "ops/conv_pixels.h"

namespace fastnn {

int64_t winograd_2_bytes(const ConvProblem& problem, int64_t threads);
void run_winograd_2(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);
int64_t winograd_4_bytes(const ConvProblem& problem, int64_t threads);
void run_winograd_4(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);

// The transformed weights of a convolution, not of a mirrored one.
int64_t winograd_2_prepared_bytes(const ConvProblem& problem);
void prepare_winograd_2(const ConvProblem& problem, char* to);
int64_t winograd_4_prepared_bytes(const ConvProblem& problem);
void prepare_winograd_4(const ConvProblem& problem, char* to);

int64_t winograd_gradient_bytes(const KernelGradient& gradient, int64_t threads);
void run_winograd_gradient(const KernelGradient& gradient, int64_t threads, char* scratch);

}  // namespace fastnn
