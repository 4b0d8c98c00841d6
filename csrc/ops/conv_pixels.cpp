#include "ops/conv_pixels.h"

#include <algorithm>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "ops/deal.h"
#include "ops/gemm.h"
#include "ops/gemm_cut.h"
#include "ops/gemm_paths.h"
#include "ops/group_sums.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kSplitResults = 16384;   // of dw at most, if pixels are shared out
constexpr int64_t kLeastPixels = 2049;     // for that
constexpr int64_t kTasks = 4;              // else dw is, among so many at least
constexpr int64_t kTaskBytes = 256 << 10;  // of dw

// A range of pixels in order, whose sums go to rows of `to`.
struct Part {
  int64_t tile0, tile1, block0, block1;
  char *dw, *db;
};

struct Pixels {
  const KernelGradient& g;
  const ConvShape& s;
  const Windows& w;
  const GemmTiles* tiles;
  int64_t element;
  bool merged;  // the taps along a row are one, of `channels` rows each
  int64_t tap_rows, taps;
  int64_t tap_tiles;  // tiles of a tap
  int64_t panel, panel_width, panels;
  int64_t pixels, blocks;
  bool split;

  explicit Pixels(const KernelGradient& gradient);

  // One tile more than those of dw: the bias, a weight whose input is 1.
  int64_t tile_count() const { return s.groups * taps * tap_tiles + (g.db ? 1 : 0); }
  int64_t group_blocks() const { return ceil_div(blocks, kSumGroups); }
  int64_t sum_groups() const { return split ? ceil_div(blocks, group_blocks()) : 1; }
  int64_t dw_bytes() const { return aligned(s.weights() * element); }
  // With the bias, wanted or not: when scratch memory is asked for, there is no db yet.
  int64_t sum_bytes() const { return dw_bytes() + aligned(s.filters * element); }
  int64_t task_tiles() const {
    const int64_t by_cache =
        std::max<int64_t>(1, kTaskBytes / (tiles->rows * s.group_filters() * element));
    return std::clamp<int64_t>(tile_count() / kTasks, 1, by_cache);
  }

  void run(const Part& part) const;
  void run_tap(const Part& part, int64_t block, int64_t group, int64_t tap, int64_t tile0,
               int64_t tile1) const;
  void run_bias(const Part& part, int64_t block) const;
  int64_t list_runs(int64_t block, int64_t tap, GemmRun* runs) const;
  void run_tile(GemmTile& tile, int64_t rows, int64_t columns) const;
  void add_sums(const char* sums) const;
};

Pixels::Pixels(const KernelGradient& gradient) : g(gradient), s(g.shape), w(s.windows) {
  tiles = s.dtype == DType::float32 ? &kernels().gemm.f32 : &kernels().gemm.f64;
  element = item_size(s.dtype);
  bool inside = w.dilation[2] == 1 && s.groups == 1 && w.before[2] == 0;
  inside = inside && (w.out[2] - 1) * w.stride[2] + w.size[2] <= w.in[2];
  merged = inside;
  tap_rows = merged ? w.size[2] * s.channels : s.group_channels();
  taps = merged ? w.size[0] * w.size[1] : w.elements();
  tap_tiles = ceil_div(tap_rows, tiles->rows);
  const int64_t widest = tiles->widest[ceil_div(tap_rows, tap_tiles)];
  panel_width = 0;
  while (int64_t{2} << panel_width <= widest &&
         int64_t{tiles->lanes} << panel_width < s.group_filters())
    ++panel_width;
  panel = int64_t{tiles->lanes} << panel_width;
  panels = ceil_div(s.group_filters(), panel);
  pixels = s.images * w.outputs();
  blocks = ceil_div(pixels, kSumBlock);
  split = s.weights() <= kSplitResults && pixels >= kLeastPixels;
}

// Results [first, last) along an axis read inside x with this tap.
struct Inside {
  int64_t first, last;
  Inside(const Windows& w, int axis, int64_t tap) {
    const int64_t at = tap * w.dilation[axis] - w.before[axis];  // of result 0
    first = at < 0 ? ceil_div(-at, w.stride[axis]) : 0;
    const int64_t end = w.in[axis] - at;
    last = end <= 0 ? 0 : std::min(w.out[axis], ceil_div(end, w.stride[axis]));
  }
};

// What the pixels of a block meet with one tap, row by row of dy; returns the number of runs.
int64_t Pixels::list_runs(int64_t block, int64_t tap, GemmRun* runs) const {
  const int64_t tap_w = merged ? 0 : tap % w.size[2], rest = merged ? tap : tap / w.size[2];
  const int64_t tap_h = rest % w.size[1], tap_d = rest / w.size[1];
  const Inside deep(w, 0, tap_d), down(w, 1, tap_h), along(w, 2, tap_w);
  const int64_t first = block * kSumBlock, last = std::min(pixels, first + kSumBlock);
  int64_t count = 0;
  for (int64_t row = first / w.out[2]; row * w.out[2] < last; ++row) {
    const int64_t h = row % w.out[1], plane = row / w.out[1];
    const int64_t d = plane % w.out[0], image = plane / w.out[0];
    if (h < down.first || h >= down.last || d < deep.first || d >= deep.last) continue;
    const int64_t start = row * w.out[2];
    const int64_t begin = std::max(first, start + along.first);
    const int64_t end = std::min(last, start + (merged ? w.out[2] : along.last));
    if (begin >= end) continue;
    const int64_t x_d = d * w.stride[0] - w.before[0] + tap_d * w.dilation[0];
    const int64_t x_h = h * w.stride[1] - w.before[1] + tap_h * w.dilation[1];
    const int64_t x_w = (begin - start) * w.stride[2] - w.before[2] + tap_w * w.dilation[2];
    const int64_t pixel = ((image * w.in[0] + x_d) * w.in[1] + x_h) * w.in[2] + x_w;
    runs[count++] = {pixel * s.channels, (begin - first) * s.filters, end - begin};
  }
  return count;
}

