#include "ops/conv_fold.h"

#include <algorithm>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/deal.h"
#include "ops/gemm.h"
#include "ops/gemm_paths.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kMostChannels = 4;
constexpr int64_t kProductBytes = 256 << 10;  // of p, about: it is read again at once
constexpr double kMostProducts = 1 << 22;     // of p, for one row of dy
constexpr int64_t kLeastWidth = 12;           // of dy: else rows of p are short, and many
constexpr int64_t kLeastFilters = 4;          // a channel: else moving p costs more than it saves
constexpr int64_t kTasks = 8;                 // there should be so many
constexpr int64_t kLeastRows = 16;            // of dx: neighbours compute the same rows of p

// Where the elements lie that one tap meets along a row of dx: every stride'th, from some place on.
struct Met {
  int64_t plane, shift;  // result o meets element o + shift of the plane
  int64_t first, last;   // the results that meet one
};

struct Fold {
  const InputGradient& g;
  const ConvShape& s;
  const Windows& w;
  int64_t element;
  int64_t products;             // rows of p
  int64_t rows;                 // of dy, at a time
  int64_t parts, part_rows;     // of an image of dx
  int64_t planes, plane_width;  // of a row of dx
  BinaryKernel add;
  int64_t gemm_bytes;  // scratch memory of a product, of so many rows or fewer

  explicit Fold(const InputGradient& gradient)
      : g(gradient), s(g.shape), w(s.windows), element(item_size(s.dtype)) {
    products = w.elements() * s.channels;
    rows = std::clamp<int64_t>(kProductBytes / (products * w.out[2] * element), 1, w.out[1]);
    parts = std::clamp<int64_t>(kTasks / s.images, 1, ceil_div(w.in[1], kLeastRows));
    part_rows = ceil_div(w.in[1], parts);
    planes = w.stride[2] * s.channels;
    plane_width = ceil_div(w.in[2], w.stride[2]);
    add = kernels().binary.run[static_cast<int>(BinaryOp::add)][static_cast<int>(s.dtype)];
    gemm_bytes = 0;
    for (int64_t count = 1; count <= rows; ++count)
      gemm_bytes = std::max(gemm_bytes, gemm_scratch_bytes(product(nullptr, count, nullptr), 1));
    gemm_bytes = aligned(gemm_bytes);
  }

  // The products of `count` rows of dy.
  GemmProblem product(const char* dy, int64_t count, char* to) const {
    GemmProblem p;
    p.dtype = s.dtype;
    p.m = products;
    p.n = count * w.out[2];
    p.k = s.filters;
    p.a = g.w;
    p.a_row = s.filters;
    p.a_k = 1;
    p.b = dy;
    p.b_k = 1;
    p.b_column = s.filters;
    p.c = to;
    p.c_row = p.n;
    return p;
  }

  int64_t product_bytes() const { return aligned(products * rows * w.out[2] * element); }
  int64_t sum_bytes() const { return aligned(part_rows * planes * plane_width * element); }
  int64_t slots(int64_t threads) const { return worth_threads(s.flops(), threads); }

  Met meet(int64_t tap) const {
    const int64_t at = tap * w.dilation[2] - w.before[2], stride = w.stride[2];
    const int64_t plane = (at % stride + stride) % stride, shift = (at - plane) / stride;
    const int64_t width = ceil_div(w.in[2] - plane, stride);  // none if it lies beyond the row
    return {plane, shift, std::max<int64_t>(0, -shift), std::min(w.out[2], width - shift)};
  }

