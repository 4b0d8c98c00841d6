// What softmax and the cross-entropies share: the exponentials of a row and their sum.
#pragma once

#include "simd/fold.h"
#include "simd/vec_math.h"

namespace fastnn {
namespace {

// log on one number, with the bits of the vector function.
template <class T>
FASTNN_INLINE T log_of(T x) {
  return first_lane(log(Vec<T>::broadcast(x)));
}

// exp(x - m), zero in lanes beyond `left`: those compute exp(0), as an underflow may be slow.
template <class T>
FASTNN_INLINE Vec<T> exp_shifted(const T* x, int64_t left, Vec<T> m) {
  return pad(exp(load_padded(x, left, m) - m), left, Vec<T>::zero());
}

// The sum of exp(x - m) over a row.
template <class T>
FASTNN_INLINE T sum_exp_row(const T* x, T largest, int64_t n) {
  const Vec<T> m = Vec<T>::broadcast(largest);
  return fold_values<T, kFoldSum>(
      n, [&](int64_t i, int64_t left) { return exp_shifted(x + i, left, m); });
}

// The same, with the exponentials written to e.
template <class T>
FASTNN_INLINE T exp_row(const T* x, T largest, int64_t n, T* e) {
  const Vec<T> m = Vec<T>::broadcast(largest);
  return fold_values<T, kFoldSum>(n, [&](int64_t i, int64_t left) {
    const Vec<T> value = exp_shifted(x + i, left, m);
    store_some(value, e + i, left);
    return value;
  });
}

}  // namespace
}  // namespace fastnn