void Pixels::run_tile(GemmTile& t, int64_t rows, int64_t columns) const {
  const char* b = static_cast<const char*>(t.b);
  char* c = static_cast<char*>(t.c);
  const auto& kernels = tiles->tile[0][rows];
  for (int64_t j = 0; j < panels; ++j) {
    t.column = j * panel;
    t.b = b + t.column * element;
    t.c = c + t.column * element;
    run_panel(*tiles, element, kernels, panel_width, columns, t);
  }
}

void Pixels::run_tap(const Part& part, int64_t block, int64_t group, int64_t tap, int64_t tile0,
                     int64_t tile1) const {
  GemmRun runs[kSumBlock + 1];
  GemmTile t{};
  t.runs = runs;
  t.run_count = list_runs(block, tap, runs);
  t.accumulate = block > part.block0;
  if (t.run_count == 0 && t.accumulate) return;
  t.a_step = w.stride[2] * s.channels;
  t.b_k = s.filters;
  t.c_row = s.filters;
  t.ahead_lines = 16;
  for (int64_t tile = tile0; tile < tile1; ++tile) {
    const int64_t top = tile * tap_rows / tap_tiles, bottom = (tile + 1) * tap_rows / tap_tiles;
    const int64_t column = group * s.group_filters();
    t.a = t.ahead = g.x + (group * s.group_channels() + top) * element;  // no later tile's
    t.b = g.dy + (block * kSumBlock * s.filters + column) * element;
    t.c = part.dw + ((tap * tap_rows + top) * s.filters + column) * element;
    run_tile(t, bottom - top, s.group_filters());
  }
}

void Pixels::run_bias(const Part& part, int64_t block) const {
  static const float one_f32 = 1;
  static const double one_f64 = 1;
  const int64_t first = block * kSumBlock;
  const GemmRun all{0, 0, std::min(pixels - first, kSumBlock)};
  GemmTile t{};
  t.runs = &all;
  t.run_count = 1;
  t.accumulate = block > part.block0;
  t.b_k = s.filters;
  t.ahead_lines = 16;
  t.a = t.ahead = s.dtype == DType::float32 ? static_cast<const void*>(&one_f32) : &one_f64;
  for (int64_t group = 0; group < s.groups; ++group) {
    const int64_t column = group * s.group_filters();
    t.b = g.dy + (first * s.filters + column) * element;
    t.c = part.db + column * element;
    run_tile(t, 1, s.group_filters());
  }
}

void Pixels::run(const Part& part) const {
  const int64_t in_dw = s.groups * taps * tap_tiles;
  for (int64_t block = part.block0; block < part.block1; ++block) {
    for (int64_t tile = part.tile0; tile < std::min(part.tile1, in_dw);) {
      const int64_t tap = tile / tap_tiles, first = tile % tap_tiles;
      const int64_t last = std::min(tap_tiles, first + part.tile1 - tile);
      run_tap(part, block, tap / taps, tap % taps, first, last);
      tile += last - first;
    }
    if (part.tile1 > in_dw) run_bias(part, block);
  }
}

void Pixels::add_sums(const char* sums) const {
  const int64_t filters = s.filters;
  add_groups(
      {s.dtype, g.dw, s.weights() / filters, filters, filters, sums, sum_bytes(), sum_groups()});
  if (g.db)
    add_groups({s.dtype, g.db, 1, filters, filters, sums + dw_bytes(), sum_bytes(), sum_groups()});
}

GemmProblem bias_of(const KernelGradient& gradient) {
  const ConvShape& s = gradient.shape;
  return sum_of_rows(s.dtype, s.images * s.windows.outputs(), s.filters, gradient.dy, gradient.db);
}

}  // namespace

int64_t conv_pixels_bytes(const KernelGradient& gradient, int64_t) {
  const Pixels p(gradient);
  return p.split ? p.sum_groups() * p.sum_bytes() : 0;
}

void run_conv_pixels(const KernelGradient& gradient, int64_t threads, char* scratch, int64_t) {
  const Pixels p(gradient);
  const int64_t team = worth_threads(p.s.flops(), threads), all = p.tile_count();
  if (p.split) {
    const int64_t each = p.group_blocks();
    deal(team, p.sum_groups(), 1, 1, [&](int64_t group, int64_t, int64_t, int64_t) {
      char* sums = scratch + group * p.sum_bytes();
      p.run({0, all, group * each, std::min(p.blocks, (group + 1) * each), sums,
             sums + p.dw_bytes()});
    });
    p.add_sums(scratch);
    return;
  }
  const int64_t some = p.task_tiles();
  deal(team, ceil_div(all, some), 1, 1, [&](int64_t task, int64_t, int64_t, int64_t) {
    p.run({task * some, std::min(all, (task + 1) * some), 0, p.blocks, gradient.dw, gradient.db});
  });
}

int64_t conv_bias_bytes(const KernelGradient& gradient, int64_t threads) {
  return gemm_scratch_bytes(bias_of(gradient), threads);
}

void run_conv_bias(const KernelGradient& gradient, int64_t threads, char* scratch,
                   int64_t scratch_bytes) {
  if (gradient.db) gemm(bias_of(gradient), threads, scratch, scratch_bytes);
}

}  // namespace fastnn
