// memcpy without a call for the sizes that rows of one or two numbers have.
#pragma once

#include <cstdint>
#include <cstring>

namespace fastnn {

inline void copy_short(char* to, const char* from, int64_t bytes) {
  if (bytes == 4)
    std::memcpy(to, from, 4);
  else if (bytes == 8)
    std::memcpy(to, from, 8);
  else
    std::memcpy(to, from, static_cast<size_t>(bytes));
}

}  // namespace fastnn
