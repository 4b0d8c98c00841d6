#include "ops/conv_depthwise.h"

#include <algorithm>
#include <cstring>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "core/thread_pool.h"
#include "ops/gemm.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskFlops = 1 << 17;
constexpr int64_t kFarImages = 8 << 20;  // bytes that come from memory, or from a shared cache

// Taps [first, last) of an axis read inside the input for result o.
struct Met {
  int64_t first, last;
  Met(const RowsAxis& axis, int64_t o) {
    const int64_t at = axis.first + o * axis.stride;
    first = at < 0 ? ceil_div(-at, axis.step) : 0;
    last = at < axis.in ? std::min(axis.taps, ceil_div(axis.in - at, axis.step)) : 0;
    if (last < first) last = first;
  }
  bool operator==(const Met& other) const { return first == other.first && last == other.last; }
};

// Calls visit(first, last, met) for results of a row, in order, that meet the same taps.
template <class Visit>
void for_each_stretch(const RowsAxis& axis, Visit visit) {
  for (int64_t o = 0; o < axis.out;) {
    const Met met(axis, o);
    int64_t end = o + 1;
    if (met.first == 0 && met.last == axis.taps) {
      // As far as the last tap stays inside.
      const int64_t last_tap = axis.first + (axis.taps - 1) * axis.step;
      end = std::min(axis.out, (axis.in - 1 - last_tap) / axis.stride + 1);
    } else {
      while (end < axis.out && Met(axis, end) == met) ++end;
    }
    visit(o, end, met);
    o = end;
  }
}

// Results are computed line by line, along the axis on which there are more of them: there most
// meet the same taps.
int long_axis(const RowsProblem& p) { return p.axis[1].out > p.axis[2].out ? 1 : 2; }

// Results of an image whose place on the other axis is `place`.
void run_line(const RowsProblem& p, int64_t image, int64_t place) {
  const int64_t element = item_size(p.dtype), row = p.axis[2].in * p.channels;
  const int longer = long_axis(p), other = 3 - longer;
  const int64_t pixel[] = {0, row, p.channels};  // elements of x to the next on each axis
  const RowsAxis &line = p.axis[longer], &fixed = p.axis[other];
  const Met across(fixed, place);
  DepthwiseRow t{};
  t.x_step = line.stride * pixel[longer];
  t.x_row = p.axis[1].step * row;
  t.x_column = p.axis[2].step * p.channels;
  t.w_row = p.axis[1].weight_step;
  t.w_column = p.axis[2].weight_step;
  t.y_step = line.y_stride;
  t.channels = p.channels;
  t.bias = p.bias;
  t.relu = p.relu;
  const auto read = [&](int axis, int64_t o, const Met& met) {
    const RowsAxis& a = p.axis[axis];
    return (a.first + o * a.stride + met.first * a.step) * pixel[axis];
  };
  const int64_t x = image * p.axis[1].in * row + read(other, place, across);
  const int64_t w = across.first * fixed.weight_step;
  const int64_t y = image * p.y_image + place * fixed.y_stride;
  for_each_stretch(line, [&](int64_t first, int64_t last, const Met& met) {
    t.x = p.x + (x + read(longer, first, met)) * element;
    t.w = p.w + (w + met.first * line.weight_step) * element;
    t.rows = longer == 1 ? met.last - met.first : across.last - across.first;
    t.columns = longer == 2 ? met.last - met.first : across.last - across.first;
    const int64_t to = (y + first * line.y_stride) * element;
    t.y = p.y + to;
    t.residual = p.residual ? p.residual + to : nullptr;
    t.count = last - first;
    kernels().depthwise.row[static_cast<int>(p.dtype)](&t);
  });
}

// 3x3 taps a pixel apart, also from the last to the first.
bool is_3x3(const RowsAxis& down, const RowsAxis& along) {
  const auto fits = [](const RowsAxis& a) { return a.taps == 3 && a.stride == 1 && a.step == 1; };
  return fits(down) && fits(along);
}

