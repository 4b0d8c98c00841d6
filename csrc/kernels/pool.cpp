// Pooling and resizing: a position of the result reads a few positions of the operand.
//
// Vectors run over channels, which lie together. Gradients are gathered, position by position of
// the input, so that no two tasks write the same place; what is added comes in ascending order of
// the windows.
#include "kernels/pool.h"

#include <math.h>
#include <string.h>

#include "kernels/fill.h"
#include "simd/bytes.h"
#include "simd/columns.h"

namespace fastnn {
namespace {

// One position of the result.
struct Pixel {
  int64_t index, batch;
  const PoolSpan* span[3];
};

template <class Body>
FASTNN_INLINE void for_pixels(const Pool& pool, int64_t row, int64_t rows, Body body) {
  const PoolAxis* axis = pool.axis;
  for (int64_t r = row; r < row + rows; ++r) {
    const int64_t a0 = r / axis[1].extent;
    Pixel pixel;
    pixel.batch = a0 / axis[0].extent;
    pixel.span[0] = axis[0].spans + a0 % axis[0].extent;
    pixel.span[1] = axis[1].spans + r % axis[1].extent;
    for (int64_t a2 = 0; a2 < axis[2].extent; ++a2) {
      pixel.index = r * axis[2].extent + a2;
      pixel.span[2] = axis[2].spans + a2;
      body(pixel);
    }
  }
}

// Calls body(position in the operand, element of the window, weight) for all that a pixel reads.
template <bool kWeighted, class Body>
FASTNN_INLINE void for_taps(const Pool& pool, const Pixel& pixel, Body body) {
  const PoolAxis* axis = pool.axis;
  const PoolSpan &s0 = *pixel.span[0], &s1 = *pixel.span[1], &s2 = *pixel.span[2];
  for (int64_t j0 = 0; j0 < s0.count; ++j0) {
    const int64_t i0 = pixel.batch * axis[0].operand + s0.at + j0 * axis[0].step;
    const int64_t t0 = (s0.tap + j0 * axis[0].tap_step) * axis[1].window;
    for (int64_t j1 = 0; j1 < s1.count; ++j1) {
      const int64_t i1 = i0 * axis[1].operand + s1.at + j1 * axis[1].step;
      const double weight = kWeighted ? s0.weights[j0] * s1.weights[j1] : 1;
      int64_t at = i1 * axis[2].operand + s2.at;
      int64_t tap = (t0 + s1.tap + j1 * axis[1].tap_step) * axis[2].window + s2.tap;
      for (int64_t j2 = 0; j2 < s2.count; ++j2, at += axis[2].step, tap += axis[2].tap_step)
        body(at, tap, kWeighted ? weight * s2.weights[j2] : 1);
    }
  }
}

// The largest of the values that are shown to it, and the element of the window that has it.
template <class T, int R, bool kWhich>
struct Largest {
  using V = Vec<T>;
  V best[R], from[R];
  bool first = true;

