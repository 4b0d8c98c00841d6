// Folding: how partial results are joined, lane by lane and across the lanes of registers.
#pragma once

#include <math.h>
#include <stdint.h>

#include "core/op_codes.h"
#include "core/summation_order.h"
#include "simd/vec.h"

namespace fastnn {
namespace {

// A sum along the vector sees this many lanes, however wide the registers are.
template <class T>
constexpr int kVirtualLanes = sizeof(T) == 4 ? kDotLanesF32 : kDotLanesF64;

static const float kFirstNumbers32[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const double kFirstNumbers64[8] = {0, 1, 2, 3, 4, 5, 6, 7};
template <class T>
FASTNN_INLINE Vec<T> first_numbers();
template <>
FASTNN_INLINE Vec<float> first_numbers<float>() {
  return Vec<float>::load(kFirstNumbers32);
}
template <>
FASTNN_INLINE Vec<double> first_numbers<double>() {
  return Vec<double>::load(kFirstNumbers64);
}

// The first n lanes of a, the others those of `padding`.
template <class T>
FASTNN_INLINE Vec<T> pad(Vec<T> a, int64_t n, Vec<T> padding) {
  if (n >= Vec<T>::kLanes) return a;
  return select(first_numbers<T>() < Vec<T>::broadcast(static_cast<T>(n)), a, padding);
}

template <class T>
FASTNN_INLINE Vec<T> load_padded(const T* p, int64_t n, Vec<T> padding) {
  return pad(load_some(p, n), n, padding);
}

// identity, step (a partial result and an element), merge (two partial results).
// kOrders: the fold picks one element, and its step may lose a NaN; merge never does.
template <int op>
struct Fold;

template <>
struct Fold<kFoldSum> {
  static constexpr bool kOrders = false;
  template <class T>
  static constexpr T identity() {
    return 0;
  }
  template <class V>
  static FASTNN_INLINE V step(V sum, V x) {
    return sum + x;
  }
  template <class V>
  static FASTNN_INLINE V merge(V a, V b) {
    return a + b;
  }
};

template <>
struct Fold<kFoldSquares> : Fold<kFoldSum> {
  template <class V>
  static FASTNN_INLINE V step(V sum, V x) {
    return fma(x, x, sum);
  }
};

template <>
struct Fold<kFoldMagnitudes> : Fold<kFoldSum> {
  template <class V>
  static FASTNN_INLINE V step(V sum, V x) {
    return sum + abs(x);
  }
};

template <>
struct Fold<kFoldFinite> : Fold<kFoldSum> {
  template <class V>
  static FASTNN_INLINE V step(V sum, V x) {
    return sum + x * V::zero();
  }
};

template <>
struct Fold<kFoldProd> {
  static constexpr bool kOrders = false;
  template <class T>
  static constexpr T identity() {
    return 1;
  }
  template <class V>
  static FASTNN_INLINE V step(V product, V x) {
    return product * x;
  }
  template <class V>
  static FASTNN_INLINE V merge(V a, V b) {
    return a * b;
  }
};

FASTNN_INLINE float maximum(float a, float b) { return a != a || a > b ? a : b; }
FASTNN_INLINE double maximum(double a, double b) { return a != a || a > b ? a : b; }
FASTNN_INLINE float minimum(float a, float b) { return a != a || a < b ? a : b; }
FASTNN_INLINE double minimum(double a, double b) { return a != a || a < b ? a : b; }

template <>
struct Fold<kFoldMax> {
  static constexpr bool kOrders = true;
  template <class T>
  static constexpr T identity() {
    return -static_cast<T>(INFINITY);
  }
  template <class V>
  static FASTNN_INLINE V step(V best, V x) {
    return larger(x, best);
  }
  template <class V>
  static FASTNN_INLINE V merge(V a, V b) {
    return maximum(a, b);
  }
};

template <>
struct Fold<kFoldMin> {
  static constexpr bool kOrders = true;
  template <class T>
  static constexpr T identity() {
    return static_cast<T>(INFINITY);
  }
  template <class V>
  static FASTNN_INLINE V step(V best, V x) {
    return smaller(x, best);
  }
  template <class V>
  static FASTNN_INLINE V merge(V a, V b) {
    return minimum(a, b);
  }
};

// A step that keeps a NaN.
template <int op, class V>
FASTNN_INLINE V step_propagating(V fold, V x) {
  if constexpr (Fold<op>::kOrders)
    return Fold<op>::merge(fold, x);
  else
    return Fold<op>::step(fold, x);
}

// The lanes of a register, folded in halves into the first.
template <int op, int half, class V>
FASTNN_INLINE V fold_register(V a) {
  if constexpr (half > 0)
    return fold_register<op, half / 2>(Fold<op>::merge(a, lanes_from<half>(a)));
  else
    return a;
}

// The virtual lanes, folded in halves to one number.
template <int op, class T, int K>
FASTNN_INLINE T fold_lanes(Vec<T> (&lanes)[K]) {
  for (int half = K / 2; half > 0; half /= 2)
    for (int k = 0; k < half; ++k) lanes[k] = Fold<op>::merge(lanes[k], lanes[k + half]);
  return first_lane(fold_register<op, Vec<T>::kLanes / 2>(lanes[0]));
}

constexpr int kFoldLevels = 40;  // pairs of pairs: 2^40 blocks

// fold_block(start, count) of every block of [0, n), folded in pairs.
template <int op, class V, class FoldBlock>
FASTNN_INLINE V fold_blocks(int64_t n, int64_t block_size, FoldBlock fold_block) {
  if (n <= block_size) return fold_block(int64_t{0}, n);
  V partial[kFoldLevels];
  int depth = 0;
  for (int64_t block = 0; block * block_size < n; ++block) {
    const int64_t start = block * block_size, left = n - start;
    V value = fold_block(start, left < block_size ? left : block_size);
    for (int64_t bits = block; bits & 1; bits >>= 1)
      value = Fold<op>::merge(partial[--depth], value);
    partial[depth++] = value;
  }
  V value = partial[--depth];
  while (depth > 0) value = Fold<op>::merge(partial[--depth], value);
  return value;
}

// Visits [0, n) a register at a time, the virtual lanes in turn: step(lane register, index, left).
template <class T, class Step>
FASTNN_INLINE void for_lanes(int64_t n, Step step) {
  constexpr int L = Vec<T>::kLanes, K = kVirtualLanes<T> / L;
  int64_t i = 0;
  for (; i + kVirtualLanes<T> <= n; i += kVirtualLanes<T>)
    for (int k = 0; k < K; ++k) step(k, i + k * L, int64_t{L});
  for (int k = 0; k < K; ++k, i += L) {
    if (i >= n) break;
    step(k, i, n - i);
  }
}

// The fold of n elements given a register at a time by value(index, left); lanes beyond `left` must
// hold the fold's identity.
template <class T, int op, class Value>
FASTNN_INLINE T fold_values(int64_t n, Value value) {
  return fold_blocks<op, T>(n, kDotBlock, [&](int64_t start, int64_t count) {
    Vec<T> lanes[kVirtualLanes<T> / Vec<T>::kLanes];
    for (auto& lane : lanes) lane = Vec<T>::broadcast(Fold<op>::template identity<T>());
    typename Vec<T>::Mask bad = Vec<T>::zero() != Vec<T>::zero();
    for_lanes<T>(count, [&](int k, int64_t i, int64_t left) {
      const Vec<T> x = value(start + i, left);
      if (Fold<op>::kOrders) bad = bad | is_nan(x);
      lanes[k] = Fold<op>::step(lanes[k], x);
    });
    if (Fold<op>::kOrders && any(bad)) return static_cast<T>(NAN);
    return fold_lanes<op>(lanes);
  });
}

// The fold of n consecutive elements.
template <class T, int op>
FASTNN_INLINE T fold_row(const T* x, int64_t n) {
  const Vec<T> padding = Vec<T>::broadcast(Fold<op>::template identity<T>());
  return fold_values<T, op>(
      n, [&](int64_t i, int64_t left) { return load_padded(x + i, left, padding); });
}

// A register of columns: value(row) for every row, folded in blocks of kRowBlock.
template <class T, int op, class Value>
FASTNN_INLINE Vec<T> fold_down(int64_t rows, Value value) {
  return fold_blocks<op, Vec<T>>(rows, kRowBlock, [&](int64_t start, int64_t count) {
    Vec<T> fold = Vec<T>::broadcast(Fold<op>::template identity<T>());
    for (int64_t r = start; r < start + count; ++r) fold = step_propagating<op>(fold, value(r));
    return fold;
  });
}

}  // namespace
}  // namespace fastnn
