#include "ops/conv_band.h"

#include <algorithm>
#include <cstring>

namespace fastnn {

BandAxis::BandAxis(const RowsAxis& axis, int64_t results)
    : count((results - 1) * axis.stride + (axis.taps - 1) * axis.step + 1),
      result(axis.stride),
      tap(axis.step),
      axis(axis),
      apart(static_cast<double>(results) * static_cast<double>(axis.taps) <
            static_cast<double>(count)) {
  if (!apart) return;
  count = results * axis.taps;
  result = axis.taps;
  tap = 1;
}

ConvBand::ConvBand(const RowsProblem& problem, int64_t rows)
    : p(problem), down(p.axis[1], rows), across(p.axis[2], p.axis[2].out) {}

// What the rows from row0 on of these planes of y read of x, zeros around it.
void ConvBand::fill(int64_t plane0, int64_t plane1, int64_t row0, char* to) const {
  const RowsAxis &deep = p.axis[0], &high = p.axis[1], &wide = p.axis[2];
  const int64_t element = item_size(p.dtype), bytes = row() * element;
  for (int64_t plane = plane0; plane < plane1; ++plane)
    for (int64_t tap = 0; tap < deep.taps; ++tap) {
      const int64_t d = deep.first + plane % deep.out * deep.stride + tap * deep.step;
      for (int64_t i = 0; i < down.count; ++i, to += bytes) {
        const int64_t h = high.first + row0 * high.stride + down.position(i);
        if (d < 0 || d >= deep.in || h < 0 || h >= high.in) {
          std::memset(to, 0, static_cast<size_t>(bytes));
          continue;
        }
        const int64_t at = ((plane / deep.out) * deep.in + d) * high.in + h;
        fill_row(p.x + at * wide.in * p.channels * element, to);
      }
    }
}

// What the pixels of a row of y read of a row of x.
void ConvBand::fill_row(const char* from, char* to) const {
  const int64_t pixel = p.depth * item_size(p.dtype), next = p.channels * item_size(p.dtype);
  const auto copy_pixels = [&](int64_t w, int64_t count) {
    if (p.channels == p.depth)
      std::memcpy(to, from + w * next, static_cast<size_t>(count * pixel));
    else
      for (int64_t i = 0; i < count; ++i)
        std::memcpy(to + i * pixel, from + (w + i) * next, static_cast<size_t>(pixel));
    to += count * pixel;
  };
  const auto clear_pixels = [&](int64_t count) {
    std::memset(to, 0, static_cast<size_t>(count * pixel));
    to += count * pixel;
  };
  const int64_t first = across.axis.first, in = across.axis.in;
  if (across.apart) {
    for (int64_t i = 0; i < across.count; ++i)
      if (const int64_t w = first + across.position(i); w >= 0 && w < in)
        copy_pixels(w, 1);
      else
        clear_pixels(1);
    return;
  }
  const int64_t left = std::clamp<int64_t>(-first, 0, across.count);
  const int64_t inside = std::clamp<int64_t>(in - (first + left), 0, across.count - left);
  clear_pixels(left);
  if (inside > 0) copy_pixels(first + left, inside);
  clear_pixels(across.count - left - inside);
}

}  // namespace fastnn
