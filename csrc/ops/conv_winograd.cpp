// Convolution with kernels of 3 x 3, 5 x 5 or 7 x 7 by Winograd's minimal filtering: tiles of the
// image and the kernel are transformed, multiplied frequency by frequency, and transformed back.
//
// A task takes a block of tiles through all three steps; or, where the transformed weights are too
// large to be read for each of these, all threads take a larger block through one step after the
// other.
#include "ops/conv_winograd.h"

#include <algorithm>

#include "core/kernel_table.h"
#include "ops/deal.h"
#include "ops/gemm_paths.h"
#include "ops/tasks.h"
#include "ops/winograd_product.h"
#include "ops/winograd_tiles.h"

namespace fastnn {
namespace {

constexpr int64_t kSharedBytes = int64_t{16} << 20;
constexpr int64_t kLeastShared = 24;  // tiles
constexpr int64_t kStageTiles = 8;    // of a task that transforms

struct Winograd {
  const ConvProblem& p;
  const ConvShape& s;
  const WinogradTransforms& transforms;
  WinogradTiles tiles;
  bool own;  // a task has a block of its own
  WinogradProduct product;

  Winograd(const ConvProblem& problem, int64_t size);

  static constexpr int64_t kItem = WinogradProduct::kItem;
  int64_t kernel_bytes() const { return p.prepared ? 0 : product.kernel_bytes(); }
  int64_t straight_bytes() const { return p.mirrored ? aligned(s.weights() * kItem) : 0; }
  int64_t slots(int64_t threads) const { return own ? worth_threads(s.flops(), threads) : 1; }

