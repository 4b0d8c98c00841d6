// Sorting of many short columns at once: each register holds a key of every column, and what is
// compared with what does not depend on the keys.
//
// Method: the bitonic sorting network, K. Batcher, "Sorting networks and their applications"
// (1968), of any length: H. Lang, "Bitonic sorting network for n not a power of 2" (2001).
#include "kernels/order.h"

#include "kernels/fill.h"

namespace fastnn {
namespace {

#define FASTNN_ALWAYS inline __attribute__((always_inline))

#if defined(FASTNN_TARGET_avx512) && !defined(FASTNN_EMULATE_AVX512)
constexpr int kRegisterBytes = 64;
#elif defined(FASTNN_TARGET_avx512) || defined(FASTNN_TARGET_avx2)
constexpr int kRegisterBytes = 32;
#else
constexpr int kRegisterBytes = 16;
#endif
constexpr int kRegisters = kNetworkBytes / kRegisterBytes;  // for a key of every column

// An extension of GCC and Clang: comparisons of integers, which Vec does not have.
template <class K>
struct Vector {
  typedef K Keys __attribute__((vector_size(kRegisterBytes), aligned(sizeof(K)), may_alias));
};
template <class K>
using Keys = typename Vector<K>::Keys;

// The smaller ones to `first`; the other way round unless `up`.
template <class K, bool up>
FASTNN_ALWAYS void exchange(Keys<K>& first, Keys<K>& second) {
  const Keys<K> a = first, b = second;
  const Keys<K> low = a < b ? a : b, high = a < b ? b : a;
  first = up ? low : high;
  second = up ? high : low;
}

// Sorts n keys of every column that are bitonic: they go down and then up, or such a sequence has
// been turned around a circle. Two steps at a time, so that keys are loaded half as often.
template <class K, bool up>
void merge(Keys<K>* keys, int64_t n) {
  if (n < 2) return;
  if (n >= 4 && (n & (n - 1)) == 0) {
    const int64_t quarter = n / 4 * kRegisters;
    for (int64_t i = 0; i < quarter; ++i) {
      Keys<K> a = keys[i], b = keys[i + quarter];
      Keys<K> c = keys[i + 2 * quarter], d = keys[i + 3 * quarter];
      exchange<K, up>(a, c);
      exchange<K, up>(b, d);
      exchange<K, up>(a, b);
      exchange<K, up>(c, d);
      keys[i] = a, keys[i + quarter] = b;
      keys[i + 2 * quarter] = c, keys[i + 3 * quarter] = d;
    }
    for (int64_t q = 0; q < 4 && n > 4; ++q) merge<K, up>(keys + q * quarter, n / 4);
    return;
  }
  int64_t half = 1;  // the largest power of two below n
  while (2 * half < n) half *= 2;
  for (int64_t i = 0; i < (n - half) * kRegisters; ++i)
    exchange<K, up>(keys[i], keys[i + half * kRegisters]);
  merge<K, up>(keys, half);
  merge<K, up>(keys + half * kRegisters, n - half);
}

template <class K, bool up>
void sort(Keys<K>* keys, int64_t n) {
  if (n < 2) return;
  sort<K, !up>(keys, n / 2);
  sort<K, up>(keys + n / 2 * kRegisters, n - n / 2);
  merge<K, up>(keys, n);
}

template <class K>
void columns(void* keys, int64_t n) {
  sort<K, true>(static_cast<Keys<K>*>(keys), n);
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(order, OrderKernels) {
  using namespace fastnn;
  *table = OrderKernels{columns<int32_t>, columns<int64_t>};
}
