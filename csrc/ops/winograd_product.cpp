#include "ops/winograd_product.h"

#include <algorithm>

#include "core/caches.h"
#include "core/summation_order.h"
#include "core/thread_pool.h"
#include "ops/tasks.h"
#include "ops/winograd_tiles.h"

namespace fastnn {
namespace {

constexpr int64_t kLeastTiles = 24;       // worth a pass over the weights
constexpr int64_t kOwnBytes = 640 << 10;  // of a block, as long as it is worth that
constexpr int64_t kOwnTasks = 8;          // there should be so many

GemmProblem product_of(int64_t block, int64_t depth, int64_t columns) {
  GemmProblem g;
  g.dtype = DType::float32;
  g.m = block;
  g.n = columns;
  g.k = depth;
  g.a_row = winograd_row(depth);
  g.a_k = 1;
  g.c_row = winograd_row(columns);
  return g;
}

}  // namespace

int64_t winograd_own_block(int64_t units, int64_t tiles, int64_t bytes) {
  const int64_t fits = caches().l2 * 3 / 4 / bytes, least = ceil_div(kLeastTiles, tiles);
  if (fits < least) return 0;
  return std::min(std::clamp(kOwnBytes / bytes, least, fits), ceil_div(units, kOwnTasks));
}

// Blocks that pass from thread to thread cost more than weights read again from the third cache,
// and most where two processors have none in common.
int64_t winograd_least_block(int64_t tiles, int64_t weights) {
  const int64_t share = ceil_div(tiles, kOwnTasks);
  return weights <= caches().l3 / 2 && 2 * share >= kLeastTiles ? std::min(share, kLeastTiles) : 0;
}

WinogradProduct::WinogradProduct(int64_t frequencies, int64_t block, int64_t depth, int64_t columns)
    : frequencies(frequencies),
      block(block),
      product(product_of(block, depth, columns)),
      cut(product) {}

int64_t WinogradProduct::in_step() const { return winograd_spread(block * product.a_row); }
int64_t WinogradProduct::out_step() const { return winograd_spread(block * product.c_row); }
int64_t WinogradProduct::kernel_step() const {
  return winograd_spread(cut.panels * cut.panel * product.k);
}

void WinogradProduct::turn_kernel(const float* w, int64_t taps, bool reverse, float* to) const {
  const int64_t depth = product.k, columns = product.n, tap = depth * columns;
  parallel_for(taps, [&](int64_t t) {
    const int64_t from = reverse ? taps - 1 - t : t;
    const Packing packing{w + from * tap, 1, depth, to + t * tap, columns, depth, columns, columns};
    cut.pack(&packing);
  });
}

void WinogradProduct::transform_kernel(void (*transform)(const WinogradKernel*), const float* w,
                                       float* to) const {
  const int64_t depth = product.k, columns = product.n;
  const int64_t rows = units_per_task(cut.panel * frequencies, 1 << 14);
  const int64_t pieces = ceil_div(depth, rows);
  parallel_for(cut.panels * pieces, [&](int64_t task) {
    const int64_t j = task / pieces, c = task % pieces * rows;
    WinogradKernel t;
    t.from = w + c * columns + j * cut.panel;
    t.tap = depth * columns;
    t.from_row = columns;
    t.channels = std::min(rows, depth - c);
    t.columns = columns - j * cut.panel;
    t.padded = cut.panel;
    t.to = to + (j * depth + c) * cut.panel;
    t.frequency = kernel_step();
    transform(&t);
  });
}

void WinogradProduct::multiply(int64_t count, int64_t frequency, const float* in,
                               const float* kernel, float* out) const {
  GemmProblem g = product;
  g.m = count;
  g.c = reinterpret_cast<char*>(out + frequency * out_step());
  const GemmCut part(g, cut);
  const char* a = reinterpret_cast<const char*>(in + frequency * in_step());
  const char* b = reinterpret_cast<const char*>(kernel + frequency * kernel_step());
  for (int64_t k = 0; k < product.k; k += kSumBlock)
    part.run({part.at(a, k), product.a_row, true},
             {part.at(b, k * cut.panel), cut.panel, product.k * cut.panel}, 0, part.row_tiles, 0,
             cut.panels, k);
}

}  // namespace fastnn
