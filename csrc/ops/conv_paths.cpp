#include "ops/conv_paths.h"

#include <string>

#include "ops/checks.h"
#include "ops/conv_rows.h"
#include "ops/gemm.h"
#include "ops/winograd_tiles.h"

namespace fastnn {
namespace {

// Each result reads one pixel, and all pixels are read once.
bool is_pointwise(const ConvShape& s) {
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

bool always(const ConvShape&) { return true; }

// Half of a tile or more lies beyond the results otherwise.
bool winograd_4_pays(const ConvShape& s) {
  const Windows& w = s.windows;
  return s.channels >= 16 && s.filters >= 16 && w.out[1] >= 6 && w.out[2] >= 6;
}
bool winograd_2_pays(const ConvShape& s) { return s.channels >= 16 && s.filters >= 16; }

constexpr ConvPath kPaths[] = {
    {"matrix_product", is_pointwise, always, product_bytes, run_product},
    {"winograd_4", can_winograd, winograd_4_pays, winograd_4_bytes, run_winograd_4},
    {"winograd_2", can_winograd, winograd_2_pays, winograd_2_bytes, run_winograd_2},
    {"rows", always, always, conv_rows_bytes, run_conv_rows},
};
constexpr int64_t kCount = sizeof kPaths / sizeof kPaths[0];

bool is_winograd(const ConvPath& path) { return path.can == can_winograd; }

// "auto", "exact" (auto without Winograd), and each path by its name.
constexpr int64_t kAuto = 0, kExact = 1, kNamed = 2;

}  // namespace

CodeList conv_algorithms() {
  static const char* names[kNamed + kCount] = {"auto", "exact"};
  for (int64_t i = 0; i < kCount; ++i) names[kNamed + i] = kPaths[i].name;
  return {names, static_cast<int>(kNamed + kCount)};
}

ConvPaths conv_paths() { return {kPaths, kCount}; }

const ConvPath& conv_path(const ConvShape& shape) {
  if (shape.algorithm >= kNamed) return kPaths[shape.algorithm - kNamed];
  const ConvPath* path = kPaths;
  while (!path->can(shape) || !path->pays(shape) ||
         (shape.algorithm == kExact && is_winograd(*path)))
    ++path;
  return *path;
}

void check_algorithm(const Call& call, const ConvShape& shape) {
  const ConvPath& path = conv_path(shape);
  if (!path.can(shape))
    fail(ErrorKind::value, call,
         std::string("algorithm is ") + path.name + ", which cannot compute this convolution");
}

int64_t conv_bytes(const ConvProblem& problem, int64_t threads) {
  return problem.shape.empty() ? 0 : conv_path(problem.shape).bytes(problem, threads);
}

void run_conv(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes) {
  if (!problem.shape.empty()) conv_path(problem.shape).run(problem, threads, scratch, bytes);
}

}  // namespace fastnn
