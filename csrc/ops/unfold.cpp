// unfold: the windows over an image laid side by side, so that a convolution is a matrix product;
// fold, its transpose: windows added up where they were taken from.
//
//   y[image, o, t, c] = x[image, o * stride - before + t * dilation, c]; zero outside of x
//   x[image, i, c] = sum of y[image, o, t, c] over all o, t with o * stride - before + t * dilation
//   = i
//
// The convolutions of fastnn never do this: it is their plain twin (K. Chellapilla et al., "High
// performance convolutional neural networks for document processing", 2006).
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/strided.h"
#include "ops/windows.h"

namespace fastnn {
namespace {

struct WindowAttributes {
  int64_t window[kMaxSpatial + 1], strides[kMaxSpatial + 1], pads[2 * kMaxSpatial + 1],
      dilation[kMaxSpatial + 1], extents[kMaxSpatial + 1];
};

void check_count(const Call& call, const char* name, const int64_t* values, int rank) {
  if (values[0] != rank)
    fail(ErrorKind::value, call,
         std::string(name) + " has " + std::to_string(values[0]) + " values, expected " +
             std::to_string(rank) + ", one a spatial axis");
}

Windows windows_of(const Call& call, int rank, const int64_t* in) {
  const auto& attributes = call.attributes.as<WindowAttributes>();
  check_count(call, "window", attributes.window, rank);
  return windows_over(call, rank, in, attributes.window + 1,
                      {attributes.strides, attributes.pads, attributes.dilation});
}

// Pieces of windows that are consecutive in the image too: single elements, or rows of a window
// without dilation.
struct Pieces {
  const Windows& windows;
  int64_t channels;
  int64_t step;  // elements of a window's row from one piece to the next

  Pieces(const Windows& windows, int64_t channels)
      : windows(windows),
        channels(channels),
        step(windows.dilation[2] == 1 ? std::max<int64_t>(windows.size[2], 1) : 1) {}