  void transform_kernel(float* straight, float* to) const;
  void transform_input(int64_t first, int64_t begin, int64_t end, float* in) const;
  void transform_output(int64_t first, int64_t begin, int64_t end, const float* out) const;
};

int64_t block_of(const ConvShape& s, int64_t tiles, int64_t frequencies, bool* own) {
  constexpr int64_t kItem = WinogradProduct::kItem;
  const int64_t each = frequencies * (s.channels + s.filters) * kItem;
  const int64_t weights = frequencies * s.channels * s.filters * kItem;
  int64_t block = winograd_own_block(tiles, 1, each);
  if (block == 0) block = winograd_least_block(tiles, weights);
  *own = block > 0;
  if (*own) return block;
  const int64_t most = std::max(kSharedBytes / each, kLeastShared);
  return ceil_div(tiles, ceil_div(tiles, most));
}

const WinogradTransforms& transforms_of(int64_t taps, int64_t size) {
  const WinogradKernels& all = kernels().winograd;
  return taps == 7 ? all.seven : taps == 5 ? all.five : size == 4 ? all.four : all.two;
}

Winograd::Winograd(const ConvProblem& problem, int64_t size)
    : p(problem),
      s(p.shape),
      transforms(transforms_of(s.windows.size[1], size)),
      tiles(s, size),
      product(tiles.frequencies(), block_of(s, tiles.count, tiles.frequencies(), &own), s.channels,
              s.filters) {}

void Winograd::transform_kernel(float* straight, float* to) const {
  const float* w = reinterpret_cast<const float*>(p.w);
  if (p.mirrored) {
    product.turn_kernel(w, s.windows.elements(), true, straight);
    w = straight;
  }
  product.transform_kernel(transforms.kernel, w, to);
}

// Tiles first + begin to first + end - 1 of all, into the places begin to end - 1 of a block.
void Winograd::transform_input(int64_t first, int64_t begin, int64_t end, float* in) const {
  for (int64_t i = begin; i < end; ++i) {
    WinogradInput t = tiles.input(reinterpret_cast<const float*>(p.x), first + i);
    t.to = in + i * product.product.a_row;
    t.frequency = product.in_step();
    transforms.input(&t);
  }
}

void Winograd::transform_output(int64_t first, int64_t begin, int64_t end, const float* out) const {
  const Windows& w = s.windows;
  WinogradOutput t;
  t.frequency = product.out_step();
  t.filters = s.filters;
  t.bias = p.bias;
  t.relu = p.relu;
  t.pixel = s.filters;
  t.row = w.out[2] * t.pixel;
  for (int64_t i = begin; i < end; ++i) {
    const WinogradTiles::Place at = tiles.place(first + i);
    const int64_t to = WinogradTiles::element(w.out, s.filters, at) * kItem;
    t.rows = static_cast<int32_t>(std::min(tiles.size, w.out[1] - at.row));
    t.columns = static_cast<int32_t>(std::min(tiles.size, w.out[2] - at.column));
    t.from = out + i * product.product.c_row;
    t.to = p.y + to;
    t.residual = p.residual ? p.residual + to : nullptr;
    transforms.output(&t);
  }
}

void run_winograd(const ConvProblem& problem, int64_t size, int64_t threads, char* scratch,
                  int64_t bytes) {
  const Winograd w(problem, size);
  float* straight = reinterpret_cast<float*>(scratch);
  char* after = scratch + w.straight_bytes();
  char* blocks = after + w.kernel_bytes();
  if (!problem.prepared) w.transform_kernel(straight, reinterpret_cast<float*>(after));
  const float* kernel = reinterpret_cast<const float*>(problem.prepared ? problem.prepared : after);
  const WinogradProduct& product = w.product;
  const int64_t block = product.block, parts = ceil_div(w.tiles.count, block);
  if (w.own) {
    const int64_t slots =
        std::min(w.slots(threads), (bytes - (blocks - scratch)) / product.block_bytes());
    deal(slots, parts, 1, 1, [&](int64_t part, int64_t, int64_t slot, int64_t) {
      float* in = reinterpret_cast<float*>(blocks + slot * product.block_bytes());
      float* out = in + product.frequencies * product.in_step();
      const int64_t first = part * block, count = std::min(block, w.tiles.count - first);
      w.transform_input(first, 0, count, in);
      for (int64_t f = 0; f < product.frequencies; ++f) product.multiply(count, f, in, kernel, out);
      w.transform_output(first, 0, count, out);
    });
    return;
  }
  float* in = reinterpret_cast<float*>(blocks);
  float* out = in + product.frequencies * product.in_step();
  for (int64_t first = 0; first < w.tiles.count; first += block) {
    const int64_t count = std::min(block, w.tiles.count - first);
    for_pieces(count, kStageTiles,
               [&](int64_t begin, int64_t n) { w.transform_input(first, begin, begin + n, in); });
    parallel_for(product.frequencies,
                 [&](int64_t f) { product.multiply(count, f, in, kernel, out); });
    for_pieces(count, kStageTiles,
               [&](int64_t begin, int64_t n) { w.transform_output(first, begin, begin + n, out); });
  }
}

}  // namespace

template <int64_t Size, int64_t Taps>
bool WinogradPath<Size, Taps>::can(const ConvShape& s) {
  const Windows& w = s.windows;
  return s.dtype == DType::float32 && s.groups == 1 && w.is_flat() && w.size[1] == Taps &&
         w.size[2] == Taps && w.stride[1] == 1 && w.stride[2] == 1 && w.dilation[1] == 1 &&
         w.dilation[2] == 1;
}

template <int64_t Size, int64_t Taps>
int64_t WinogradPath<Size, Taps>::bytes(const ConvProblem& problem, int64_t threads) {
  const Winograd w(problem, Size);
  return w.straight_bytes() + w.kernel_bytes() + w.slots(threads) * w.product.block_bytes();
}

template <int64_t Size, int64_t Taps>
void WinogradPath<Size, Taps>::run(const ConvProblem& problem, int64_t threads, char* scratch,
                                   int64_t bytes) {
  run_winograd(problem, Size, threads, scratch, bytes);
}

template <int64_t Size, int64_t Taps>
int64_t WinogradPath<Size, Taps>::prepared_bytes(const ConvProblem& problem) {
  return Winograd(problem, Size).product.kernel_bytes();
}

template <int64_t Size, int64_t Taps>
void WinogradPath<Size, Taps>::prepare(const ConvProblem& problem, char* to) {
  Winograd(problem, Size).transform_kernel(nullptr, reinterpret_cast<float*>(to));
}

template struct WinogradPath<2, 3>;
template struct WinogradPath<4, 3>;
template struct WinogradPath<2, 5>;
template struct WinogradPath<2, 7>;

}  // namespace fastnn
