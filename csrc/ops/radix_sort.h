// Sorting of unsigned keys, stable: by one digit of the key after the other, the lowest first.
//
// Method: radix sort from the least significant digit, H. Seward (1954); D. Knuth, "The Art of
// Computer Programming", vol. 3, 5.2.5. Long arrays are cut into chunks that count and move side by
// side; the result is the only stable one, however they are cut.
#pragma once

#include <algorithm>
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

// Sorts n items by the lowest `bits` bits of their keys, `digit_bits` at a time, with room for as
// many in `other`. Returns where they are: at `items` or at `other`.
template <int digit_bits, int most_chunks, class Item>
Item* sort_by_digits(Item* items, Item* other, int64_t n, int bits) {
  constexpr int kDigits = 1 << digit_bits;
  const int64_t size = ceil_div(n, most_chunks), chunks = ceil_div(n, size);
  int64_t places[most_chunks][kDigits];
  for (int shift = 0; shift < bits; shift += digit_bits) {
    const auto digit = [=](const Item& item) {
      return static_cast<int>(item.key >> shift & (kDigits - 1));
    };
    parallel_for(chunks, [&](int64_t c) {
      int64_t* found = places[c];
      std::memset(found, 0, sizeof(places[0]));
      for (int64_t i = c * size, end = std::min(n, i + size); i < end; ++i)
        ++found[digit(items[i])];
    });
    // Where the first one of each chunk with that digit goes.
    int64_t next = 0, most = 0;
    for (int d = 0; d < kDigits; ++d) {
      const int64_t before = next;
      for (int64_t c = 0; c < chunks; ++c) next += std::exchange(places[c][d], next);
      most = std::max(most, next - before);
    }
    if (most == n) continue;  // all have the same digit
    parallel_for(chunks, [&](int64_t c) {
      int64_t* place = places[c];
      for (int64_t i = c * size, end = std::min(n, i + size); i < end; ++i)
        other[place[digit(items[i])]++] = items[i];
    });
    std::swap(items, other);
  }
  return items;
}

template <class Item>
Item* radix_sort(Item* items, Item* other, int64_t n, int bits) {
  if (n <= kFewItems) {
    insertion_sort(items, n);
    return items;
  }
  return n < kSharedItems ? sort_by_digits<8, 1>(items, other, n, bits)
                          : sort_by_digits<11, 4>(items, other, n, bits);
}

}  // namespace fastnn
