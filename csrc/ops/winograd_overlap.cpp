#include "ops/winograd_overlap.h"

#include <algorithm>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/conv_winograd.h"
#include "ops/deal.h"
#include "ops/gemm_paths.h"
#include "ops/tasks.h"
#include "ops/winograd_product.h"
#include "ops/winograd_tiles.h"

namespace fastnn {
namespace {

constexpr int64_t kSize = 4;
constexpr int64_t kLeastImages = 8;           // an image is one thread's
constexpr int64_t kLeastTiles = 24;           // if no cache holds a block
constexpr int64_t kMostImageBytes = 2 << 20;  // transformed
constexpr int64_t kLeastChannels = 16;        // else the transforms move too much
constexpr int64_t kItem = WinogradProduct::kItem;

int64_t image_tiles(const int64_t* extents) {
  return ceil_div(extents[1], kSize) * ceil_div(extents[2], kSize);
}

int64_t image_bytes(const ConvShape& s) {
  const int64_t side = kSize + s.windows.size[1] - 1;
  return image_tiles(s.windows.out) * side * side * (s.channels + s.filters) * kItem;
}

// Tiles of a block: whole images.
int64_t block_of(const ConvShape& s) {
  const int64_t tiles = image_tiles(s.windows.out);
  const int64_t images = winograd_own_block(s.images, tiles, image_bytes(s));
  return (images > 0 ? images : ceil_div(kLeastTiles, tiles)) * tiles;
}

struct Overlap {
  const InputGradient& g;
  const ConvShape& s;
  WinogradTiles tiles;
  WinogradProduct product;

  explicit Overlap(const InputGradient& gradient)
      : g(gradient),
        s(g.shape),
        tiles(s, kSize),
        product(tiles.frequencies(), block_of(s), s.filters, s.channels) {}

  int64_t straight_bytes() const { return aligned(s.weights() * kItem); }
  int64_t slots(int64_t threads) const { return worth_threads(s.flops(), threads); }

  void run_block(int64_t first, const float* kernel, float* in) const {
    const auto& adjoint = kernels().winograd.by_three;
    const int64_t count = std::min(product.block, tiles.count - first);
    float* out = in + product.frequencies * product.in_step();
    for (int64_t i = 0; i < count; ++i) {
      WinogradInput t = tiles.signal(reinterpret_cast<const float*>(g.dy), first + i);
      t.to = in + i * product.product.a_row;
      t.frequency = product.in_step();
      adjoint.signal(&t);
    }
    for (int64_t f = 0; f < product.frequencies; ++f) product.multiply(count, f, in, kernel, out);
    clear(first, count);
    for (int64_t i = 0; i < count; ++i) {
      const WinogradTiles::Place at = tiles.input_place(first + i);
      WinogradOverlap t;
      t.from = out + i * product.product.c_row;
      t.frequency = product.out_step();
      t.tile = WinogradTiles::tile_at(s.windows.in, s.channels, at, tiles.side());
      t.to = reinterpret_cast<float*>(g.dx) + WinogradTiles::element(s.windows.in, s.channels, at);
      adjoint.overlap(&t);
    }
  }

  void clear(int64_t first, int64_t count) const {
    const int64_t bytes = s.windows.inputs() * s.channels * kItem, each = tiles.down * tiles.across;
    std::memset(g.dx + first / each * bytes, 0, static_cast<size_t>(count / each * bytes));
  }
};

}  // namespace

bool overlaps(const ConvShape& s) {
  const Windows& w = s.windows;
  return WinogradPath<kSize, 3>::can(s) && std::min(s.channels, s.filters) >= kLeastChannels &&
         s.images >= kLeastImages && image_bytes(s) <= kMostImageBytes &&
         5 * image_tiles(w.out) <= 4 * image_tiles(w.in);
}

int64_t winograd_overlap_bytes(const InputGradient& gradient, int64_t threads) {
  const Overlap o(gradient);
  return o.straight_bytes() + o.product.kernel_bytes() + o.slots(threads) * o.product.block_bytes();
}

void run_winograd_overlap(const InputGradient& gradient, int64_t threads, char* scratch,
                          int64_t bytes) {
  const Overlap o(gradient);
  const WinogradProduct& product = o.product;
  float* straight = reinterpret_cast<float*>(scratch);
  char* after = scratch + o.straight_bytes();
  char* blocks = after + product.kernel_bytes();
  float* kernel = reinterpret_cast<float*>(after);
  product.turn_kernel(reinterpret_cast<const float*>(gradient.w), o.s.windows.elements(), false,
                      straight);
  product.transform_kernel(kernels().winograd.four.kernel, straight, kernel);
  const int64_t slots =
      std::min(o.slots(threads), (bytes - (blocks - scratch)) / product.block_bytes());
  deal(slots, ceil_div(o.tiles.count, product.block), 1, 1,
       [&](int64_t part, int64_t, int64_t slot, int64_t) {
         o.run_block(part * product.block, kernel,
                     reinterpret_cast<float*>(blocks + slot * product.block_bytes()));
       });
}

}  // namespace fastnn
