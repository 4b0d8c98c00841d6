// Dealing work out to threads in runs that get shorter towards the end.
//
// Method: guided self-scheduling, C. Polychronopoulos, D. Kuck (1987).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/thread_pool.h"

namespace fastnn {

// How many of `left` items one of `threads` threads takes at a time.
inline int64_t run_length(int64_t left, int64_t threads, int64_t least, int64_t most) {
  const int64_t share = threads > 1 ? (left + 2 * threads - 1) / (2 * threads) : left;
  return std::min(left, std::clamp(share, least, std::max(least, most)));
}

// Items that are claimed in order.
struct Deck {
  std::atomic<int64_t> dealt{0};

  // Claims a run that begins before `end`; returns false when there is none.
  bool claim(int64_t end, int64_t threads, int64_t least, int64_t most, int64_t* from,
             int64_t* to) {
    int64_t begin = dealt.load(std::memory_order_relaxed);
    while (begin < end) {
      const int64_t next = begin + run_length(end - begin, threads, least, most);
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
template <class Body>
void deal(int64_t slots, int64_t items, int64_t least, int64_t most, Body&& body) {
  Deck deck;
  parallel_for(std::clamp<int64_t>(items / least, 1, slots), [&](int64_t slot) {
    for (int64_t begin, end; deck.claim(items, slots, least, most, &begin, &end);)
      body(begin, end, slot, deck.dealt.load(std::memory_order_relaxed));
  });
}

}  // namespace fastnn