  FASTNN_INLINE Largest() {
    for (int r = 0; r < R; ++r) {
      best[r] = V::broadcast(-static_cast<T>(INFINITY));
      from[r] = V::broadcast(255);
    }
  }
  FASTNN_INLINE void show(const Columns<T, R>& columns, const T* x, int64_t tap) {
    const V number = V::broadcast(static_cast<T>(tap));
    for (int r = 0; r < R; ++r) {
      const V value = columns.load(x, r);
      if (first) {
        best[r] = value;
        from[r] = number;
      } else {
        const auto better = (best[r] == best[r]) & !(value <= best[r]);
        best[r] = select(better, value, best[r]);
        if (kWhich) from[r] = select(better, number, from[r]);
      }
    }
    first = false;
  }
};

// The window that is met most: two elements beside two.
FASTNN_INLINE bool reads_four(const Pixel& pixel) {
  return pixel.span[0]->count == 1 && pixel.span[1]->count == 2 && pixel.span[2]->count == 2;
}

// The same for such a window, and much faster. False where there may be a NaN: then nothing holds.
template <class T, int R, bool kWhich>
FASTNN_INLINE bool largest_of_four(const Pool& pool, const Pixel& pixel,
                                   const Columns<T, R>& columns, const T* x,
                                   Largest<T, R, kWhich>& largest) {
  using V = Vec<T>;
  const PoolAxis* axis = pool.axis;
  const PoolSpan &s0 = *pixel.span[0], &s1 = *pixel.span[1], &s2 = *pixel.span[2];
  const int64_t i1 = (pixel.batch * axis[0].operand + s0.at) * axis[1].operand + s1.at;
  const T* top = x + (i1 * axis[2].operand + s2.at) * pool.channels;
  const T* low = top + axis[1].step * axis[2].operand * pool.channels;
  const int64_t right = axis[2].step * pool.channels;
  const int64_t tap = (s0.tap * axis[1].window + s1.tap) * axis[2].window + s2.tap;
  const int64_t tap_low = tap + axis[1].tap_step * axis[2].window;
  const auto number = [](int64_t tap) { return V::broadcast(static_cast<T>(tap)); };
  const V n0 = number(tap), n1 = number(tap + axis[2].tap_step);
  const V n2 = number(tap_low), n3 = number(tap_low + axis[2].tap_step);
  V sums = V::zero();
  for (int r = 0; r < R; ++r) {
    const V v0 = columns.load(top, r), v1 = columns.load(top + right, r);
    const V v2 = columns.load(low, r), v3 = columns.load(low + right, r);
    const V above = larger(v1, v0), below = larger(v3, v2);
    largest.best[r] = larger(below, above);
    if (kWhich)
      largest.from[r] = select(below > above, select(v3 > v2, n3, n2), select(v1 > v0, n1, n0));
    sums = sums + ((v0 + v1) + (v2 + v3));
  }
  return !any(is_nan(sums));
}

template <class T, bool kWhich>
void max_rows(const Pool& pool, const T* x, int64_t row, int64_t rows, T* y, uint8_t* which,
              bool through_relu) {
  using V = Vec<T>;
  const int64_t channels = pool.channels;
  for_pixels(pool, row, rows, [&](const Pixel& pixel) __attribute__((always_inline)) {
    for_columns<T>(channels, [&](const auto& columns) __attribute__((always_inline)) {
      constexpr int R = columns.kCount;
      Largest<T, R, kWhich> largest;
      const auto show = [&](int64_t at, int64_t tap, double) __attribute__((always_inline)) {
        largest.show(columns, x + at * channels, tap);
      };
      if (!reads_four(pixel) || !largest_of_four(pool, pixel, columns, x, largest))
        for_taps<false>(pool, pixel, show);
      for (int r = 0; r < R; ++r) {
        const V best = largest.best[r];
        columns.store(best, y + pixel.index * channels, r);
        if (kWhich) {
          V from = largest.from[r];
          if (through_relu) from = select(best > V::zero(), from, V::broadcast(255));
          store_bytes(from, which + pixel.index * channels + columns.place[r], columns.left);
        }
      }
    });
  });
}

template <class T>
void max(const Pool* pool, const void* x, int64_t row, int64_t rows, void* y, uint8_t* which,
         int through_relu) {
  (which ? max_rows<T, true> : max_rows<T, false>)(*pool, static_cast<const T*>(x), row, rows,
                                                   static_cast<T*>(y), which, through_relu != 0);
}

// y = finish(fold over what a pixel reads of step(sum, value, position, element, weight)).
template <class T, bool kWeighted, class Step, class Finish>
FASTNN_INLINE void fold_rows(const Pool& pool, const T* x, int64_t row, int64_t rows, T* y,
                             Step step, Finish finish) {
  using V = Vec<T>;
  const int64_t channels = pool.channels;
  for_pixels(pool, row, rows, [&](const Pixel& pixel) __attribute__((always_inline)) {
    for_columns<T>(channels, [&](const auto& columns) __attribute__((always_inline)) {
      constexpr int R = columns.kCount;
      V sum[R];
      for (int r = 0; r < R; ++r) sum[r] = V::zero();
      for_taps<kWeighted>(
          pool, pixel, [&](int64_t at, int64_t tap, double weight) __attribute__((always_inline)) {
            const V w = V::broadcast(static_cast<T>(kWeighted ? weight : static_cast<double>(tap)));
            for (int r = 0; r < R; ++r)
              sum[r] =
                  step(columns, r, sum[r], columns.load(x + at * channels, r), at * channels, w);
          });
      for (int r = 0; r < R; ++r)
        columns.store(finish(sum[r], pixel), y + pixel.index * channels, r);
    });
  });
}

template <class T>
void max_backward(const Pool* pool, const void* dy, const uint8_t* which, int64_t row, int64_t rows,
                  void* dx) {
  using V = Vec<T>;
  fold_rows<T, false>(
      *pool, static_cast<const T*>(dy), row, rows, static_cast<T*>(dx),
      [=](const auto& columns, int r, V sum, V value, int64_t at, V tap)
          __attribute__((always_inline)) {
            const V from = load_bytes<T>(which + at + columns.place[r], columns.left);
            return sum + select(from == tap, value, V::zero());
          },
      [](V sum, const Pixel&) { return sum; });
}

// The inputs that belong to window o: from where it starts to where the next one does.
struct Own {
  int64_t first, last;
  FASTNN_INLINE Own(const PoolAxis& axis, int64_t o)
      : first(o == 0 ? 0 : axis.spans[o].at),
        last(o + 1 == axis.extent ? axis.operand : axis.spans[o + 1].at) {}
};

// A row of windows, which belong to an element of the batch.
struct WindowRow {
  int64_t index, batch;
  const PoolSpan &span0, &span1;
  Own own0, own1;
  FASTNN_INLINE WindowRow(const PoolAxis* axis, int64_t r)
      : index(r),
        batch(r / axis[1].extent / axis[0].extent),
        span0(axis[0].spans[r / axis[1].extent % axis[0].extent]),
        span1(axis[1].spans[r % axis[1].extent]),
        own0(axis[0], r / axis[1].extent % axis[0].extent),
        own1(axis[1], r % axis[1].extent) {}
};

// All inputs of a row of windows, a register at a time.
template <class T>
FASTNN_INLINE void spread_row(const Pool& pool, const WindowRow& row, const T* dy,
                              const uint8_t* which, T* dx) {
  using V = Vec<T>;
  const PoolAxis* axis = pool.axis;
  const int64_t channels = pool.channels, width = axis[2].operand * channels;
  for (int64_t i0 = row.own0.first; i0 < row.own0.last; ++i0)
    for (int64_t i1 = row.own1.first; i1 < row.own1.last; ++i1) {
      T* line = dx + ((row.batch * axis[0].operand + i0) * axis[1].operand + i1) * width;
      const int64_t k0 = i0 - row.span0.at, k1 = i1 - row.span1.at;
      if (k0 < 0 || k0 >= row.span0.count || k1 < 0 || k1 >= row.span1.count) {
        memset(line, 0, static_cast<size_t>(width) * sizeof(T));
        continue;
      }
      const int64_t tap =
          ((row.span0.tap + k0) * axis[1].window + row.span1.tap + k1) * axis[2].window;
      for (int64_t o2 = 0; o2 < axis[2].extent; ++o2) {
        const PoolSpan& span2 = axis[2].spans[o2];
        const Own own2(axis[2], o2);
        const int64_t pixel = (row.index * axis[2].extent + o2) * channels;
        for_columns<T>(channels, [&](const auto& columns) __attribute__((always_inline)) {
          constexpr int R = columns.kCount;
          V gradient[R], from[R];
          for (int k = 0; k < R; ++k) {
            gradient[k] = columns.load(dy + pixel, k);
            from[k] = load_bytes<T>(which + pixel + columns.place[k], columns.left);
          }
          for (int64_t i2 = own2.first; i2 < own2.last; ++i2) {
            const int64_t k2 = i2 - span2.at;
            // 256 is the number of no element
            const int64_t number = k2 < 0 || k2 >= span2.count ? 256 : tap + span2.tap + k2;
            const V mine = V::broadcast(static_cast<T>(number));
            for (int k = 0; k < R; ++k)
              columns.store(select(from[k] == mine, gradient[k], V::zero()), line + i2 * channels,
                            k);
          }
        });
      }
    }
}

// Where the elements of a window lie, by their number: within the window, and in memory.
struct Elements {
  int count;
  uint8_t k[3][255];
  int64_t place[255];
  explicit Elements(const Pool& pool) {
    const PoolAxis* axis = pool.axis;
    count = static_cast<int>(axis[0].window * axis[1].window * axis[2].window);
    for (int i = 0; i < count; ++i) {
      const int64_t k2 = i % axis[2].window, rest = i / axis[2].window;
      const int64_t k1 = rest % axis[1].window, k0 = rest / axis[1].window;
      k[0][i] = static_cast<uint8_t>(k0);
      k[1][i] = static_cast<uint8_t>(k1);
      k[2][i] = static_cast<uint8_t>(k2);
      place[i] = ((k0 * axis[1].operand + k1) * axis[2].operand + k2) * pool.channels;
    }
  }
  FASTNN_INLINE bool inside(int axis, int number, const PoolSpan& span) const {
    return k[axis][number] >= span.tap && k[axis][number] < span.tap + span.count;
  }
};

// The same number by number: zeros, then each gradient where it belongs.
template <class T>
FASTNN_INLINE void scatter_row(const Pool& pool, const WindowRow& row, const Elements& elements,
                               const T* dy, const uint8_t* which, T* dx) {
  const PoolAxis* axis = pool.axis;
  const int64_t channels = pool.channels, width = axis[2].operand * channels;
  const size_t lines = static_cast<size_t>(row.own1.last - row.own1.first);
  for (int64_t i0 = row.own0.first; i0 < row.own0.last; ++i0) {
    const int64_t line = (row.batch * axis[0].operand + i0) * axis[1].operand + row.own1.first;
    memset(dx + line * width, 0, lines * static_cast<size_t>(width) * sizeof(T));
  }
  const PoolSpan &span0 = row.span0, &span1 = row.span1;
  const int64_t line = (row.batch * axis[0].operand + span0.at - span0.tap) * axis[1].operand +
                       span1.at - span1.tap;  // of element 0, which may be padding
  int64_t at = row.index * axis[2].extent * channels;
  for (int64_t o2 = 0; o2 < axis[2].extent; ++o2) {
    const PoolSpan& span2 = axis[2].spans[o2];
    const int64_t start = (line * axis[2].operand + span2.at - span2.tap) * channels;
    const bool whole = span0.count * span1.count * span2.count == elements.count;
    for (int64_t c = 0; c < channels; ++c, ++at) {
      const int number = which[at];
      if (number < elements.count &&
          (whole || (elements.inside(0, number, span0) && elements.inside(1, number, span1) &&
                     elements.inside(2, number, span2))))
        dx[start + elements.place[number] + c] = dy[at];
    }
  }
}

template <class T>
void max_spread(const Pool* pool, const void* dy_, const uint8_t* which, int64_t row, int64_t rows,
                void* dx_) {
  const T* dy = static_cast<const T*>(dy_);
  T* dx = static_cast<T*>(dx_);
  const Elements elements(*pool);
  for (int64_t r = row; r < row + rows; ++r) {
    const WindowRow windows(pool->axis, r);
    if (pool->channels < Vec<T>::kLanes)
      scatter_row(*pool, windows, elements, dy, which, dx);
    else
      spread_row(*pool, windows, dy, which, dx);
  }
}

template <class T>
void mean(const Pool* pool, const void* x, int64_t row, int64_t rows, void* y) {
  using V = Vec<T>;
  fold_rows<T, false>(
      *pool, static_cast<const T*>(x), row, rows, static_cast<T*>(y),
      [](const auto&, int, V sum, V value, int64_t, V)
          __attribute__((always_inline)) { return sum + value; },
      [](V sum, const Pixel& pixel) __attribute__((always_inline)) {
        const double cells = pixel.span[0]->cells * pixel.span[1]->cells * pixel.span[2]->cells;
        return sum / V::broadcast(static_cast<T>(cells));
      });
}

template <class T>
void weighted(const Pool* pool, const void* x, int64_t row, int64_t rows, void* y) {
  using V = Vec<T>;
  fold_rows<T, true>(
      *pool, static_cast<const T*>(x), row, rows, static_cast<T*>(y),
      [](const auto&, int, V sum, V value, int64_t, V weight)
          __attribute__((always_inline)) { return fma(value, weight, sum); },
      [](V sum, const Pixel&) { return sum; });
}

template <class T>
void max_search(const Pool* pool, const void* dy_, const void* x_, int64_t first, int64_t count,
                void* dx_) {
  const T *dy = static_cast<const T*>(dy_), *x = static_cast<const T*>(x_);
  T* dx = static_cast<T*>(dx_);
  const int64_t channels = pool->channels, rows = pool->axis[0].extent * pool->axis[1].extent;
  for_pixels(*pool, 0, rows, [&](const Pixel& pixel) {
    for (int64_t c = first; c < first + count; ++c) {
      int64_t place = -1;
      for_taps<false>(*pool, pixel, [&](int64_t at, int64_t, double) {
        const T value = x[at * channels + c], best = place < 0 ? value : x[place];
        if (place < 0 || (!(value <= best) && best == best)) place = at * channels + c;
      });
      if (place >= 0) dx[place] += dy[pixel.index * channels + c];
    }
  });
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(pool, PoolKernels) {
  using namespace fastnn;
  *table = PoolKernels{{max<float>, max<double>},
                       {max_backward<float>, max_backward<double>},
                       {max_spread<float>, max_spread<double>},
                       {max_search<float>, max_search<double>},
                       {mean<float>, mean<double>},
                       {weighted<float>, weighted<double>}};
}