// Results of an image in one or two rows.
void run_tiles(const RowsProblem& p, int64_t image, int64_t row, int64_t rows) {
  const int64_t element = item_size(p.dtype);
  const RowsAxis &down = p.axis[1], &along = p.axis[2];
  DepthwiseTiles t{};
  t.x_row = along.in * p.channels;
  t.x = p.x + image * down.in * t.x_row * element;
  t.height = down.in;
  t.width = along.in;
  t.top = down.first + row;
  t.left = along.first;
  t.w = p.w;
  t.w_row = down.weight_step;
  t.w_column = along.weight_step;
  t.bias = p.bias;
  const int64_t to = (image * p.y_image + row * down.y_stride) * element;
  t.residual = p.residual ? p.residual + to : nullptr;
  t.y = p.y + to;
  t.y_row = down.y_stride;
  t.y_column = along.y_stride;
  t.rows = rows;
  t.columns = along.out;
  t.channels = p.channels;
  t.relu = p.relu;
  t.fetch = p.images * down.in * t.x_row * element >= kFarImages;
  kernels().depthwise.tiles[static_cast<int>(p.dtype)](&t);
}

// Blocks of pixels in groups whose sums are added in order, as for any long sum.
struct Gradient {
  const KernelGradient& g;
  const ConvShape& s;
  const Windows& w;
  int64_t element, pixels, blocks, group_blocks, groups;

  explicit Gradient(const KernelGradient& gradient)
      : g(gradient),
        s(g.shape),
        w(s.windows),
        element(item_size(s.dtype)),
        pixels(s.images * w.outputs()),
        blocks(ceil_div(pixels, kSumBlock)),
        group_blocks(ceil_div(blocks, kSumGroups)),
        groups(ceil_div(blocks, group_blocks)) {}

  int64_t sum_bytes() const { return aligned(s.weights() * element); }

  RowsAxis axis(int i) const {
    return {w.in[i], w.out[i], w.stride[i], w.size[i], -w.before[i], w.dilation[i], 0, 0};
  }

  // Adds what a block's pixels in one row of dy meet to its sums.
  void run_row(int64_t row, int64_t begin, int64_t end, char* sums) const {
    const RowsAxis down = axis(1), along = axis(2);
    const int64_t image = row / w.out[1], h = row % w.out[1];
    const Met rows(down, h);
    DepthwiseTaps t{};
    t.x_step = along.stride * s.channels;
    t.x_row = down.step * w.in[2] * s.channels;
    t.x_column = along.step * s.channels;
    t.dy_step = t.sum_column = t.channels = s.channels;
    t.sum_row = w.size[2] * s.channels;
    t.rows = rows.last - rows.first;
    const int64_t x_h = down.first + h * down.stride + rows.first * down.step;
    for_each_stretch(along, [&](int64_t first, int64_t last, const Met& met) {
      first = std::max(first, begin);
      last = std::min(last, end);
      if (first >= last) return;
      t.columns = met.last - met.first;
      t.count = last - first;
      t.dy = g.dy + (row * w.out[2] + first) * s.channels * element;
      const int64_t x_w = along.first + first * along.stride + met.first * along.step;
      t.x = g.x + ((image * w.in[1] + x_h) * w.in[2] + x_w) * s.channels * element;
      t.sum = sums + (rows.first * w.size[2] + met.first) * s.channels * element;
      kernels().depthwise.taps[static_cast<int>(s.dtype)](&t);
    });
  }

  template <class T>
  void add(char* to, const char* from, int64_t n) const {
    for (int64_t i = 0; i < n; ++i)
      reinterpret_cast<T*>(to)[i] += reinterpret_cast<const T*>(from)[i];
  }
  void add(char* to, const char* from) const {
    if (s.dtype == DType::float32)
      add<float>(to, from, s.weights());
    else
      add<double>(to, from, s.weights());
  }

