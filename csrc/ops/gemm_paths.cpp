#include "ops/gemm_paths.h"

#include <algorithm>

#include "ops/gemm_cut.h"

namespace fastnn {
namespace {

int64_t no_bytes(const GemmProblem&, int64_t) { return 0; }

constexpr GemmPath kPaths[] = {
    // name       m    n    k  results  least k  layout
    {"dots", 0, 0, 0, 0, 0, GemmPath::dot_like, no_bytes, run_gemm_dots, nullptr},
    {"split k", 0, 0, 0, 16384, 2049, GemmPath::any, gemm_split_bytes, run_gemm_split, nullptr},
    {"few rows", 0, 0, 0, 0, 0, GemmPath::low, gemm_direct_bytes, run_gemm_direct, nullptr},
    {"few columns", 0, 32, 0, 0, 0, GemmPath::readable, gemm_direct_bytes, run_gemm_direct,
     nullptr},
    {"short", 128, 160, 0, 0, 0, GemmPath::apart, gemm_direct_bytes, run_gemm_direct, nullptr},
    {"small", 0, 160, 160, 0, 0, GemmPath::readable, gemm_direct_bytes, run_gemm_direct, nullptr},
    {"long sums", 0, 0, 0, 0, 1025, GemmPath::across, gemm_packed_bytes, run_gemm_packed, nullptr},
    {"columns", 256, 0, 0, 0, 0, GemmPath::any, gemm_columns_bytes, run_gemm_columns,
     pack_b_of_columns},
    {"packed", 0, 0, 0, 0, 0, GemmPath::any, gemm_packed_bytes, run_gemm_packed, nullptr},
};

// How many products from the first on go the way on which all threads pack the same B.
int together(const GemmProblem* products, int count) {
  const GemmProblem& g = products[0];
  int same = 0;
  for (; same < std::min(count, kMostTogether); ++same) {
    const GemmProblem& h = products[same];
    if (h.dtype != g.dtype || h.b != g.b || h.n != g.n || h.k != g.k || h.b_k != g.b_k ||
        h.b_column != g.b_column || h.m == 0 || h.n == 0 || gemm_path(h).run != run_gemm_packed)
      break;
  }
  return same;
}

bool within(int64_t value, int64_t most) { return most == 0 || value <= most; }

bool fits(const GemmPath& path, const GemmProblem& g) {
  if (!within(g.m, path.most_m) || !within(g.n, path.most_n) || !within(g.k, path.most_k) ||
      !within(g.m * g.n, path.most_results) || g.k < path.least_k)
    return false;
  if (g.in_order && path.run == run_gemm_split) return false;
  switch (path.layout) {
    case GemmPath::any:
      return true;
    case GemmPath::readable:
      return is_readable(g);
    case GemmPath::low:
      return is_readable(g) && is_low(g);
    case GemmPath::apart:
      return is_readable(g) && !a_collides(g);
    case GemmPath::across:
      return way_of_a(g) == WayOfA::across;
    case GemmPath::dot_like:
      return is_dot_like(g);
  }
  return false;
}

}  // namespace

GemmPaths gemm_paths() { return {kPaths, sizeof kPaths / sizeof kPaths[0]}; }

const GemmPath& gemm_path(const GemmProblem& g) {
  const GemmPath* path = kPaths;
  while (!fits(*path, g)) ++path;
  return *path;
}

GemmProblem sum_of_rows(DType dtype, int64_t rows, int64_t columns, const char* from, char* to) {
  static const float one_f32 = 1;
  static const double one_f64 = 1;
  GemmProblem g;
  g.dtype = dtype;
  g.m = 1;
  g.n = columns;
  g.k = rows;
  g.a = dtype == DType::float32 ? reinterpret_cast<const char*>(&one_f32)
                                : reinterpret_cast<const char*>(&one_f64);
  g.b = from;
  g.b_k = columns;
  g.b_column = 1;
  g.c = to;
  g.c_row = columns;
  return g;
}

bool is_readable(const GemmProblem& g) { return way_of_a(g) != WayOfA::none && reads_b(g); }

int64_t gemm_scratch_bytes(const GemmProblem& g, int64_t threads) {
  return g.m == 0 || g.n == 0 ? 0 : gemm_path(g).scratch_bytes(g, threads);
}

int64_t gemm_packed_b_bytes(const GemmProblem& g) {
  if (g.m == 0 || g.n == 0 || g.k == 0 || !gemm_path(g).pack_b) return 0;
  const GemmCut cut(g);
  return cut.panels * cut.panel * g.k * cut.element;
}

void gemm_pack_b(const GemmProblem& g, char* to) { gemm_path(g).pack_b(g, to); }

void gemm(const GemmProblem& g, int64_t threads, char* scratch, int64_t bytes) {
  if (g.m > 0 && g.n > 0) gemm_path(g).run(g, threads, scratch, bytes);
}

int64_t gemm_scratch_bytes(const GemmProblem* products, int count, int64_t threads) {
  int64_t most = 0;
  for (int i = 0, many; i < count; i += many) {
    many = std::max(together(products + i, count - i), 1);
    most = std::max(most, many > 1 ? packed_together_bytes(products + i, many, threads)
                                   : gemm_scratch_bytes(products[i], threads));
  }
  return most;
}

void gemm(const GemmProblem* products, int count, int64_t threads, char* scratch, int64_t bytes) {
  for (int i = 0, many; i < count; i += many) {
    many = std::max(together(products + i, count - i), 1);
    if (many > 1)
      run_packed_together(products + i, many, threads, scratch, bytes);
    else
      gemm(products[i], threads, scratch, bytes);
  }
}

}  // namespace fastnn