  // Adds what `count` rows of dy, from row o on, give to the rows [top, bottom) of dx.
  void add_products(int64_t o, int64_t count, int64_t top, int64_t bottom, const char* p,
                    char* sums) const {
    const int64_t n = count * w.out[2];
    for (int64_t i = 0; i < count; ++i)
      for (int64_t down = 0; down < w.size[1]; ++down) {
        const int64_t h = (o + i) * w.stride[1] - w.before[1] + down * w.dilation[1];
        if (h < top || h >= bottom) continue;
        for (int64_t tap = 0; tap < w.size[2]; ++tap) {
          const Met met = meet(tap);
          if (met.first >= met.last) continue;
          for (int64_t c = 0; c < s.channels; ++c) {
            const int64_t row = (h - top) * planes + met.plane * s.channels + c;
            char* to = sums + (row * plane_width + met.first + met.shift) * element;
            const int64_t from =
                ((down * w.size[2] + tap) * s.channels + c) * n + i * w.out[2] + met.first;
            add(met.last - met.first, to, p + from * element, to);
          }
        }
      }
  }

  template <class T>
  void gather(const char* sums, char* to) const {
    const int64_t stride = w.stride[2];
    for (int64_t plane = 0; plane < std::min(stride, w.in[2]); ++plane)
      for (int64_t c = 0; c < s.channels; ++c) {
        const T* from = reinterpret_cast<const T*>(sums) + (plane * s.channels + c) * plane_width;
        T* dx = reinterpret_cast<T*>(to) + plane * s.channels + c;
        for (int64_t i = 0; plane + i * stride < w.in[2]; ++i) dx[i * planes] = from[i];
      }
  }

  void run_part(int64_t task, char* p, char* sums, char* scratch) const {
    const int64_t image = task / parts, top = task % parts * part_rows;
    const int64_t bottom = std::min(w.in[1], top + part_rows);
    if (top >= bottom) return;
    std::memset(sums, 0, static_cast<size_t>(sum_bytes()));
    // The rows of dy that meet any of these.
    const int64_t reach = (w.size[1] - 1) * w.dilation[1], stride = w.stride[1];
    const int64_t first = std::max<int64_t>(0, ceil_div(top + w.before[1] - reach, stride));
    const int64_t last = std::min(w.out[1], (bottom - 1 + w.before[1]) / stride + 1);
    for (int64_t o = first; o < last; o += rows) {
      const int64_t count = std::min(rows, last - o);
      const char* dy = g.dy + (image * w.out[1] + o) * w.out[2] * s.filters * element;
      gemm(product(dy, count, p), 1, scratch, gemm_bytes);
      add_products(o, count, top, bottom, p, sums);
    }
    for (int64_t h = top; h < bottom; ++h) {
      const char* from = sums + (h - top) * planes * plane_width * element;
      char* to = g.dx + (image * w.in[1] + h) * w.in[2] * s.channels * element;
      if (planes == 1)
        std::memcpy(to, from, static_cast<size_t>(w.in[2] * element));
      else if (s.dtype == DType::float32)
        gather<float>(from, to);
      else
        gather<double>(from, to);
    }
  }
};

}  // namespace

bool folds(const ConvShape& s) {
  const Windows& w = s.windows;
  const double row = static_cast<double>(w.elements() * s.channels) * static_cast<double>(w.out[2]);
  return s.groups == 1 && s.channels <= kMostChannels && w.is_flat() && w.stride[1] <= w.in[1] &&
         w.stride[2] <= w.in[2] && row <= kMostProducts && w.out[2] >= kLeastWidth &&
         s.filters >= kLeastFilters * s.channels;
}

int64_t conv_fold_bytes(const InputGradient& gradient, int64_t threads) {
  const Fold fold(gradient);
  return fold.slots(threads) * (fold.product_bytes() + fold.sum_bytes() + fold.gemm_bytes);
}

void run_conv_fold(const InputGradient& gradient, int64_t threads, char* scratch, int64_t bytes) {
  const Fold fold(gradient);
  const int64_t p = fold.product_bytes(), sums = fold.sum_bytes();
  const int64_t each = p + sums + fold.gemm_bytes;
  const int64_t slots = std::min(fold.slots(threads), bytes / each);
  deal(slots, fold.s.images * fold.parts, 1, 1, [&](int64_t task, int64_t, int64_t slot, int64_t) {
    char* own = scratch + slot * each;
    fold.run_part(task, own, own + p, own + p + sums);
  });
}

}  // namespace fastnn
