// The ways through a convolution: one table, read from the top; the first row that fits is taken.
//
// By shape and dtype alone.
#pragma once

#include "ops/conv.h"

namespace fastnn {

struct ConvPath {
  const char* name;
  bool (*fits)(const ConvShape& shape);
  int64_t (*bytes)(const ConvProblem& problem, int64_t threads);
  void (*run)(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes);
};

struct ConvPaths {
  const ConvPath* begin;
  int64_t count;
};
ConvPaths conv_paths();
const ConvPath& conv_path(const ConvShape& shape);

}  // namespace fastnn
