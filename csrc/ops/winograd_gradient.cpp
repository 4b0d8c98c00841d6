// The gradient of a convolution by its kernel, by Winograd's method F(4x4, 3x3), F(2x2, 5x5) or
// F(2x2, 7x7) transposed: tiles of x and of dy are transformed, multiplied frequency by frequency
// with k = tiles, and the sums transformed to taps.
//
// Tiles fall into groups, each for one thread, which goes through it block by block; the sums of
// the groups are added in order. Where those would be too large there is one group, and the threads
// share each of its blocks.
#include <algorithm>
#include <cstring>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "core/thread_pool.h"
#include "ops/conv_winograd.h"
#include "ops/deal.h"
#include "ops/gemm.h"
#include "ops/gemm_cut.h"
#include "ops/winograd_tiles.h"

namespace fastnn {
namespace {

constexpr int64_t kStageTiles = 8;  // of a task that transforms
constexpr int64_t kItem = sizeof(float);

// Groups and blocks fix the order of the sums: they are a function of shape alone, and no run may
// tune these.
constexpr int64_t kGroupTiles = 96;  // at least
constexpr int64_t kMostGroups = 8;
constexpr int64_t kSumBytes = 4 << 20;      // of all groups
constexpr int64_t kBlockBytes = 768 << 10;  // transformed, which a second cache holds
constexpr int64_t kLeastBlock = 48;         // tiles
constexpr int64_t kSharedBlock = 128;       // of one group: threads wait for each other after it

// For kernels of `taps` x `taps`: the tiles' size and transforms.
struct Method {
  int64_t size;
  void (*input)(const WinogradInput*);
  const WinogradAdjoint* gradient;

  explicit Method(int64_t taps) {
    const WinogradKernels& all = kernels().winograd;
    size = taps == 3 ? 4 : 2;
    input = taps == 3 ? all.four.input : taps == 5 ? all.five.input : all.seven.input;
    gradient = taps == 3 ? &all.by_three : taps == 5 ? &all.by_five : &all.by_seven;
  }
};

struct Gradient {
  const KernelGradient& g;
  const ConvShape& s;
  int64_t taps;
  Method method;
  WinogradTiles tiles;
  int64_t frequencies;
  int64_t sum_step, groups, block;
  GemmProblem product;  // of one frequency
  int64_t in_step, signal_step;
  GemmCut cut;
  BinaryKernel add;

  explicit Gradient(const KernelGradient& gradient)
      : g(gradient),
        s(g.shape),
        taps(s.windows.size[1]),
        method(taps),
        tiles(s, method.size),
        frequencies(tiles.frequencies()),
        sum_step(winograd_spread(s.channels * s.filters)),
        groups(std::clamp<int64_t>(
            std::min(tiles.count / kGroupTiles, kSumBytes / (sum_elements() * kItem)), 1,
            kMostGroups)),
        block(std::min(tiles.count, most_tiles())),
        product(product_of(s, tiles.count)),
        in_step(winograd_spread(block * product.a_k)),
        signal_step(winograd_spread(block * product.b_k)),
        cut(product),
        add(kernels()
                .binary.run[static_cast<int>(BinaryOp::add)][static_cast<int>(DType::float32)]) {}

  int64_t most_tiles() const {
    const int64_t tile_bytes = frequencies * (s.channels + s.filters) * kItem;
    return groups == 1 ? kSharedBlock
                       : std::clamp(kBlockBytes / tile_bytes, kLeastBlock, kSumBlock);
  }

  // Of a group, the bias behind the frequencies; and of what is transformed at a time.
  int64_t sum_elements() const { return frequencies * sum_step + winograd_spread(s.filters); }
  int64_t block_elements() const { return frequencies * (in_step + signal_step); }

  static GemmProblem product_of(const ConvShape& s, int64_t tiles) {
    GemmProblem g;
    g.dtype = s.dtype;
    g.m = s.channels;
    g.n = s.filters;
    g.k = tiles;
    g.a_row = 1;
    g.a_k = winograd_row(s.channels);
    g.b_k = winograd_row(s.filters);
    g.b_column = 1;
    g.c_row = s.filters;
    return g;
  }

  void sum_up(int64_t group, float* in, float* sums) const {
    float* signal = in + frequencies * in_step;
    const int64_t begin = group * tiles.count / groups, end = (group + 1) * tiles.count / groups;
    for (int64_t first = begin; first < end; first += block) {
      const int64_t count = std::min(end - first, block);
      for_pieces(count, kStageTiles, [&](int64_t from, int64_t many) {
        transform(first, from, from + many, in, signal);
      });
      parallel_for(frequencies, [&](int64_t frequency) {
        multiply(first - begin, count, frequency, in, signal, sums);
      });
    }
  }

