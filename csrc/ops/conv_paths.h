// The ways through a convolution and to the gradient by its kernel: two tables, read from the top;
// the first row that can do it and pays is taken, by shape and dtype alone.
#pragma once

#include "ops/conv_pixels.h"

namespace fastnn {

struct ConvPath {
  const char* name;
  bool (*can)(const ConvShape& shape);
  bool (*pays)(const ConvShape& shape);
  int64_t (*bytes)(const ConvProblem& problem, int64_t threads);
  void (*run)(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);
  // The weights as `run` reads them; null: as they lie.
  int64_t (*prepared_bytes)(const ConvProblem& problem);
  void (*prepare)(const ConvProblem& problem, char* to);
};
const ConvPath& conv_path(const ConvShape& shape);

struct KernelGradientPath {
  const char* name;
  bool (*can)(const ConvShape& shape);
  bool (*pays)(const ConvShape& shape);
  int64_t (*bytes)(const KernelGradient& gradient, int64_t threads);
  void (*run)(const KernelGradient& gradient, int64_t threads, char* scratch,
              int64_t scratch_bytes);
};
const KernelGradientPath& kernel_gradient_path(const ConvShape& shape);

// What callers may ask for: "auto"; "exact", which is auto without Winograd's method (it rounds
// more often); or one path by its name.
constexpr int64_t kConvAuto = 0, kConvExact = 1;
CodeList conv_algorithms();
CodeList kernel_gradient_algorithms();
// Throws where the path that was asked for cannot compute this.
void check_algorithm(const Call& call, const ConvShape& shape);
void check_kernel_gradient_algorithm(const Call& call, const ConvShape& shape);

}  // namespace fastnn
