// Registers over the channels of a pixel or a row, up to four at a time.
//
// The last one ends where the channels do and may repeat some of the one before it, so that nothing
// is masked unless there are fewer channels than lanes. For results that are functions of a
// channel's own values.
#pragma once

#include "simd/vec.h"

namespace fastnn {
namespace {

template <class T, int R>
struct Columns {
  using V = Vec<T>;
  static constexpr int kCount = R;
  int64_t place[R], left;  // the first channel of each; lanes in use of the only one, or kLanes

  // All but the last must lie within the channels.
  FASTNN_INLINE Columns(int64_t first, int64_t channels) {
    left = channels < V::kLanes ? channels : V::kLanes;
    for (int r = 0; r < R; ++r) place[r] = first + r * V::kLanes;
    if (place[R - 1] > channels - left) place[R - 1] = channels - left;
  }
  FASTNN_INLINE V load(const T* row, int r) const {
    return R == 1 ? load_some(row + place[r], left) : V::load(row + place[r]);
  }
  FASTNN_INLINE void store(V v, T* row, int r) const {
    if (R == 1)
      store_some(v, row + place[r], left);
    else
      v.store(row + place[r]);
  }
};

// Calls body(columns) for all channels.
template <class T, class Body>
FASTNN_INLINE void for_columns(int64_t channels, Body body) {
  constexpr int64_t kLanes = Vec<T>::kLanes;
  int64_t c = 0;
  for (; channels - c > 3 * kLanes; c += 4 * kLanes) body(Columns<T, 4>(c, channels));
  const int64_t left = channels - c;
  if (left > 2 * kLanes)
    body(Columns<T, 3>(c, channels));
  else if (left > kLanes)
    body(Columns<T, 2>(c, channels));
  else if (left > 0)
    body(Columns<T, 1>(c, channels));
}

}  // namespace
}  // namespace fastnn
