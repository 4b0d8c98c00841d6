// Sorting of unsigned keys, stable: by one byte of the key after the other, the lowest first.
//
// Method: radix sort from the least significant digit, H. Seward (1954); D. Knuth, "The Art of
// Computer Programming", vol. 3, 5.2.5. Long arrays are cut into chunks that count and move side by
// side; the result is the only stable one, however they are cut.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "ops/tasks.h"

namespace fastnn {

// What is sorted: keys, alone or with where they came from.
template <class K>
struct Bare {
  using Key = K;
  K key;
  static Bare make(K key, int64_t) { return {key}; }
};
template <class K>
struct Marked {
  using Key = K;
  K key, index;
  static Marked make(K key, int64_t index) { return {key, static_cast<K>(index)}; }
  bool operator<(const Marked& other) const {  // no two are equal
    return key < other.key || (key == other.key && index < other.index);
  }
};

// Few enough for insertions.
constexpr int64_t kFewItems = 32;
// So many that one array is worth all threads.
constexpr int64_t kSharedItems = 1 << 16;

template <class Item>
void insertion_sort(Item* items, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    const Item item = items[i];
    int64_t at = i;
    for (; at > 0 && item.key < items[at - 1].key; --at) items[at] = items[at - 1];
    items[at] = item;
  }
}

// Sorts n items by the lowest `bytes` bytes of their keys, with room for as many in `other`.
// Returns where they are: at `items` or at `other`.
template <class Item>
Item* radix_sort(Item* items, Item* other, int64_t n, int bytes) {
  if (n <= kFewItems) {
    insertion_sort(items, n);
    return items;
  }
  constexpr int kChunks = 8, kDigits = 256;
  const int chunks = n < kSharedItems ? 1 : kChunks;
  const int64_t size = ceil_div(n, chunks);
  int64_t places[kChunks][kDigits];
  for (int shift = 0; shift < 8 * bytes; shift += 8) {
    const auto digit = [&](const Item& item) { return item.key >> shift & (kDigits - 1); };
    for_pieces(n, size, [&](int64_t first, int64_t count) {
      int64_t* found = places[first / size];
      std::memset(found, 0, sizeof(places[0]));
      for (int64_t i = first; i < first + count; ++i) ++found[digit(items[i])];
    });
    int64_t next = 0, most = 0;
    for (int d = 0; d < kDigits; ++d) {
      const int64_t before = next;
      for (int c = 0; c < chunks; ++c) next += std::exchange(places[c][d], next);
      most = next - before > most ? next - before : most;
    }
    if (most == n) continue;  // all have the same digit
    for_pieces(n, size, [&](int64_t first, int64_t count) {
      int64_t* place = places[first / size];
      for (int64_t i = first; i < first + count; ++i) other[place[digit(items[i])]++] = items[i];
    });
    std::swap(items, other);
  }
  return items;
}

}  // namespace fastnn
