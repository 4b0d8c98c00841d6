// Vec as two registers side by side, for kernels that define FASTNN_WIDE: two independent chains of
// operations keep the processor busier than one. And, as two of AVX2, the 16-lane kernels on a
// processor without AVX-512 (tests only). What a lane holds is the same.
#pragma once

namespace fastnn {
namespace {
namespace pair {

template <class M>
struct PairMask {
  M low, high;
  friend FASTNN_INLINE PairMask operator&(PairMask a, PairMask b) {
    return {a.low & b.low, a.high & b.high};
  }
  friend FASTNN_INLINE PairMask operator|(PairMask a, PairMask b) {
    return {a.low | b.low, a.high | b.high};
  }
  friend FASTNN_INLINE PairMask operator!(PairMask a) { return {!a.low, !a.high}; }
  friend FASTNN_INLINE bool any(PairMask a) { return any(a.low | a.high); }
  friend FASTNN_INLINE bool all(PairMask a) { return all(a.low & a.high); }
};

template <class T>
struct PairInt {
  using Half = typename single::Vec<T>::Int;
  Half low, high;
  template <class I>
  static FASTNN_INLINE PairInt broadcast(I x) {
    return {Half::broadcast(x), Half::broadcast(x)};
  }
  friend FASTNN_INLINE PairInt operator+(PairInt a, PairInt b) {
    return {a.low + b.low, a.high + b.high};
  }
  friend FASTNN_INLINE PairInt operator-(PairInt a, PairInt b) {
    return {a.low - b.low, a.high - b.high};
  }
  friend FASTNN_INLINE PairInt operator&(PairInt a, PairInt b) {
    return {a.low & b.low, a.high & b.high};
  }
  friend FASTNN_INLINE PairInt operator|(PairInt a, PairInt b) {
    return {a.low | b.low, a.high | b.high};
  }
  friend FASTNN_INLINE PairInt operator^(PairInt a, PairInt b) {
    return {a.low ^ b.low, a.high ^ b.high};
  }
};
template <int n, class T>
FASTNN_INLINE PairInt<T> shift_left(PairInt<T> a) {
  return {single::shift_left<n>(a.low), single::shift_left<n>(a.high)};
}
template <int n, class T>
FASTNN_INLINE PairInt<T> shift_right(PairInt<T> a) {
  return {single::shift_right<n>(a.low), single::shift_right<n>(a.high)};
}

template <class T>
struct Vec {
  using Scalar = T;
  using Half = single::Vec<T>;
  using Mask = PairMask<typename Half::Mask>;
  using Int = PairInt<T>;
  static constexpr int kHalf = Half::kLanes, kLanes = 2 * kHalf;
  Half low, high;
  static FASTNN_INLINE Vec load(const T* p) { return {Half::load(p), Half::load(p + kHalf)}; }
  static FASTNN_INLINE Vec load_first(const T* p, int64_t n) {
    if (n < kHalf) return {Half::load_first(p, n), Half::zero()};
    return {Half::load(p), Half::load_first(p + kHalf, n - kHalf)};
  }
  static FASTNN_INLINE Vec broadcast(T x) { return {Half::broadcast(x), Half::broadcast(x)}; }
  static FASTNN_INLINE Vec zero() { return {Half::zero(), Half::zero()}; }
  FASTNN_INLINE void store(T* p) const {
    low.store(p);
    high.store(p + kHalf);
  }
  FASTNN_INLINE void store_first(T* p, int64_t n) const {
    if (n < kHalf) return low.store_first(p, n);
    low.store(p);
    high.store_first(p + kHalf, n - kHalf);
  }
  friend FASTNN_INLINE Vec operator+(Vec a, Vec b) { return {a.low + b.low, a.high + b.high}; }
  friend FASTNN_INLINE Vec operator-(Vec a, Vec b) { return {a.low - b.low, a.high - b.high}; }
  friend FASTNN_INLINE Vec operator*(Vec a, Vec b) { return {a.low * b.low, a.high * b.high}; }
  friend FASTNN_INLINE Vec operator/(Vec a, Vec b) { return {a.low / b.low, a.high / b.high}; }
  friend FASTNN_INLINE Vec operator-(Vec a) { return {-a.low, -a.high}; }
  friend FASTNN_INLINE Vec fma(Vec a, Vec b, Vec c) {
    return {fma(a.low, b.low, c.low), fma(a.high, b.high, c.high)};
  }
  friend FASTNN_INLINE Vec sqrt(Vec a) { return {sqrt(a.low), sqrt(a.high)}; }
  friend FASTNN_INLINE Vec floor(Vec a) { return {floor(a.low), floor(a.high)}; }
  friend FASTNN_INLINE Vec ceil(Vec a) { return {ceil(a.low), ceil(a.high)}; }
  friend FASTNN_INLINE Vec round_even(Vec a) { return {round_even(a.low), round_even(a.high)}; }
  friend FASTNN_INLINE Mask operator<(Vec a, Vec b) { return {a.low < b.low, a.high < b.high}; }
  friend FASTNN_INLINE Mask operator<=(Vec a, Vec b) { return {a.low <= b.low, a.high <= b.high}; }
  friend FASTNN_INLINE Mask operator>(Vec a, Vec b) { return {a.low > b.low, a.high > b.high}; }
  friend FASTNN_INLINE Mask operator>=(Vec a, Vec b) { return {a.low >= b.low, a.high >= b.high}; }
  friend FASTNN_INLINE Mask operator==(Vec a, Vec b) { return {a.low == b.low, a.high == b.high}; }
  friend FASTNN_INLINE Mask operator!=(Vec a, Vec b) { return {a.low != b.low, a.high != b.high}; }
  friend FASTNN_INLINE Vec select(Mask m, Vec a, Vec b) {
    return {select(m.low, a.low, b.low), select(m.high, a.high, b.high)};
  }
  friend FASTNN_INLINE Vec larger(Vec a, Vec b) {
    return {larger(a.low, b.low), larger(a.high, b.high)};
  }
  friend FASTNN_INLINE Vec smaller(Vec a, Vec b) {
    return {smaller(a.low, b.low), smaller(a.high, b.high)};
  }
  friend FASTNN_INLINE Int bits(Vec a) { return {bits(a.low), bits(a.high)}; }
};

FASTNN_INLINE Vec<float> lookup(const float* table, PairInt<float> i) {
  return {single::lookup(table, i.low), single::lookup(table, i.high)};
}

template <class T>
FASTNN_INLINE Vec<T> scale(Vec<T> a, Vec<T> n) {  // where registers have it
  return {scale(a.low, n.low), scale(a.high, n.high)};
}

template <class T>
FASTNN_INLINE T first_lane(Vec<T> a) {
  return first_lane(a.low);
}
template <int k, class T>
FASTNN_INLINE Vec<T> lanes_from(Vec<T> a) {
  if constexpr (k == Vec<T>::kHalf)
    return {a.high, a.high};
  else
    return {single::lanes_from<k>(a.low), a.low};
}

template <class T>
FASTNN_INLINE Vec<T> from_bits(PairInt<T> i) {
  return {single::from_bits<T>(i.low), single::from_bits<T>(i.high)};
}

}  // namespace pair
}  // namespace
}  // namespace fastnn
