// Places for the blocks of a step in one piece of memory: blocks whose lifetimes do not meet share.
#pragma once

#include <cstddef>
#include <vector>

namespace fastnn {

struct Lifetime {
  size_t bytes = 0;
  size_t first = 0, last = 0;  // the calls that use it first and last
  size_t offset = 0;           // where it was placed
};

// Sets every offset; returns the bytes that all of them take.
size_t place_lifetimes(std::vector<Lifetime>& lifetimes);

}  // namespace fastnn
