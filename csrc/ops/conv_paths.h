// The ways through a convolution: one table, read from the top; the first row that can do it and
// pays is taken, by shape and dtype alone.
#pragma once

#include "ops/conv.h"

namespace fastnn {

struct ConvPath {
  const char* name;
  bool (*can)(const ConvShape& shape);
  bool (*pays)(const ConvShape& shape);
  int64_t (*bytes)(const ConvProblem& problem, int64_t threads);
  void (*run)(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);
};

struct ConvPaths {
  const ConvPath* begin;
  int64_t count;
};
ConvPaths conv_paths();
const ConvPath& conv_path(const ConvShape& shape);

// Winograd's method rounds more often, so that only those get it who allow it.
int64_t winograd_2_bytes(const ConvProblem& problem, int64_t threads);
void run_winograd_2(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);
int64_t winograd_4_bytes(const ConvProblem& problem, int64_t threads);
void run_winograd_4(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);

}  // namespace fastnn