  void transform(int64_t first, int64_t begin, int64_t end, float* in, float* signal) const {
    for (int64_t i = begin; i < end; ++i) {
      WinogradInput t = tiles.input(reinterpret_cast<const float*>(g.x), first + i);
      t.to = in + i * product.a_k;
      t.frequency = in_step;
      method.input(&t);
      t = tiles.signal(reinterpret_cast<const float*>(g.dy), first + i);
      t.to = signal + i * product.b_k;
      t.frequency = signal_step;
      method.gradient->signal(&t);
    }
  }

  // Adds a block of so many tiles to the sums of a group, of which so many are done.
  void multiply(int64_t done, int64_t count, int64_t frequency, const float* in,
                const float* signal, float* sums) const {
    GemmProblem part = product;
    part.k = done + count;
    part.c = reinterpret_cast<char*>(sums + frequency * sum_step);
    const GemmCut tiles_of_sums(part, cut);
    if (g.db && frequency == sum_frequency())
      add_bias(done, count, signal + frequency * signal_step, sums + frequencies * sum_step);
    tiles_of_sums.run(
        {reinterpret_cast<const char*>(in + frequency * in_step), product.a_k, false},
        {reinterpret_cast<const char*>(signal + frequency * signal_step), product.b_k, cut.panel},
        0, cut.row_tiles, 0, cut.panels, done);
  }

  // At the points (1, 1) the transform of a tile is the sum of its elements.
  int64_t sum_frequency() const { return tiles.side() + 1; }

  void add_bias(int64_t done, int64_t count, const float* signal, float* bias) const {
    if (done == 0) std::memset(bias, 0, static_cast<size_t>(s.filters * kItem));
    for (int64_t i = 0; i < count; ++i) add(s.filters, bias, signal + i * product.b_k, bias);
  }

  // Adds the sums of the other groups to those of the first, in order, for these channels.
  void add_groups(int64_t channel, int64_t count, float* sums) const {
    for (int64_t group = 1; group < groups; ++group)
      for (int64_t frequency = 0; frequency < frequencies; ++frequency) {
        float* to = sums + frequency * sum_step + channel * s.filters;
        add(count * s.filters, to, to + group * sum_elements(), to);
      }
  }

  void to_bias(const float* sums) const {
    if (!g.db) return;
    float* db = reinterpret_cast<float*>(g.db);
    const float* bias = sums + frequencies * sum_step;
    std::memcpy(db, bias, static_cast<size_t>(s.filters * kItem));
    for (int64_t group = 1; group < groups; ++group)
      add(s.filters, db, bias + group * sum_elements(), db);
  }

  void to_taps(int64_t channel, int64_t count, const float* sums) const {
    WinogradOutput t{};
    t.from = sums + channel * s.filters;
    t.frequency = sum_step;
    t.filters = count * s.filters;  // channels follow each other in sums and taps
    t.to = g.dw + channel * s.filters * kItem;
    t.pixel = s.channels * s.filters;
    t.row = taps * t.pixel;
    t.rows = t.columns = static_cast<int32_t>(taps);
    method.gradient->taps(&t);
  }
};

}  // namespace

bool can_winograd_gradient(const ConvShape& shape) {
  return WinogradPath<4, 3>::can(shape) || WinogradPath<2, 5>::can(shape) ||
         WinogradPath<2, 7>::can(shape);
}

int64_t winograd_gradient_bytes(const KernelGradient& gradient, int64_t threads) {
  const Gradient g(gradient);
  const int64_t blocks = std::min(threads, g.groups);
  return (g.groups * g.sum_elements() + blocks * g.block_elements()) * kItem;
}

void run_winograd_gradient(const KernelGradient& gradient, int64_t threads, char* scratch,
                           int64_t bytes) {
  const Gradient g(gradient);
  float* sums = reinterpret_cast<float*>(scratch);
  float* blocks = sums + g.groups * g.sum_elements();
  const int64_t room = bytes / kItem - g.groups * g.sum_elements();
  deal(std::min(threads, room / g.block_elements()), g.groups, 1, 1,
       [&](int64_t group, int64_t, int64_t slot, int64_t) {
         g.sum_up(group, blocks + slot * g.block_elements(), sums + group * g.sum_elements());
       });
  for_pieces(g.s.channels, units_per_task(g.frequencies * g.s.filters, 1 << 14),
             [&](int64_t channel, int64_t count) {
               g.add_groups(channel, count, sums);
               g.to_taps(channel, count, sums);
             });
  g.to_bias(sums);
}

}  // namespace fastnn
