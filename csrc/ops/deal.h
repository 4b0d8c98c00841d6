// Dealing work out to threads in runs that get shorter towards the end.
//
// Method: guided self-scheduling, C. Polychronopoulos, D. Kuck (1987).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/thread_pool.h"

namespace fastnn {

// How many of `left` items a thread takes at a time: one of so many parts.
inline int64_t run_length(int64_t left, int64_t parts, int64_t least, int64_t most) {
  const int64_t part = (left + parts - 1) / parts;
  return std::min(left, std::clamp(part, least, std::max(least, most)));
}

// Items that are claimed in order.
struct Deck {
  std::atomic<int64_t> dealt{0};

  // Claims a run that begins before `end`; returns false when there is none.
  bool claim(int64_t end, int64_t parts, int64_t least, int64_t most, int64_t* from, int64_t* to) {
    int64_t begin = dealt.load(std::memory_order_relaxed);
    while (begin < end) {
      const int64_t next = begin + run_length(end - begin, parts, least, most);
      if (dealt.compare_exchange_weak(begin, next, std::memory_order_relaxed)) {
        *from = begin;
        *to = next;
        return true;
      }
    }
    return false;
  }
};

// Calls body(begin, end, slot, next) for runs that cover [0, items), on at most `slots` threads. No
// two calls at the same time have the same slot, so that memory can go with it; a run from `next`
// is likely to follow on this thread.
// The items fall into shares, side by side; a slot begins with its own, so that its cache may still
// hold what the last call worked on there, and then helps with others.
template <class Body>
void deal(int64_t slots, int64_t items, int64_t least, int64_t most, Body&& body) {
  slots = std::clamp<int64_t>(items / least, 1, slots);
  if (slots == 1) {
    for (int64_t begin = 0, end; begin < items; begin = end) {
      end = begin + run_length(items - begin, 1, least, most);
      body(begin, end, int64_t{0}, end);
    }
    return;
  }
  constexpr int64_t kShares = 16;
  const int64_t count = std::min(slots, kShares), parts = 2 * (slots / count);
  struct alignas(64) Share : Deck {};
  Share shares[kShares];
  for (int64_t i = 0; i < count; ++i) shares[i].dealt = i * items / count;
  parallel_for(slots, [&](int64_t slot) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t owner = (slot + i) % count, last = (owner + 1) * items / count;
      for (int64_t begin, end; shares[owner].claim(last, parts, least, most, &begin, &end);)
        body(begin, end, slot, shares[owner].dealt.load(std::memory_order_relaxed));
    }
  });
}

}  // namespace fastnn
