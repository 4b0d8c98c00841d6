#include "ops/conv_paths.h"

#include <algorithm>
#include <string>

#include "ops/checks.h"
#include "ops/conv_depthwise.h"
#include "ops/conv_rows.h"
#include "ops/conv_winograd.h"
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
  g.packed_b = p.prepared;
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

int64_t packed_bytes(const ConvProblem& p) { return gemm_packed_b_bytes(product_of(p)); }

void pack_product(const ConvProblem& p, char* to) { gemm_pack_b(product_of(p), to); }

// dw is x transposed, times dy: k runs over pixels.
GemmProblem product_of(const KernelGradient& gradient) {
  const ConvShape& s = gradient.shape;
  GemmProblem g;
  g.dtype = s.dtype;
  g.m = s.channels;
  g.n = s.filters;
  g.k = s.images * s.windows.outputs();
  g.a = gradient.x;
  g.a_row = 1;
  g.a_k = s.channels;
  g.b = gradient.dy;
  g.b_k = s.filters;
  g.b_column = 1;
  g.c = gradient.dw;
  g.c_row = s.filters;
  return g;
}

int64_t gradient_product_bytes(const KernelGradient& gradient, int64_t threads) {
  return std::max(gemm_scratch_bytes(product_of(gradient), threads),
                  conv_bias_bytes(gradient, threads));
}

void run_gradient_product(const KernelGradient& gradient, int64_t threads, char* scratch,
                          int64_t bytes) {
  gemm(product_of(gradient), threads, scratch, bytes);
  run_conv_bias(gradient, threads, scratch, bytes);
}

bool always(const ConvShape&) { return true; }

// There must be enough to multiply for what the transforms move.
bool has_channels(const ConvShape& s) { return s.channels >= 16 && s.filters >= 16; }
// Else packing takes longer than what it saves.
bool fills_product(const ConvShape& s) {
  return has_channels(s) && s.images * s.windows.outputs() >= 512;
}
// Else half of the tiles or more lies beyond the results.
bool fills_tiles(const ConvShape& s) {
  return has_channels(s) && s.windows.out[1] >= 6 && s.windows.out[2] >= 6;
}

template <int64_t Size, int64_t Taps>
constexpr ConvPath winograd(const char* name, bool (*pays)(const ConvShape&)) {
  using Path = WinogradPath<Size, Taps>;
  return {name, Path::can, pays, Path::bytes, Path::run, Path::prepared_bytes, Path::prepare};
}

// Winograd's method rounds more often.
bool rounds_more(bool (*can)(const ConvShape&)) {
  return can == WinogradPath<2, 3>::can || can == WinogradPath<4, 3>::can ||
         can == WinogradPath<2, 5>::can || can == WinogradPath<2, 7>::can ||
         can == can_winograd_gradient;
}

constexpr ConvPath kPaths[] = {
    {"matrix_product", is_pointwise, always, product_bytes, run_product, packed_bytes,
     pack_product},
    {"depthwise", is_depthwise, always, depthwise_bytes, run_depthwise, nullptr, nullptr},
    winograd<4, 3>("winograd_4", fills_tiles),
    winograd<2, 3>("winograd_2", has_channels),
    winograd<2, 5>("winograd_5", has_channels),
    winograd<2, 7>("winograd_7", has_channels),
    {"rows", always, always, conv_rows_bytes, run_conv_rows, conv_rows_prepared_bytes,
     prepare_conv_rows},
};

constexpr KernelGradientPath kGradientPaths[] = {
    {"matrix_product", is_pointwise, fills_product, gradient_product_bytes, run_gradient_product},
    {"depthwise", is_depthwise, always, depthwise_gradient_bytes, run_depthwise_gradient},
    {"winograd", can_winograd_gradient, has_channels, winograd_gradient_bytes,
     run_winograd_gradient},
    {"pixels", always, always, conv_pixels_bytes, run_conv_pixels},
};

constexpr int64_t kNamed = kConvExact + 1;  // the first code of a path; 0 is "auto"

template <class Path, int64_t Count>
CodeList codes_of(const Path (&paths)[Count]) {
  static const char* names[kNamed + Count] = {"auto", "exact"};
  for (int64_t i = 0; i < Count; ++i) names[kNamed + i] = paths[i].name;
  return {names, static_cast<int>(kNamed + Count)};
}

template <class Path>
const Path& pick(const Path* path, const ConvShape& s) {
  if (s.algorithm >= kNamed) return path[s.algorithm - kNamed];
  while (!path->can(s) || !path->pays(s) || (s.algorithm == kConvExact && rounds_more(path->can)))
    ++path;
  return *path;
}

template <class Path>
void check(const Call& call, const ConvShape& shape, const Path& path) {
  if (!path.can(shape))
    fail(ErrorKind::value, call,
         std::string("algorithm is ") + path.name + ", which cannot compute this convolution");
}

}  // namespace

CodeList conv_algorithms() { return codes_of(kPaths); }
CodeList kernel_gradient_algorithms() { return codes_of(kGradientPaths); }

const ConvPath& conv_path(const ConvShape& shape) { return pick(kPaths, shape); }
const KernelGradientPath& kernel_gradient_path(const ConvShape& shape) {
  return pick(kGradientPaths, shape);
}

void check_algorithm(const Call& call, const ConvShape& shape) {
  check(call, shape, conv_path(shape));
}
void check_kernel_gradient_algorithm(const Call& call, const ConvShape& shape) {
  check(call, shape, kernel_gradient_path(shape));
}

int64_t conv_bytes(const ConvProblem& problem, int64_t threads) {
  return problem.shape.empty() ? 0 : conv_path(problem.shape).bytes(problem, threads);
}

int64_t conv_prepared_bytes(const ConvProblem& problem) {
  if (problem.shape.empty()) return 0;
  const ConvPath& path = conv_path(problem.shape);
  return path.prepared_bytes ? path.prepared_bytes(problem) : 0;
}

void conv_prepare(const ConvProblem& problem, char* to) {
  conv_path(problem.shape).prepare(problem, to);
}

void run_conv(const ConvProblem& problem, int64_t threads, char* scratch, int64_t bytes) {
  if (!problem.shape.empty()) conv_path(problem.shape).run(problem, threads, scratch, bytes);
}

}  // namespace fastnn
