#include "ops/conv_paths.h"

#include "ops/conv_rows.h"
#include "ops/gemm.h"

namespace fastnn {
namespace {

bool any(const ConvShape&) { return true; }

// Each result reads one pixel, and all pixels are read once.
bool pointwise(const ConvShape& s) {
  const Windows& w = s.windows;
  for (int i = 0; i < kMaxSpatial; ++i)
    if (w.size[i] != 1 || w.stride[i] != 1 || w.out[i] != w.in[i]) return false;
  return s.groups == 1;
}

GemmProblem product_of(const ConvProblem& p) {
  const ConvShape& s = p.shape;
  GemmProblem g;
  g.dtype = s.dtype;
  g.m = s.images * s.windows.outputs();
  g.n = s.filters;
  g.k = s.channels;
  g.a = p.x;
  g.a_row = s.channels;
  g.a_k = 1;
  g.b = p.w;
  g.b_k = p.mirrored ? 1 : s.filters;
  g.b_column = p.mirrored ? s.channels : 1;
  g.c = p.y;
  g.c_row = s.filters;
  g.bias = p.bias;
  g.residual = p.residual;
  g.relu = p.relu;
  return g;
}

int64_t product_bytes(const ConvProblem& p, int64_t threads) {
  return gemm_scratch_bytes(product_of(p), threads);
}

void run_product(const ConvProblem& p, int64_t threads, char* scratch, int64_t bytes) {
  gemm(product_of(p), threads, scratch, bytes);
}

constexpr ConvPath kPaths[] = {
    {"matrix product", pointwise, product_bytes, run_product},
    {"rows", any, conv_rows_bytes, run_conv_rows},
};

}  // namespace

ConvPaths conv_paths() { return {kPaths, sizeof kPaths / sizeof kPaths[0]}; }

const ConvPath& conv_path(const ConvShape& shape) {
  const ConvPath* path = kPaths;
  while (!path->fits(shape)) ++path;
  return *path;
}

int64_t conv_bytes(const ConvProblem& problem, int64_t threads) {
  return problem.shape.empty() ? 0 : conv_path(problem.shape).bytes(problem, threads);
}

void run_conv(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes) {
  if (!problem.shape.empty()) conv_path(problem.shape).run(problem, threads, scratch, bytes);
}

}  // namespace fastnn
