// The gradient of a convolution by its kernel, by Winograd's minimal filtering F(3x3, 4x4), F(5x5,
// 2x2) or F(7x7, 2x2): tiles of x and of dy are transformed, multiplied frequency by frequency with
// k = tiles, and the sums transformed to taps.
#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "core/thread_pool.h"
#include "ops/conv_winograd.h"
#include "ops/gemm.h"
#include "ops/gemm_cut.h"
#include "ops/winograd_tiles.h"

namespace fastnn {
namespace {

constexpr int64_t kStageTiles = 8;  // of a task that transforms
constexpr int64_t kItem = sizeof(float);

// For kernels of `taps` x `taps`: the tiles' size and transforms.
struct Method {
  int64_t size;
  void (*input)(const WinogradInput*);
  const WinogradGradient* gradient;

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
  GemmProblem product;  // of one frequency
  GemmCut cut;

  explicit Gradient(const KernelGradient& gradient)
      : g(gradient),
        s(g.shape),
        taps(s.windows.size[1]),
        method(taps),
        tiles(s, method.size),
        frequencies(tiles.side() * tiles.side()),
        product(product_of(s, tiles.count)),
        cut(product) {}

  static GemmProblem product_of(const ConvShape& s, int64_t tiles) {
    GemmProblem g;
    g.dtype = s.dtype;
    g.m = s.channels;
    g.n = s.filters;
    g.k = tiles;
    g.a_row = 1;
    g.a_k = s.channels;
    g.b_k = s.filters;
    g.b_column = 1;
    g.c_row = s.filters;
    return g;
  }

  // One block of k at a time.
  int64_t block() const { return std::min(tiles.count, kSumBlock); }
  int64_t in_step() const { return winograd_spread(block() * s.channels); }
  int64_t signal_step() const { return winograd_spread(block() * s.filters); }
  int64_t sum_step() const { return winograd_spread(s.channels * s.filters); }

  void transform(int64_t first, int64_t begin, int64_t end, float* in, float* signal) const {
    for (int64_t i = begin; i < end; ++i) {
      WinogradInput t = tiles.input(reinterpret_cast<const float*>(g.x), first + i);
      t.to = in + i * s.channels;
      t.frequency = in_step();
      method.input(&t);
      t = WinogradTiles::piece(reinterpret_cast<const float*>(g.dy), s.windows.out, s.filters,
                               tiles.place(first + i), tiles.size);
      t.to = signal + i * s.filters;
      t.frequency = signal_step();
      method.gradient->signal(&t);
    }
  }

  void multiply(int64_t first, int64_t frequency, const float* in, const float* signal,
                float* sums) const {
    GemmProblem part = product;
    part.c = reinterpret_cast<char*>(sums + frequency * sum_step());
    const GemmCut tiles_of_sums(part, cut);
    tiles_of_sums.run(
        {reinterpret_cast<const char*>(in + frequency * in_step()), s.channels, false},
        {reinterpret_cast<const char*>(signal + frequency * signal_step()), s.filters, cut.panel},
        0, cut.row_tiles, 0, cut.panels, first);
  }

  void to_taps(int64_t channel, int64_t count, const float* sums) const {
    WinogradOutput t{};
    t.from = sums + channel * s.filters;
    t.frequency = sum_step();
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

int64_t winograd_gradient_bytes(const KernelGradient& gradient, int64_t) {
  const Gradient g(gradient);
  return g.frequencies * (g.in_step() + g.signal_step() + g.sum_step()) * kItem;
}

void run_winograd_gradient(const KernelGradient& gradient, int64_t, char* scratch) {
  const Gradient g(gradient);
  float* in = reinterpret_cast<float*>(scratch);
  float* signal = in + g.frequencies * g.in_step();
  float* sums = signal + g.frequencies * g.signal_step();
  for (int64_t first = 0; first < g.tiles.count; first += kSumBlock) {
    for_pieces(std::min(g.tiles.count - first, kSumBlock), kStageTiles,
               [&](int64_t begin, int64_t count) {
                 g.transform(first, begin, begin + count, in, signal);
               });
    parallel_for(g.frequencies,
                 [&](int64_t frequency) { g.multiply(first, frequency, in, signal, sums); });
  }
  for_pieces(g.s.channels, units_per_task(g.frequencies * g.s.filters, 1 << 14),
             [&](int64_t channel, int64_t count) { g.to_taps(channel, count, sums); });
  run_conv_bias(gradient);
}

}  // namespace fastnn
