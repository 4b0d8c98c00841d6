// Philox 4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
//
// A 64-bit lane holds one word in its low half: its products are then whole, and the garbage in the
// high halves never reaches a result. Three groups of counters run at once to hide latency.
#include "kernels/random.h"

#include <string.h>

#include "kernels/fill.h"
#include "simd/multiply.h"
#include "simd/quantile.h"

namespace fastnn {
namespace {

using Words = Vec<double>::Int;
constexpr int kLanes = Vec<double>::kLanes, kGroups = 3;
constexpr int kBlocks = kLanes * kGroups;  // of one call of philox
constexpr int kChunk = 1024;               // words on the stack
constexpr int kRounds = 10;

FASTNN_INLINE void store(Words w, uint64_t* p) {
  double lanes[kLanes];
  from_bits<double>(w).store(lanes);
  memcpy(p, lanes, sizeof lanes);
}

FASTNN_INLINE Words consecutive(uint64_t first) {
  uint64_t numbers[kLanes];
  for (int i = 0; i < kLanes; ++i) numbers[i] = first + static_cast<uint64_t>(i);
  double lanes[kLanes];
  memcpy(lanes, numbers, sizeof lanes);
  return bits(Vec<double>::load(lanes));
}

FASTNN_INLINE Words same(uint64_t x) {
  int64_t i;
  memcpy(&i, &x, sizeof i);
  return Words::broadcast(i);
}

// The words of kBlocks blocks.
FASTNN_INLINE void philox(uint64_t key, uint64_t counter, uint64_t* words) {
  Words c0[kGroups], c1[kGroups], c2[kGroups], c3[kGroups];
  for (int g = 0; g < kGroups; ++g) {
    c0[g] = consecutive(counter + static_cast<uint64_t>(g * kLanes));
    c1[g] = shift_right<32>(c0[g]);
    c2[g] = c3[g] = same(0);
  }
  const Words m0 = same(0xD2511F53), m1 = same(0xCD9E8D57);
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < kRounds; ++round) {
    const Words key0 = same(k0), key1 = same(k1);
    for (int g = 0; g < kGroups; ++g) {
      const Words p = multiply_low(m0, c0[g]), q = multiply_low(m1, c2[g]);
      c0[g] = shift_right<32>(q) ^ c1[g] ^ key0;
      c1[g] = q;
      c2[g] = shift_right<32>(p) ^ c3[g] ^ key1;
      c3[g] = p;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const Words low_half = same(UINT32_MAX);
  for (int g = 0; g < kGroups; ++g) {
    uint64_t first[kLanes], second[kLanes];  // words 0 and 1, words 2 and 3 of every block
    store((c0[g] & low_half) | shift_left<32>(c1[g]), first);
    store((c2[g] & low_half) | shift_left<32>(c3[g]), second);
    for (int i = 0; i < kLanes; ++i, words += 2) {
      words[0] = first[i];
      words[1] = second[i];
    }
  }
}

void random_words(PhiloxState state, int64_t blocks, uint32_t* words) {
  int64_t block = 0;
  for (; block + kBlocks <= blocks; block += kBlocks) {
    uint64_t pairs[2 * kBlocks];
    philox(state.key, state.counter + static_cast<uint64_t>(block), pairs);
    memcpy(words + 4 * block, pairs, sizeof pairs);
  }
  if (block < blocks) {
    uint64_t pairs[2 * kBlocks];
    philox(state.key, state.counter + static_cast<uint64_t>(block), pairs);
    memcpy(words + 4 * block, pairs, static_cast<size_t>(blocks - block) * 16);
  }
}

// Gives visit(elements, first, count) the numbers of n elements, a chunk at a time: uint32_t or
// uint64_t, as many bits as an element takes.
template <class Bits, class Visit>
FASTNN_INLINE void for_chunks(PhiloxState state, int64_t n, Visit visit) {
  constexpr int64_t kElements = kChunk * 4 / static_cast<int64_t>(sizeof(Bits));
  Bits elements[kElements];
  for (int64_t first = 0; first < n; first += kElements) {
    const int64_t count = n - first < kElements ? n - first : kElements;
    const int64_t bytes = count * static_cast<int64_t>(sizeof(Bits));
    random_words(state, (bytes + 15) / 16, reinterpret_cast<uint32_t*>(elements));
    state.counter += kChunk / 4;
    visit(elements, first, count);
  }
}

template <class T>
struct Source;
template <>
struct Source<float> {
  using Bits = uint32_t;
  using Signed = int32_t;
  static constexpr int kBits = 24;
  static constexpr float kUnit = 1.0f / (1 << 24);
};
template <>
struct Source<double> {
  using Bits = uint64_t;
  using Signed = int64_t;
  static constexpr int kBits = 53;
  static constexpr double kUnit = 1.0 / (int64_t{1} << 53);
};

// The high bits of a number: an integer that T holds exactly.
template <class T>
FASTNN_INLINE typename Source<T>::Signed high_bits(typename Source<T>::Bits drawn) {
  using S = Source<T>;
  return static_cast<typename S::Signed>(drawn >> (8 * sizeof(T) - S::kBits));
}

FASTNN_INLINE float exactly(int32_t n) { return static_cast<float>(n); }
// In two parts of 32-bit integers, which every target turns into numbers a register at a time.
FASTNN_INLINE double exactly(int64_t n) {
  constexpr int kLowBits = 26;
  const int32_t low = static_cast<int32_t>(n & ((1 << kLowBits) - 1));
  const int32_t high = static_cast<int32_t>(n >> kLowBits);
  return static_cast<double>(high) * (1 << kLowBits) + static_cast<double>(low);
}

FASTNN_INLINE float next_below(float x, float low) { return ::nextafterf(x, low); }
FASTNN_INLINE double next_below(double x, double low) { return ::nextafter(x, low); }

template <class T>
void uniform(PhiloxState state, double low, double high, int64_t n, void* y) {
  const T start = static_cast<T>(low), width = static_cast<T>(high - low);
  const T last = next_below(static_cast<T>(high), start);  // rounding may reach high itself
  T* to = static_cast<T*>(y);
  for_chunks<typename Source<T>::Bits>(state, n, [=](const auto* drawn, int64_t first, int64_t m) {
    for (int64_t i = 0; i < m; ++i) {
      const T u = exactly(high_bits<T>(drawn[i])) * Source<T>::kUnit;
      const T value = u * width + start;
      to[first + i] = value < last ? value : last;
    }
  });
}

// Probability below -2, and between -2 and 2.
constexpr double kCut = 0.022750131948179207, kBetween = 0.95449973610364158;

template <class T>
void normal(PhiloxState state, double mean, double std, int truncated, int64_t n, void* y) {
  using S = Source<T>;
  using V = Vec<T>;
  const V m = V::broadcast(static_cast<T>(mean)), s = V::broadcast(static_cast<T>(std));
  const V cut = V::broadcast(static_cast<T>(kCut)), two = V::broadcast(2);
  const V half = V::broadcast(static_cast<T>(0.5));
  const V between = V::broadcast(static_cast<T>(kBetween));
  T* to = static_cast<T*>(y);
  for_chunks<typename S::Bits>(state, n, [=](const auto* drawn, int64_t first, int64_t count) {
    // The probability of the nearer tail, exactly, with the sign of the result.
    T tail[kChunk * 4 / sizeof(T)];
    constexpr typename S::Signed kHalf = typename S::Signed{1} << (S::kBits - 1);
    for (int64_t i = 0; i < count; ++i) {
      const typename S::Signed number = high_bits<T>(drawn[i]);
      const bool upper = number >= kHalf;
      const typename S::Signed nearer = upper ? 2 * kHalf - 1 - number : number;
      const T r = (exactly(nearer) + static_cast<T>(0.5)) * S::kUnit;
      tail[i] = upper ? r : -r;
    }
    for (int64_t i = 0; i < count; i += V::kLanes) {
      const V r = load_some(tail + i, count - i), outside = abs(r), inside = half - outside;
      const V z = truncated
                      ? smaller(normal_quantile(fma(outside, between, cut), inside * between), two)
                      : normal_quantile(outside, inside);
      store_some(fma(copy_sign(z, r), s, m), to + first + i, count - i);
    }
  });
}

void dropout_mask(PhiloxState state, uint32_t threshold, int64_t n, uint8_t* mask) {
  for_chunks<uint32_t>(state, n, [=](const uint32_t* drawn, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; ++i) mask[first + i] = (drawn[i] >> 8) >= threshold;
  });
}

template <class T>
void dropout_apply(const void* x, const uint8_t* mask, double scale, int64_t n, void* y) {
  const T *from = static_cast<const T*>(x), factor = static_cast<T>(scale);
  T* to = static_cast<T*>(y);
  for (int64_t i = 0; i < n; ++i) {
    const T value = from[i] * factor;
    to[i] = mask[i] ? value : 0;
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(random, RandomKernels) {
  using namespace fastnn;
  *table = RandomKernels{random_words,
                         {uniform<float>, uniform<double>},
                         {normal<float>, normal<double>},
                         dropout_mask,
                         {dropout_apply<float>, dropout_apply<double>}};
}