  // Adds what all pixels of a block meet to its sums.
  void run_block(int64_t begin, int64_t end, char* sums) const {
    // Sums that stay in registers come back to each pixel's next channels when all were visited.
    if (is_3x3(axis(1), axis(2)) && s.channels * element < kFarBytes) {
      const int64_t each = w.out[1] * w.out[2];
      for (int64_t image = begin / each; image * each < end; ++image)
        run_pixels(image, std::max(begin - image * each, int64_t{0}),
                   std::min(end - image * each, each), sums);
      return;
    }
    for (int64_t row = begin / w.out[2]; row * w.out[2] < end; ++row) {
      const int64_t start = row * w.out[2];
      run_row(row, std::max(begin - start, int64_t{0}), std::min(end - start, w.out[2]), sums);
    }
  }

  // Pixels of an image, for 3x3 taps.
  void run_pixels(int64_t image, int64_t begin, int64_t end, char* sums) const {
    DepthwisePixels t{};
    t.height = w.in[1];
    t.width = w.in[2];
    t.x_row = t.width * s.channels;
    t.x = g.x + image * t.height * t.x_row * element;
    t.top = -w.before[1];
    t.left = -w.before[2];
    t.columns = w.out[2];
    t.dy = g.dy + image * w.out[1] * t.columns * s.channels * element;
    t.row = begin / t.columns;
    t.column = begin % t.columns;
    t.count = end - begin;
    t.channels = s.channels;
    t.sum = sums;
    kernels().depthwise.pixels[static_cast<int>(s.dtype)](&t);
  }

  // The sums of one group of blocks; `block` has room for those of one.
  void run_group(int64_t group, char* sums, char* block) const {
    const int64_t last = std::min(blocks, (group + 1) * group_blocks);
    for (int64_t b = group * group_blocks; b < last; ++b) {
      const int64_t begin = b * kSumBlock, end = std::min(pixels, begin + kSumBlock);
      char* to = b == group * group_blocks ? sums : block;
      std::memset(to, 0, static_cast<size_t>(s.weights() * element));
      run_block(begin, end, to);
      if (to == block) add(sums, block);
    }
  }
};

}  // namespace

bool is_depthwise(const ConvShape& s) {
  return s.groups == s.channels && s.filters == s.channels && s.channels > 1 && s.windows.is_flat();
}

void run_depthwise_rows(const RowsProblem& p, int64_t threads) {
  const bool tiles = is_3x3(p.axis[1], p.axis[2]);
  const int along = tiles ? 2 : long_axis(p);
  const int64_t lines = p.axis[3 - along].out, together = tiles ? 2 : 1;
  const int64_t units = ceil_div(lines, together);
  const int64_t flops = 2 * together * p.axis[1].taps * p.axis[2].taps * p.axis[along].out;
  const int64_t some =
      threads > 1 ? units_per_task(flops * p.channels, kTaskFlops) : p.images * units;
  for_pieces(p.images * units, some, [&](int64_t first, int64_t count) {
    for (int64_t unit = first; unit < first + count; ++unit) {
      const int64_t image = unit / units, line = unit % units * together;
      if (tiles)
        run_tiles(p, image, line, std::min(together, lines - line));
      else
        run_line(p, image, line);
    }
  });
}

int64_t depthwise_bytes(const ConvProblem&, int64_t) { return 0; }

void run_depthwise(const ConvProblem& problem, int64_t threads, char*, int64_t) {
  run_depthwise_rows(conv_rows_group(problem, 0), threads);
}

int64_t depthwise_gradient_bytes(const KernelGradient& gradient, int64_t threads) {
  const Gradient g(gradient);
  return std::max(2 * g.groups * g.sum_bytes(), conv_bias_bytes(gradient, threads));
}

void run_depthwise_gradient(const KernelGradient& gradient, int64_t threads, char* scratch,
                            int64_t bytes) {
  const Gradient g(gradient);
  const int64_t each = g.sum_bytes();
  parallel_for(g.groups, [&](int64_t group) {
    g.run_group(group, scratch + group * each, scratch + (g.groups + group) * each);
  });
  std::memcpy(gradient.dw, scratch, static_cast<size_t>(g.s.weights() * g.element));
  for (int64_t group = 1; group < g.groups; ++group) g.add(gradient.dw, scratch + group * each);
  run_conv_bias(gradient, threads, scratch, bytes);
}

}  // namespace fastnn