  // Calls body(element of the window's row, pixel of the image's row, elements) for the pieces of
  // window o that lie inside the row.
  template <class Body>
  void each(int64_t o, Body&& body) const {
    const Windows::Range inside = windows.inside(2, o);
    const int64_t start = o * windows.stride[2] - windows.before[2];
    for (int64_t k = inside.first; k < inside.last; k += step)
      body(k, start + k * windows.dilation[2], std::min(step, inside.last - k));
  }
};

int64_t extents_of(const Windows& w, int64_t images, int64_t channels, const int64_t* spatial,
                   int64_t* shape) {
  shape[0] = images;
  for (int i = 0; i < w.rank; ++i) shape[i + 1] = spatial[i + kMaxSpatial - w.rank];
  shape[w.rank + 1] = channels;
  return w.rank + 2;
}

// ---- unfold(y; x; window, strides, pads, dilation) ----------------------------------------------

enum { Y, X };

void infer_unfold(Call& call) {
  const Array x = call.operand(X);
  const int rank = spatial_rank(call, X);
  const Windows w = windows_of(call, rank, x.shape + 1);
  const int64_t channels = x.shape[rank + 1];
  int64_t shape[kMaxSpatial + 2], columns;
  if (__builtin_mul_overflow(w.elements(), channels, &columns))
    fail(ErrorKind::overflow, call, "a window has too many elements");
  extents_of(w, x.shape[0], columns, w.out, shape);
  check_extents(call, x.rank, shape);
  call.set_output(Y, x.dtype, x.rank, shape);
}

Status run_unfold(const Call& call) {
  const Array &x = call.operand(X), &y = call.operand(Y);
  if (y.size() == 0) return {};
  const Windows w = windows_of(call, x.rank - 2, x.shape + 1);
  const int64_t channels = x.shape[x.rank - 1];
  const int64_t pixel = channels * item_size(x.dtype), row = w.size[2] * pixel;
  const int64_t window = w.elements() * pixel;
  const Pieces pieces(w, channels);
  const int64_t grain = std::max<int64_t>(kCheapGrain / (w.elements() * channels), 1);
  for_each_chunk(x.shape[0] * w.outputs(), grain, 1, [&](int64_t first, int64_t last) {
    for (int64_t at = first; at < last; ++at) {
      const int64_t o2 = at % w.out[2], o1 = at / w.out[2] % w.out[1];
      const int64_t o0 = at / (w.out[2] * w.out[1]) % w.out[0], image = at / w.outputs();
      char* to = y.data + at * window;
      std::memset(to, 0, static_cast<size_t>(window));
      const Windows::Range k0 = w.inside(0, o0), k1 = w.inside(1, o1);
      for (int64_t a = k0.first; a < k0.last; ++a)
        for (int64_t b = k1.first; b < k1.last; ++b) {
          const int64_t i0 = o0 * w.stride[0] - w.before[0] + a * w.dilation[0];
          const int64_t i1 = o1 * w.stride[1] - w.before[1] + b * w.dilation[1];
          const char* from = x.data + ((image * w.in[0] + i0) * w.in[1] + i1) * w.in[2] * pixel;
          char* into = to + (a * w.size[1] + b) * row;
          pieces.each(o2, [&](int64_t k, int64_t i, int64_t n) {
            std::memcpy(into + k * pixel, from + i * pixel, static_cast<size_t>(n * pixel));
          });
        }
    }
  });
  return {};
}

// ---- fold(x; y; window, strides, pads, dilation, extents) ---------------------------------------

enum { Dx, Dy };

void infer_fold(Call& call) {
  const Array y = call.operand(Dy);
  const auto& attributes = call.attributes.as<WindowAttributes>();
  if (y.dtype == DType::boolean) fail(ErrorKind::type, call, "y has dtype bool, expected a number");
  const int rank = spatial_rank(call, Dy);
  check_count(call, "extents", attributes.extents, rank);
  const Windows w = windows_of(call, rank, attributes.extents + 1);
  const int64_t columns = y.shape[rank + 1];
  int64_t expected[kMaxSpatial + 2], shape[kMaxSpatial + 2];
  extents_of(w, y.shape[0], columns, w.out, expected);
  if (columns % w.elements() != 0 || !std::equal(expected, expected + y.rank, y.shape))
    fail(ErrorKind::value, call,
         "y has shape " + shape_text(y) + ", expected " + shape_text(y.rank, expected) +
             " with a multiple of " + std::to_string(w.elements()) + " elements a window");
  extents_of(w, y.shape[0], columns / w.elements(), w.in, shape);
  check_extents(call, y.rank, shape);
  call.set_output(Dx, y.dtype, y.rank, shape);
}

// Calls body(window, element) for those that meet position i of an axis.
template <class Body>
void for_each_meeting(const Windows& w, int axis, int64_t i, Body&& body) {
  for (int64_t k = 0; k < w.size[axis]; ++k) {
    const int64_t at = i + w.before[axis] - k * w.dilation[axis];
    if (at < 0) return;
    if (at % w.stride[axis] == 0 && at / w.stride[axis] < w.out[axis]) body(at / w.stride[axis], k);
  }
}

// A task owns rows of the image, so each element has one owner, who adds in a fixed order.
Status run_fold(const Call& call) {
  const auto& attributes = call.attributes.as<WindowAttributes>();
  const Array &x = call.operand(Dx), &y = call.operand(Dy);
  if (x.size() == 0) return {};
  const Windows w = windows_of(call, x.rank - 2, attributes.extents + 1);
  const int64_t channels = x.shape[x.rank - 1];
  const int64_t pixel = channels * item_size(x.dtype), row = w.size[2] * pixel;
  const int64_t window = w.elements() * pixel;
  const BinaryKernel add =
      kernels().binary.run[static_cast<int>(BinaryOp::add)][static_cast<int>(x.dtype)];
  const Pieces pieces(w, channels);
  const int64_t grain = std::max<int64_t>(kCheapGrain / (w.elements() * w.in[2] * channels), 1);
  for_each_chunk(x.shape[0] * w.in[0] * w.in[1], grain, 1, [&](int64_t first, int64_t last) {
    for (int64_t at = first; at < last; ++at) {
      const int64_t i1 = at % w.in[1], i0 = at / w.in[1] % w.in[0];
      const int64_t image = at / (w.in[1] * w.in[0]);
      char* to = x.data + at * w.in[2] * pixel;
      std::memset(to, 0, static_cast<size_t>(w.in[2] * pixel));
      for_each_meeting(w, 0, i0, [&](int64_t o0, int64_t a) {
        for_each_meeting(w, 1, i1, [&](int64_t o1, int64_t b) {
          const char* from = y.data +
                             ((image * w.out[0] + o0) * w.out[1] + o1) * w.out[2] * window +
                             (a * w.size[1] + b) * row;
          for (int64_t o2 = 0; o2 < w.out[2]; ++o2)
            pieces.each(o2, [&](int64_t k, int64_t i, int64_t n) {
              add(n * channels, to + i * pixel, from + o2 * window + k * pixel, to + i * pixel);
            });
        });
      });
    }
  });
  return {};
}

}  // namespace

void register_unfold() {
  std::vector<AttributeInfo> attributes = {
      spatial_attribute("window", offsetof(WindowAttributes, window)),
      spatial_attribute("strides", offsetof(WindowAttributes, strides)),
      spatial_attribute("pads", offsetof(WindowAttributes, pads), 2),
      spatial_attribute("dilation", offsetof(WindowAttributes, dilation))};
  register_primitive(
      {"unfold", {{"y", Role::out}, {"x", Role::in}}, attributes, infer_unfold, run_unfold});
  attributes.push_back(spatial_attribute("extents", offsetof(WindowAttributes, extents)));
  register_primitive(
      {"fold", {{"x", Role::out}, {"y", Role::in}}, attributes, infer_fold, run_fold});
}

}  // namespace fastnn
