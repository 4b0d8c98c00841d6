#include "ops/gemm_cut.h"

#include <algorithm>

#include "core/caches.h"
#include "core/kernel_table.h"
#include "core/summation_order.h"

namespace fastnn {
namespace {

const GemmTiles& tiles_of(const GemmProblem& g) {
  return g.dtype == DType::float32 ? kernels().gemm.f32 : kernels().gemm.f64;
}

// Elements from a packed row to the next: an odd number of lines, so that the rows of a tile do not
// share the sets of a cache.
int64_t spread(int64_t columns) { return ceil_div(columns, 16) * 16 | 16; }

constexpr int64_t kCollidingStride = 4096;  // the size of one way of the first cache
constexpr int64_t kWays = 8;                // of the first cache
constexpr int64_t kRowsAcross = 8;          // of B, packed at a time, so that the reads are long

}  // namespace

WayOfA way_of_a(const GemmProblem& g) {
  if (g.a_k == 1 || g.k == 1) return WayOfA::along_k;
  return g.a_row == 1 || g.m == 1 ? WayOfA::across : WayOfA::none;
}

bool a_collides(const GemmProblem& g) {
  const WayOfA way = way_of_a(g);
  if (way == WayOfA::none) return true;
  if (way == WayOfA::along_k) return g.a_row * item_size(g.dtype) % kCollidingStride == 0;
  // Neighbouring tiles share the lines of a block's columns: they should all stay in the cache.
  const int64_t columns = std::min(g.k, kSumBlock), step = g.a_k * item_size(g.dtype);
  if (step == 0) return false;
  const int64_t shared = std::min(step & -step, kCollidingStride);  // by the places of all columns
  return kWays * kCollidingStride / shared <= columns;
}

bool is_low(const GemmProblem& g) { return g.m <= tiles_of(g).rows; }

GemmCut::GemmCut(const GemmProblem& g) : g(g), epilogue{} {
  const bool is_f32 = g.dtype == DType::float32;
  tiles = &tiles_of(g);
  pack = is_f32 ? kernels().pack.f32 : kernels().pack.f64;
  slice = is_f32 ? kernels().pack.slice_f32 : kernels().pack.slice_f64;
  element = item_size(g.dtype);
  row_tiles = ceil_div(g.m, tiles->rows);
  const int64_t widest = tiles->widest[most_rows()];
  panel_width = 0;
  while (int64_t{2} << panel_width <= widest && int64_t{tiles->lanes} << panel_width < g.n)
    ++panel_width;
  panel = int64_t{tiles->lanes} << panel_width;
  panels = ceil_div(g.n, panel);
  epilogue.alpha = g.alpha;
  epilogue.beta = g.beta;
  epilogue.c0 = g.beta != 0 ? g.c0 : nullptr;
  epilogue.c0_row = epilogue.residual_row = g.n;
  epilogue.bias = g.bias;
  epilogue.residual = g.residual;
  epilogue.relu = g.relu;
  has_epilogue = g.alpha != 1 || epilogue.c0 || g.bias || g.residual || g.relu;
}

GemmCut::GemmCut(const GemmProblem& g, const GemmCut& other) : GemmCut(g) {
  panel = other.panel;
  panel_width = other.panel_width;
  panels = other.panels;
}

double GemmCut::flops() const {
  return 2.0 * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
}

// Of a tile's rows, packed side by side: those of one block of k, and what a register spills.
int64_t GemmCut::slice_elements() const {
  return std::min(g.k, kSumBlock) * most_rows() + tiles->lanes;
}

int64_t GemmCut::block_of_a_bytes(int64_t count) const {
  if (way_of_a(g) == WayOfA::across) return count * slice_elements() * element;
  return count * most_rows() * spread(std::min(g.k, kSumBlock)) * element;
}

int64_t GemmCut::block_of_b_bytes(int64_t count) const {
  return count * panel * std::min(g.k, kSumBlock) * element;
}

BlockOfA GemmCut::read_a(int64_t tile0, int64_t p) const {
  const bool along_k = way_of_a(g) == WayOfA::along_k;
  return {at(g.a, row(tile0) * g.a_row + p * g.a_k), along_k ? g.a_row : g.a_k, along_k};
}

BlockOfA GemmCut::pack_a(int64_t tile0, int64_t tile1, int64_t p, char* to) const {
  if (way_of_a(g) == WayOfA::across) return slice_a(tile0, tile1, p, to);
  const int64_t rows = row(tile1) - row(tile0), depth = std::min(g.k - p, kSumBlock);
  const char* from = at(g.a, row(tile0) * g.a_row + p * g.a_k);
  const int64_t step = spread(std::min(g.k, kSumBlock));
  const Packing packing = {from, g.a_row, g.a_k, to, step, rows, depth, depth};
  pack(&packing);
  return {to, step, true};
}

// Each tile reads a matrix of its own: of columns that lie side by side for all tiles it would read
// a few elements of every line, and fill the first cache with the rest.
BlockOfA GemmCut::slice_a(int64_t tile0, int64_t tile1, int64_t p, char* to) const {
  constexpr int64_t kTogether = 16;
  const int64_t step = most_rows(), tile = slice_elements();
  int64_t starts[kTogether + 1];
  for (int64_t first = tile0, last; first < tile1; first = last) {
    last = std::min(first + kTogether, tile1);
    for (int64_t i = first; i <= last; ++i) starts[i - first] = row(i) - row(first);
    const Slicing slicing = {at(g.a, row(first) * g.a_row + p * g.a_k),
                             g.a_k,
                             at(to, (first - tile0) * tile),
                             tile,
                             step,
                             starts,
                             std::min(g.k - p, kSumBlock),
                             last - first};
    slice(&slicing);
  }
  return {to, step, false, tile};
}

BlockOfB GemmCut::read_b(int64_t panel0, int64_t p) const {
  return {at(g.b, p * g.b_k + panel0 * panel), g.b_k, panel};
}

BlockOfB GemmCut::pack_b(int64_t panel0, int64_t panel1, int64_t p, char* to) const {
  const int64_t depth = std::min(g.k - p, kSumBlock);
  pack_b_rows(panel0, panel1, p, 0, depth, to);
  return {to, panel, panel * depth};
}

// Rows [p0, p1) of the block at p.
void GemmCut::pack_b_rows(int64_t panel0, int64_t panel1, int64_t p, int64_t p0, int64_t p1,
                          char* to) const {
  const int64_t depth = std::min(g.k - p, kSumBlock);
  const int64_t together = g.b_column == 1 ? kRowsAcross : p1 - p0;
  Packing packing;
  packing.from_row = g.b_k;
  packing.from_column = g.n > 1 ? g.b_column : 1;
  packing.to_row = panel;
  for (int64_t i = p0; i < p1; i += together) {
    packing.rows = std::min(p1 - i, together);
    for (int64_t j = panel0; j < panel1; ++j) {
      packing.from = at(g.b, (p + i) * g.b_k + j * panel * g.b_column);
      packing.to = at(to, ((j - panel0) * depth + i) * panel);
      packing.columns = std::min(g.n - j * panel, panel);
      packing.padded = ceil_div(packing.columns, tiles->lanes) * tiles->lanes;
      pack(&packing);
    }
  }
}

Ahead GemmCut::pieces(const char* data, int64_t step, int64_t count, int64_t length) const {
  return {data, step * element, count, std::min(length * element / kLine + 1, kSumBlock)};
}

Ahead GemmCut::ahead_a(int64_t tile0, int64_t tile1, int64_t p) const {
  const int64_t rows = row(tile1) - row(tile0), depth = std::min(g.k + g.k_after - p, kSumBlock);
  if (depth <= 0 || rows <= 0) return {};
  const char* data = at(g.a, row(tile0) * g.a_row + p * g.a_k);
  if (g.a_k == 1) return pieces(data, g.a_row, rows, depth);
  if (g.a_row == 1) return pieces(data, g.a_k, depth, rows);
  return {};
}

Ahead GemmCut::ahead_b(int64_t panel0, int64_t panel1, int64_t p) const {
  const int64_t columns = std::min(g.n, panel1 * panel) - panel0 * panel;
  const int64_t depth = std::min(g.k + g.k_after - p, kSumBlock);
  if (depth <= 0 || columns <= 0) return {};
  const char* data = at(g.b, p * g.b_k + panel0 * panel * g.b_column);
  if (g.b_column == 1) return pieces(data, g.b_k, depth, columns);
  if (g.b_k == 1) return pieces(data, g.b_column, columns, depth);
  return {};
}

bool GemmCut::tiles_can_pack() const {
  return reads_b(g) && row_tiles > 1 && panel == int64_t{tiles->lanes} * tiles->widest[tiles->rows];
}

void GemmCut::run(const BlockOfA& a, BlockOfB b, int64_t tile0, int64_t tile1, int64_t panel0,
                  int64_t panel1, int64_t p, AheadOfBoth ahead, char* packed) const {
  GemmTile t{};
  t.a_step = a.step;
  const GemmRun block{0, 0, std::min(g.k - p, kSumBlock)};
  t.runs = &block;
  t.run_count = 1;
  t.accumulate = p != 0 || g.onto;
  t.last = has_epilogue && p + kSumBlock >= g.k ? &epilogue : nullptr;
  t.c_row = g.c_row;
  const int64_t row0 = row(tile0);
  for (int64_t tile = tile0, top = row0; tile < tile1; ++tile) {
    const int64_t bottom = row(tile + 1);
    const auto& kernels = tiles->tile[a.along_k][bottom - top];
    const bool packs = packed && tile == tile0;
    if (packed && !packs) b = {packed, panel, panel * block.depth};
    t.b_k = b.step;
    t.row = top;
    t.a = at(a.data, a.tile ? (tile - tile0) * a.tile : (top - row0) * (a.along_k ? a.step : 1));
    for (int64_t j = panel0; j < panel1; ++j) {
      t.column = j * panel;
      t.b = at(b.data, (j - panel0) * b.panel);
      t.c = at(g.c, top * g.c_row + t.column);
      if (Ahead& next = ahead.a.pieces > 0 ? ahead.a : ahead.b; next.pieces > 0) {
        const int64_t at_a_time = std::max<int64_t>(1, block.depth / next.lines);
        t.ahead = next.data;
        t.ahead_step = next.step;
        t.ahead_lines = next.lines;
        next.data += at_a_time * next.step;
        next.pieces -= at_a_time;
      } else {
        t.ahead = t.a;  // which is there already
        t.ahead_step = 0;
        t.ahead_lines = 16;
      }
      char* copy = packs ? at(packed, (j - panel0) * panel * block.depth) : nullptr;
      if (packs && t.column + panel <= g.n) {
        t.packed = copy;
        tiles->packing_tile[a.along_k][bottom - top](&t);
        continue;
      }
      if (packs) pack_b(j, j + 1, p, copy);
      run_panel(*tiles, element, kernels, panel_width, g.n, t);
    }
    top = bottom;
  }
}

void GemmCut::finish() const {
  if (!has_epilogue) return;
  GemmTile t{};
  t.c = g.c;
  t.c_row = g.c_row;
  t.last = &epilogue;
  tiles->finish(&t, g.m, g.n);
}

void run_panel(const GemmTiles& tiles, int64_t element, const GemmTileKernel (&kernels)[][2],
               int64_t panel_width, int64_t n, GemmTile& t) {
  const int64_t lanes = tiles.lanes, column = t.column;
  if (column + (lanes << panel_width) <= n) return kernels[panel_width][0](&t);
  // The last panel: as many tiles as the powers of two that its vectors are made of.
  const char* b = static_cast<const char*>(t.b);
  char* c = static_cast<char*>(t.c);
  for (int64_t j = column; j < n;) {
    const int64_t vectors = ceil_div(n - j, lanes);
    int width = 0;
    while ((int64_t{2} << width) <= vectors) ++width;
    const int64_t covered = lanes << width, tail = n - j < covered ? (n - j) % lanes : 0;
    t.b = b + (j - column) * element;
    t.c = c + (j - column) * element;
    t.column = j;
    t.columns = static_cast<int32_t>(tail);
    kernels[width][tail != 0](&t);
    j += covered;
  }
}

}  // namespace fastnn
