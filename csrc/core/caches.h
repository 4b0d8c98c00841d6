// The data caches that one core sees: block sizes of drivers follow them.
#pragma once

#include <cstdint>

namespace fastnn {

constexpr int64_t kLine = 64;  // bytes that a cache fetches together

struct CacheSizes {
  int64_t l1, l2, l3;  // bytes; l3 may be shared between cores, and 0 when there is none
  const char* origin;  // "FASTNN_CACHES", "sysfs", "CPUID" or "assumed"
};

// Found once. Throws Error for a bad FASTNN_CACHES.
const CacheSizes& caches();

}  // namespace fastnn
