// Tasks with memory of their own.
#pragma once

#include <algorithm>
#include <atomic>

#include "core/thread_pool.h"

namespace fastnn {

// Calls body(task, slot, next) for every task, on at most `slots` threads. No two calls at the same
// time have the same slot, so that memory can go with it; `next` is the task that is likely to
// follow on this thread.
template <class Body>
void deal(int64_t slots, int64_t tasks, Body&& body) {
  if (slots <= 1 || tasks <= 1) {
    for (int64_t task = 0; task < tasks; ++task) body(task, int64_t{0}, task + 1);
    return;
  }
  std::atomic<int64_t> dealt{0};
  parallel_for(std::min(slots, tasks), [&](int64_t slot) {
    for (int64_t task; (task = dealt.fetch_add(1, std::memory_order_relaxed)) < tasks;)
      body(task, slot, dealt.load(std::memory_order_relaxed));
  });
}

}  // namespace fastnn
