// Rows that lie anywhere in a large array, fetched before they are copied: a processor sees no
// further than a few of them, and memory takes longer.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/caches.h"

namespace fastnn {

class RowsAhead {
 public:
  // Of an array of `bytes` in all. What a cache nearby may hold is better left alone.
  RowsAhead(int64_t bytes, int64_t row_bytes)
      : rows_(bytes > std::max(caches().l2, caches().l3 / 4)
                  ? std::clamp<int64_t>(kWindow / row_bytes, 2, 16)
                  : 0),
        fetched_(std::min(row_bytes, kWindow / 2)) {}

  // Before row i of [0, end) is copied; place(k): where row k lies.
  template <class Place>
  void fetch(int64_t i, int64_t end, Place&& place) const {
    if (rows_ == 0 || i + rows_ >= end) return;
    const char* row = place(i + rows_);
    for (int64_t at = 0; at < fetched_; at += kLine) __builtin_prefetch(row + at);
  }

 private:
  static constexpr int64_t kWindow = 2048;
  int64_t rows_, fetched_;  // how many rows ahead; of one, the first bytes: others follow them
};

}  // namespace fastnn
