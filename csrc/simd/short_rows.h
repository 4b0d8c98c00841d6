// Rows too short for a register each: kLanes of them at once, one a lane.
//
// The folds add what the virtual lanes of a longer row would, in the same order: the bits are those
// of simd/fold.h.
#pragma once

#include "simd/fold.h"

namespace fastnn {
namespace {

// Up to kLanes rows of n <= kVirtualLanes elements.
template <class T>
struct ShortRows {
  using V = Vec<T>;
  static constexpr int kMost = kVirtualLanes<T>;
  T element[kMost][V::kLanes];  // [j][r]: element j of row r
  int n;

  FASTNN_INLINE V column(int j) const { return V::load(element[j]); }

  // Rows that are missing repeat the first.
  FASTNN_INLINE void load(const T* x, int64_t rows, int64_t length) {
    n = static_cast<int>(length);
    for (int r = 0; r < V::kLanes; ++r) {
      const T* row = x + (r < rows ? r : 0) * length;
      for (int j = 0; j < n; ++j) element[j][r] = row[j];
    }
  }

  FASTNN_INLINE void store(T* y, int64_t rows) const {
    for (int64_t r = 0; r < rows; ++r)
      for (int j = 0; j < n; ++j) y[r * n + j] = element[j][r];
  }

  template <class F>
  FASTNN_INLINE void apply(F f) {
    for (int j = 0; j < n; ++j) f(j, column(j)).store(element[j]);
  }

  template <int op>
  FASTNN_INLINE V fold() const {
    return fold<op>([](int, V x) { return x; });
  }

  // The fold of f(j, column j).
  template <int op, class F>
  FASTNN_INLINE V fold(F f) const {
    if (n == 1) return f(0, column(0));
    int half = 1;  // the widest fold in which two elements meet
    while (2 * half < n) half *= 2;
    V lanes[kMost / 2];
    for (int j = 0; j < half; ++j) {
      lanes[j] = f(j, column(j));
      if (j + half < n) lanes[j] = Fold<op>::merge(lanes[j], f(j + half, column(j + half)));
    }
    for (half /= 2; half > 0; half /= 2)
      for (int j = 0; j < half; ++j) lanes[j] = Fold<op>::merge(lanes[j], lanes[j + half]);
    return lanes[0];
  }
};

}  // namespace
}  // namespace fastnn
